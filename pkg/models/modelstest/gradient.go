package modelstest

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/bgmd/bgmd/pkg/data"
	"github.com/bgmd/bgmd/pkg/models"
)

// gradient holds the gradient against central differences of the loss, along
// whole arrays and along parts of them, with and without dropout.
func (s suite) gradient(t *testing.T) {
	for _, dropout := range []float64{0, 0.5} {
		if dropout > s.options.Dropout {
			continue
		}
		t.Run(fmt.Sprintf("dropout=%g", dropout), func(t *testing.T) {
			c := check{net: s.net(t, 1, 4, 1, dropout), batch: s.batch(2, 4)}
			c.grad, _ = grad(t, c.net, c.batch, c.stream())
			choose := source(4)
			each(c.net, func(array models.Tensor, lo, hi int) {
				c.along(t, array.Name, lo, hi)
				if dropout > 0 {
					return
				}
				if len(c.net.Buffers()) > 0 && hi-lo < 1024 {
					return // too few for the kinks to even out
				}
				part := max(1, (hi-lo)/16)
				for range 2 {
					from := choose.IntN(hi - lo - part + 1)
					c.along(t, fmt.Sprintf("%s[%d:%d]", array.Name, from, from+part), lo+from, lo+from+part)
				}
			})
		})
	}
}

// check is a gradient to be checked against the loss.
type check struct {
	net   *models.Net
	batch *data.Batch
	grad  []float32
}

// stream draws the dropout masks, the same at every run.
func (c check) stream() *rand.Rand { return source(3) }

// along moves parameters [lo, hi) forth and back and compares how much the
// loss changes with what the gradient says.
//
// Each moves by a random step in its gradient's direction, and in either where
// that is zero: on a random direction in a million dimensions the loss hardly
// depends, and float32 would drown it. The whole step is scaled so that the
// loss should change by twice the rise. The loss has kinks, where a unit dies
// or another pixel becomes the largest; a large step crosses many and a small
// one is at the mercy of rounding, so one of five sizes has to agree.
func (c check) along(t *testing.T, what string, lo, hi int) {
	t.Helper()
	// Behind batch norm every unit moves with every parameter before it, so
	// that many cross kinks at any step: this finds a term that is missing or
	// wrong; scripts/check_against_torch.py checks the digits.
	tolerance := 1e-2
	if len(c.net.Buffers()) > 0 {
		tolerance = 0.1
	}
	rng := source(uint64(lo))
	step, slope := make([]float64, hi-lo), 0.0
	for i, v := range c.grad[lo:hi] {
		step[i] = math.Copysign(0.5+rng.Float64(), float64(v))
		if v == 0 && rng.IntN(2) == 0 {
			step[i] = -step[i]
		}
		slope += step[i] * float64(v)
	}
	if slope == 0 && hi-lo < len(c.grad) {
		// As the gradient of a kernel's tap that always falls outside.
		if got, _ := c.change(t, lo, hi, step, 0.1); got != 0 {
			t.Errorf("gradient of %s is zero, and the loss changes by %g", what, got)
		}
		return
	}
	if !(slope > 0) {
		t.Fatalf("gradient of %s is no number", what)
	}
	var tried []string
	for _, rise := range []float64{1e-4, 3e-5, 1e-5, 1e-3, 3e-3} {
		got, want := c.change(t, lo, hi, step, rise/slope)
		if math.Abs(got-want) <= tolerance*want {
			return
		}
		tried = append(tried, fmt.Sprintf("%.4g where the gradient says %.4g", got, want))
	}
	t.Errorf("%s: the loss changes by %s", what, strings.Join(tried, ", "))
}

// change is by how much the loss differs between parameters [lo, hi) moved by
// size·step and by −size·step, and by how much the gradient says, for steps as
// they are after rounding.
func (c check) change(t *testing.T, lo, hi int, step []float64, size float64) (got, want float64) {
	t.Helper()
	moving := c.net.Params()[lo:hi]
	before := slices.Clone(moving)
	defer copy(moving, before)
	for _, sign := range []float64{-1, 1} {
		for k, x := range before {
			moving[k] = float32(float64(x) + sign*size*step[k])
			want += sign * float64(c.grad[lo+k]) * (float64(moving[k]) - float64(x))
		}
		got += sign * mean(losses(predict(t, c.net, c.batch, c.stream()), c.batch.Labels))
	}
	return got, want
}

