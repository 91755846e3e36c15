package modelstest

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/bgmd/bgmd/pkg/models"
)

// initial: parameters are uniform on ±1/√fan_in, as PyTorch's are, where a bias
// has its weight's fan-in. In a model with batch norm they are as torchvision's:
// convolutions normal with variance 2/fan_out, norms 1 and 0.
func (s suite) initial(t *testing.T) {
	net := s.net(t, 1, 1, 1, 0)
	norms := normArrays(net)
	fan := 0
	each(net, func(array models.Tensor, _, _ int) {
		if value, ok := norms[array.Name]; ok {
			if slices.Min(array.Data) != value || slices.Max(array.Data) != value {
				t.Errorf("%s is not %g throughout", array.Name, value)
			}
			return
		}
		if len(array.Shape) > 1 {
			fan = len(array.Data) / array.Shape[0]
		}
		scale, square, fourth := 1/math.Sqrt(float64(fan)), 1.0/3, 4.0/45 // the square's mean and variance
		if len(norms) > 0 && len(array.Shape) == 4 {
			scale, square, fourth = math.Sqrt(2/float64(len(array.Data)/array.Shape[1])), 1, 2
		} else if largest := max(slices.Max(array.Data), -slices.Min(array.Data)); float64(largest) > scale*(1+1e-6) {
			t.Fatalf("%s has %g, want at most 1/√%d = %g", array.Name, largest, fan, scale)
		}
		var sum, squares float64
		for _, v := range array.Data {
			sum += float64(v)
			squares += float64(v) * float64(v)
		}
		n := float64(len(array.Data))
		if m := sum / n / scale; math.Abs(m) > 5*math.Sqrt(square/n) {
			t.Errorf("%s has mean %g·scale, want 0", array.Name, m)
		}
		if v := squares / n / (scale * scale); math.Abs(v-square) > 5*math.Sqrt(fourth/n) {
			t.Errorf("%s has mean square %g·scale², want %g", array.Name, v, square)
		}
	})
}

// normArrays names the parameters of batch norms, with their initial values.
func normArrays(net *models.Net) map[string]float32 {
	values := map[string]float32{}
	for _, x := range net.Export() {
		if name, ok := strings.CutSuffix(x.Name, ".running_mean"); ok {
			values[name+".weight"], values[name+".bias"] = 1, 0
		}
	}
	return values
}

// seed: equal seeds give equal parameters and gradients to the bit, others
// others.
func (s suite) seed(t *testing.T) {
	b := s.batch(2, 2)
	a, same, other := s.net(t, 1, 2, 1, 0.5), s.net(t, 1, 2, 1, 0.5), s.net(t, 7, 2, 1, 0.5)
	if !slices.Equal(a.Params(), same.Params()) {
		t.Error("equal seeds give different parameters")
	}
	norms := normArrays(a)
	each(a, func(array models.Tensor, lo, hi int) {
		if _, constant := norms[array.Name]; constant {
			return
		}
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
