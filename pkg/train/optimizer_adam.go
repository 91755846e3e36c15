package train

import (
	"math"

	"github.com/bgmd/bgmd/internal/par"
	"github.com/bgmd/bgmd/pkg/config"
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

// step costs one pass over x, u, m and v.
func (o *adam) step(x, u []float32, lr float64, update int) {
	b1, b2, wd, eps := float32(o.Beta1), float32(o.Beta2), float32(o.WeightDecay), float32(o.Eps)
	rest1, rest2 := float32(1-o.Beta1), float32(1-o.Beta2)
	gamma := float32(lr / (1 - math.Pow(o.Beta1, float64(update))))
	scale := float32(1 / math.Sqrt(1-math.Pow(o.Beta2, float64(update))))
	par.For(len(x), stepGrain, func(_, lo, hi int) {
		x, u, m, v := x[lo:hi], u[lo:hi], o.m[lo:hi], o.v[lo:hi]
		for i := range x {
			g := u[i] + wd*x[i]
			m[i] = b1*m[i] + rest1*g
			v[i] = b2*v[i] + rest2*g*g
			x[i] -= gamma * m[i] / (float32(math.Sqrt(float64(v[i])))*scale + eps)
		}
	})
}

func (o *adam) state() map[string][]float32 {
	return map[string][]float32{meanName: o.m, squareName: o.v}
}
