package modelstest

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/bgmd/bgmd/pkg/data"
)

// predict: Predict's logits are those of the graph that Grad differentiates,
// sample by sample, with the same dropout or none.
func (s suite) predict(t *testing.T) {
	const n = 3
	net := s.net(t, 1, n, 1, 0.5)
	b := s.batch(2, n)
	plain, dropped := predict(t, net, b, nil), predict(t, net, b, source(3))
	if len(plain) != s.classes*n {
		t.Fatalf("%d logits, want %d of each of %d images", len(plain), s.classes, n)
	}
	for _, c := range []struct {
		name   string
		logits []float32
		seed   uint64 // 0 drops nothing
	}{
		{"without dropout", plain, 0},
		{"with dropout", dropped, 3},
	} {
		want := losses(c.logits, b.Labels)
		for i := range n {
			// All samples but one have no label: the loss is that one's.
			one := &data.Batch{Shape: b.Shape, N: n, X: b.X, Labels: slices.Repeat([]int{-1}, n)}
			one.Labels[i] = b.Labels[i]
			rng := source(c.seed)
			if c.seed == 0 {
				rng = nil
			}
			if _, loss := grad(t, net, one, rng); math.Abs(loss-want[i]) > 1e-5 {
				t.Errorf("%s: sample %d has loss %.7g in training and %.7g by Predict", c.name, i, loss, want[i])
			}
		}
	}
	if !slices.Equal(plain, predict(t, net, b, nil)) {
		t.Error("a second Predict differs from the first")
	}
	if s.options.Dropout == 0 {
		if !slices.Equal(plain, dropped) {
			t.Error("Predict with a stream differs, and there is no dropout")
		}
		return
	}
	if slices.Equal(plain, dropped) {
		t.Error("Predict with a stream drops nothing")
	}
	if slices.Equal(dropped, predict(t, net, b, source(4))) {
		t.Error("two streams drop the same units")
	}
	if !slices.Equal(predict(t, s.net(t, 1, n, 1, 0), b, source(3)), plain) {
		t.Error("a net without dropout differs from one whose dropout is off")
	}
}

// sizes: a batch or row of the wrong size is an error, after which the replica
// still works.
func (s suite) sizes(t *testing.T) {
	net := s.net(t, 1, 2, 1, 0)
	d := len(net.Params())
	right := s.batch(2, 2)
	want, _ := grad(t, net, right, nil)
	tall := s.shape
	tall.H++
	for _, c := range []struct {
		name  string
		d     int
		batch *data.Batch
		want  string
	}{
		{"short row", d - 1, right, fmt.Sprintf("models: gradient has %d elements, want %d", d-1, d)},
		{"long row", d + 1, right, fmt.Sprintf("models: gradient has %d elements, want %d", d+1, d)},
		{"no row", 0, right, fmt.Sprintf("models: gradient has 0 elements, want %d", d)},
		{"small batch", d, s.batch(2, 1), fmt.Sprintf("models: batch is 1 images of %v, want 2 of %v", s.shape, s.shape)},
		{"large batch", d, s.batch(2, 3), fmt.Sprintf("models: batch is 3 images of %v, want 2 of %v", s.shape, s.shape)},
		{"tall images", d, data.NewBatch(tall, 2), fmt.Sprintf("models: batch is 2 images of %v, want 2 of %v", tall, s.shape)},
	} {
		if _, err := net.Replica(0).Grad(make([]float32, c.d), c.batch, nil); err == nil || err.Error() != c.want {
			t.Errorf("Grad, %s: error is %v, want %q", c.name, err, c.want)
		}
		if c.batch == right {
			continue
		}
		if _, err := net.Replica(0).Predict(c.batch, nil); err == nil || err.Error() != c.want {
			t.Errorf("Predict, %s: error is %v, want %q", c.name, err, c.want)
		}
	}
	if got, _ := grad(t, net, right, nil); !slices.Equal(got, want) {
		t.Error("the gradient differs after refused calls")
	}
}
