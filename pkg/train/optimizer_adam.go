package train

import (
	"math"

	"github.com/bgmd/bgmd/pkg/config"
	"github.com/bgmd/bgmd/pkg/models"
)

// adam is Adam [Kingma and Ba 2015] in PyTorch's form, with weight decay coupled
// as in torch.optim.Adam, part of the gradient and of its means (AdamW's would
// act on x alone). For the t-th update, coordinate by coordinate:
//
//	u ← u + wd·x
//	m ← β₁·m + (1 − β₁)·u
//	v ← β₂·v + (1 − β₂)·u²
//	x ← x − γ/(1 − β₁ᵗ) · m/(√v/√(1 − β₂ᵗ) + ε)
type adam struct {
	config.Optimizer
	m, v []float32
}

func newAdam(c config.Optimizer, d int) *adam {
	return &adam{c, make([]float32, d), make([]float32, d)}
}

func (o *adam) step(at place, lr float64, update int) error {
	return at.Adam(models.Adam{
		Beta1: float32(o.Beta1), Rest1: float32(1 - o.Beta1),
		Beta2: float32(o.Beta2), Rest2: float32(1 - o.Beta2),
		Decay: float32(o.WeightDecay), Epsilon: float32(o.Eps),
		Rate:  float32(lr / (1 - math.Pow(o.Beta1, float64(update)))),
		Scale: float32(1 / math.Sqrt(1-math.Pow(o.Beta2, float64(update)))),
	}, o.m, o.v)
}

func (o *adam) state() map[string][]float32 {
	return map[string][]float32{meanName: o.m, squareName: o.v}
}
