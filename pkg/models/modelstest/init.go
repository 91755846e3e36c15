package modelstest

import (
	"math"
	"slices"
	"testing"

	"github.com/bgmd/bgmd/pkg/models"
)

// initial: parameters are uniform on ±1/√fan_in, as PyTorch's are; a bias has
// its weight's fan-in.
func (s suite) initial(t *testing.T) {
	net := s.net(t, 1, 1, 1, 0)
	fan := 0
	each(net, func(array models.Tensor, _, _ int) {
		if len(array.Shape) > 1 {
			fan = len(array.Data) / array.Shape[0]
		}
		bound := 1 / math.Sqrt(float64(fan))
		var sum, squares float64
		for _, v := range array.Data {
			if math.Abs(float64(v)) > bound*(1+1e-6) {
				t.Fatalf("%s has %g, want at most 1/√%d = %g", array.Name, v, fan, bound)
			}
			sum += float64(v)
			squares += float64(v) * float64(v)
		}
		// A uniform variable on ±1 has variance 1/3, and its square 4/45.
		n := float64(len(array.Data))
		if m := sum / n / bound; math.Abs(m) > 5*math.Sqrt(1.0/3/n) {
			t.Errorf("%s has mean %g·bound, want 0", array.Name, m)
		}
		if v := squares / n / (bound * bound); math.Abs(v-1.0/3) > 5*math.Sqrt(4.0/45/n) {
			t.Errorf("%s has mean square %g·bound², want 1/3", array.Name, v)
		}
	})
}

// seed: equal seeds give equal parameters and gradients to the bit, others
// others.
func (s suite) seed(t *testing.T) {
	b := s.batch(2, 2)
	a, same, other := s.net(t, 1, 2, 1, 0.5), s.net(t, 1, 2, 1, 0.5), s.net(t, 7, 2, 1, 0.5)
	if !slices.Equal(a.Params(), same.Params()) {
		t.Error("equal seeds give different parameters")
	}
	each(a, func(array models.Tensor, lo, hi int) {
		if slices.Equal(a.Params()[lo:hi], other.Params()[lo:hi]) {
			t.Errorf("different seeds give equal %s", array.Name)
		}
	})
	ga, la := grad(t, a, b, source(3))
	gs, ls := grad(t, same, b, source(3))
	if !slices.Equal(ga, gs) || la != ls {
		t.Error("equal seeds give different gradients")
	}
	if g, _ := grad(t, other, b, source(3)); slices.Equal(ga, g) {
		t.Error("different seeds give equal gradients")
	}
}
