package train

import (
	"math"
	"testing"

	"github.com/bgmd/bgmd/pkg/config"
)

// TestSGDIsPyTorchs compares three steps with torch.optim.SGD of PyTorch 1.13,
// float64, lr = 0.1, momentum = 0.9, weight_decay = 0.01, from x = 1 with
// gradients 0.5, −0.25, 1.
func TestSGDIsPyTorchs(t *testing.T) {
	for _, c := range []struct {
		name string
		config.Optimizer
		want [3]float64
	}{
		{"plain", config.Optimizer{}, [3]float64{0.95, 0.975, 0.875}},
		{"weight decay", config.Optimizer{WeightDecay: 0.01}, [3]float64{0.949, 0.973051, 0.872077949}},
		{"momentum", config.Optimizer{Momentum: 0.9, WeightDecay: 0.01}, [3]float64{0.949, 0.927151, 0.806559749}},
		{"Nesterov", config.Optimizer{Momentum: 0.9, Nesterov: true, WeightDecay: 0.01}, [3]float64{0.9031, 0.90757411, 0.698189208}},
	} {
		o := newSGD(c.Optimizer, 1)
		x := []float32{1}
		for i, g := range []float32{0.5, -0.25, 1} {
			if err := o.step(&inMemory{x: x, u: []float32{g}}, 0.1, i+1); err != nil {
				t.Fatal(err)
			}
			if math.Abs(float64(x[0])-c.want[i]) > 1e-6 {
				t.Errorf("%s: after step %d x is %v, PyTorch has %v", c.name, i+1, x[0], c.want[i])
			}
		}
	}
}

// TestAdamIsPyTorchs compares three steps with torch.optim.Adam of PyTorch 1.13,
// float64, lr = 0.1, from x = 1 with gradients 0.5, −0.25, 1. The first of them is
// 0.1·0.5/(√0.25 + 1e-8) whatever the betas.
func TestAdamIsPyTorchs(t *testing.T) {
	for _, c := range []struct {
		weightDecay, beta1, beta2, eps float64
		want                           [3]float64
	}{
		{0, 0.9, 0.999, 1e-8, [3]float64{0.900000002, 0.8733662987, 0.8075551397}},
		{0.01, 0.9, 0.999, 1e-8, [3]float64{0.900000002, 0.8712293476, 0.8046143342}},
		{0.1, 0.5, 0.8, 0.1, [3]float64{0.9142857143, 0.8960520313, 0.8196317163}},
	} {
		o := newOptimizer(config.Optimizer{Kind: "adam", WeightDecay: c.weightDecay, Beta1: c.beta1, Beta2: c.beta2, Eps: c.eps}, 1)
		x := []float32{1}
		for i, g := range []float32{0.5, -0.25, 1} {
			if err := o.step(&inMemory{x: x, u: []float32{g}}, 0.1, i+1); err != nil {
				t.Fatal(err)
			}
			if math.Abs(float64(x[0])-c.want[i]) > 1e-6 {
				t.Errorf("%+v: after step %d x is %v, PyTorch has %v", c, i+1, x[0], c.want[i])
			}
		}
	}
}

func TestRestoreRefusesAnotherOptimizersState(t *testing.T) {
	err := restore(newAdam(config.Optimizer{}, 2), map[string][]float32{velocityName: {1, 2}, meanName: {1, 2}})
	if want := "optimizer.exp_avg_sq has 0 elements, want 2"; err == nil || err.Error() != want {
		t.Errorf("error is %v, want %s", err, want)
	}
}
