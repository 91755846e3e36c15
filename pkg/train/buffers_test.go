package train

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/bgmd/bgmd/pkg/data"
	"github.com/bgmd/bgmd/pkg/models"
)

func bufferNet(t *testing.T) *models.Net {
	t.Helper()
	net, err := models.New("resnet18", models.Options{
		Shape: data.Shape{C: 1, H: 8, W: 8}, Classes: 2, Batch: 2, EvalBatch: 1, Replicas: 1, Rand: rand.New(rand.NewPCG(1, 1)),
	})
	if err != nil {
		t.Fatal(err)
	}
	return net
}

// TestBuffers sends constant statistics from five clients: the running means,
// from 0, must move to a tenth of what they combine to.
func TestBuffers(t *testing.T) {
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	for _, c := range []struct {
		name, kind string
		clients    [5]float32
		want       float32
	}{
		{"median", "median", [5]float32{1, 2, 3, 4, 5}, 0.3},
		{"mean", "mean", [5]float32{1, 2, 3, 4, 10}, 0.4},
		{"median of a corrupt minority", "median", [5]float32{3e38, 1, -3e38, 2, 3}, 0.2},
		{"median without NaN", "median", [5]float32{nan, 1, 2, 3, nan}, 0.2},
		{"mean without Inf", "mean", [5]float32{inf, 1, 2, 3, -inf}, 0.2},
		{"mean of large values", "mean", [5]float32{3e38, 3e38, 3e38, 3e38, 3e38}, 3e37},
		{"nothing finite", "median", [5]float32{nan, inf, nan, -inf, nan}, 0},
	} {
		net := bufferNet(t)
		b, err := newBuffers(c.kind, 5, net)
		if err != nil {
			t.Fatal(err)
		}
		for i, v := range c.clients {
			b.note(i, slices.Repeat([]float32{v}, len(net.Buffers())))
		}
		if err := b.update(net); err != nil {
			t.Fatal(err)
		}
		if got := net.Buffers()[0]; math.Abs(float64(got-c.want)) > 1e-6*math.Abs(float64(c.want)) {
			t.Errorf("%s: a running mean is %g, want %g", c.name, got, c.want)
		}
	}
}