// overwrites: rows of G are reused from step to step.
func (s suite) overwrites(t *testing.T) {
	net := s.net(t, 1, 2, 1, 0)
	b := s.batch(2, 2)
	want, _ := grad(t, net, b, nil)
	for i, v := range want {
		if v != v {
			t.Fatalf("element %d of the gradient was not written", i)
		}
	}
	// Another batch and other parameters between: nothing of them may stay.
	params := slices.Clone(net.Params())
	for i := range params {
		net.Params()[i] *= -1
	}
	grad(t, net, s.batch(3, 2), nil)
	copy(net.Params(), params)
	if got, _ := grad(t, net, b, nil); !slices.Equal(got, want) {
		t.Error("a gradient depends on the run before it")
	}
}

// unlabelled: a padded batch has the loss and gradient of its labelled part.
// Batch norm sees all images, so there it is the mean of what each of the
// labelled samples gives as the only labelled one.
func (s suite) unlabelled(t *testing.T) {
	net := s.net(t, 1, 4, 1, 0)
	if len(net.Buffers()) > 0 {
		b := s.batch(2, 4)
		labelled := func(which ...int) ([]float32, float64) {
			part := &data.Batch{Shape: b.Shape, N: b.N, X: b.X, Labels: slices.Repeat([]int{-1}, b.N)}
			for _, i := range which {
				part.Labels[i] = b.Labels[i]
			}
			return grad(t, net, part, nil)
		}
		first, firstLoss := labelled(0)
		third, thirdLoss := labelled(2)
		got, gotLoss := labelled(0, 2)
		if want := (firstLoss + thirdLoss) / 2; math.Abs(gotLoss-want) > 1e-5*want {
			t.Errorf("loss is %.7g, the mean of the labelled samples' %.7g", gotLoss, want)
		}
		for i := range first {
			first[i] = (first[i] + third[i]) / 2
		}
		if err := distance(got, first); !(err <= 1e-4) {
			t.Errorf("gradient is off by %.2g of the mean of the labelled samples'", err)
		}
		return
	}
	padded := s.batch(2, 4)
	padded.Labels[1], padded.Labels[3] = -1, -1
	part := data.NewBatch(s.shape, 2)
	for i, from := range []int{0, 2} {
		part.Labels[i] = padded.Labels[from]
		for p := range s.shape.Size() {
			part.X[p*2+i] = padded.X[p*4+from]
		}
	}
	got, gotLoss := grad(t, s.net(t, 1, 4, 1, 0), padded, nil)
	want, wantLoss := grad(t, s.net(t, 1, 2, 1, 0), part, nil)
	if math.Abs(gotLoss-wantLoss) > 1e-5*wantLoss {
		t.Errorf("loss is %.7g, that of the labelled samples %.7g", gotLoss, wantLoss)
	}
	if err := distance(got, want); !(err <= 1e-4) {
		t.Errorf("gradient is off by %.2g of that of the labelled samples", err)
	}
}

// distance is |a − b|/|b|.
func distance(a, b []float32) float64 {
	var diff, norm float64
	for i := range b {
		d := float64(a[i]) - float64(b[i])
		diff += d * d
		norm += float64(b[i]) * float64(b[i])
	}
	return math.Sqrt(diff / norm)
}

// overfits: plain gradient descent learns eight samples by heart.
func (s suite) overfits(t *testing.T) {
	const steps, rate, want = 60, 0.05, 0.05
	net := s.net(t, 1, 8, 1, 0)
	b := s.batch(2, 8)
	var first, loss float64
	for step := range steps {
		var g []float32
		if g, loss = grad(t, net, b, nil); loss < want {
			return
		}
		if step == 0 {
			first = loss
		}
		for i, v := range g {
			net.Params()[i] -= rate * v
		}
	}
	t.Errorf("loss is %.3g after %d steps from %.3g, want below %g", loss, steps, first, want)
}
