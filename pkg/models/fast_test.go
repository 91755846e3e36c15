package models_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/bgmd/bgmd/pkg/data"
	"github.com/bgmd/bgmd/pkg/models"
)

// fastNet is a LeNet whose second convolution is computed with fewer
// multiplications, unless direct, and a batch for it.
func fastNet(t *testing.T, replicas int, direct bool) (*models.Net, *data.Batch) {
	t.Helper()
	const n = 20 // a group of samples and a part of one
	o := lenetOptions(func(o *models.Options) {
		o.Batch, o.EvalBatch, o.Replicas, o.Dropout, o.Direct = n, n, replicas, 0, direct
		o.Rand = rand.New(rand.NewPCG(1, 2))
	})
	net, err := models.New("lenet", o)
	if err != nil {
		t.Fatal(err)
	}
	b, rng := data.NewBatch(o.Shape, n), rand.New(rand.NewPCG(3, 4))
	for i := range b.X {
		b.X[i] = float32(rng.NormFloat64())
	}
	for i := range b.Labels {
		b.Labels[i] = rng.IntN(10)
	}
	return net, b
}

// gradients are those of so many clients with the same batch.
func gradients(t *testing.T, net *models.Net, b *data.Batch, clients int) [][]float32 {
	t.Helper()
	rows := make([][]float32, clients)
	err := net.Each(clients, func(r *models.Replica, i int) error {
		rows[i] = make([]float32, len(net.Params()))
		_, err := r.Grad(rows[i], b, nil)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

func apart(x, y []float32) float64 {
	var difference, norm float64
	for i := range x {
		d := float64(x[i]) - float64(y[i])
		difference += d * d
		norm += float64(y[i]) * float64(y[i])
	}
	return math.Sqrt(difference / norm)
}

// TestFastConvolutions: with fewer multiplications gradients and logits are as by
// definition, but for roundings, and the same to the bit whatever the number of
// workers.
func TestFastConvolutions(t *testing.T) {
	net, b := fastNet(t, 1, true)
	want := gradients(t, net, b, 1)[0]
	logits, err := net.Replica(0).Predict(b, nil)
	if err != nil {
		t.Fatal(err)
	}
	var first []float32
	for replicas := 1; replicas <= 3; replicas++ {
		net, b := fastNet(t, replicas, false)
		for i, row := range gradients(t, net, b, 6) {
			if first == nil {
				first = row
			}
			if !slices.Equal(row, first) {
				t.Errorf("%d workers: client %d has another gradient than with one worker", replicas, i)
			}
		}
		got, err := net.Replica(0).Predict(b, nil)
		if err != nil {
			t.Fatal(err)
		}
		if d := apart(got, logits); !(d > 0 && d < 5e-6) {
			t.Errorf("logits differ by %.2g of their norm, want up to 5e-6 and not 0", d)
		}
	}
	if d := apart(first, want); !(d > 0 && d < 5e-6) {
		t.Errorf("the gradient differs by %.2g of its norm, want up to 5e-6 and not 0", d)
	}
}

// TestFastConvolutionsFollowParameters: weights are transformed anew when they have
// changed, for Each and for a replica by itself.
func TestFastConvolutionsFollowParameters(t *testing.T) {
	net, b := fastNet(t, 2, false)
	before := gradients(t, net, b, 1)[0]
	other, _ := fastNet(t, 1, false)
	for i := range net.Params() {
		net.Params()[i] *= 1.25
		other.Params()[i] *= 1.25
	}
	got := gradients(t, net, b, 2)
	alone := make([]float32, len(before))
	if _, err := other.Replica(0).Grad(alone, b, nil); err != nil {
		t.Fatal(err)
	}
	if slices.Equal(got[0], before) || !slices.Equal(got[0], got[1]) || !slices.Equal(got[0], alone) {
		t.Error("the gradient is not that of the new parameters")
	}
	fresh, _ := fastNet(t, 1, false)
	if err := net.Import(fresh.Export()); err != nil {
		t.Fatal(err)
	}
	if _, err := net.Replica(1).Grad(alone, b, nil); err != nil || !slices.Equal(alone, before) {
		t.Errorf("the gradient is not that of the parameters imported (%v)", err)
	}
}
