package corrupt

import (
	"fmt"
	"math/rand/v2"

	"github.com/bgmd/bgmd/pkg/agg"
)

// AdditiveGradient adds Gaussian noise to every coordinate of a gradient,
//
//	g ← g + z,  z ~ N(0, Std²).
//
// [bgmd] has N(0, 100), Std = 10.
type AdditiveGradient struct{ Std float64 }

func newAdditiveGradient(o GradientOptions) (Gradient, error) {
	if err := positive("additive", "std", o.Std); err != nil {
		return nil, err
	}
	return AdditiveGradient{Std: o.Std}, nil
}

// Apply implements [Gradient].
func (a AdditiveGradient) Apply(G agg.Matrix, rows []int, rng *rand.Rand) {
	std := float32(a.Std)
	eachSeeded(G, rows, rng, func(seed1, seed2 uint64, g []float32) {
		newGaussian(seed1, seed2).addTo(g, std)
	})
}

// replaces implements [drawing].
func (AdditiveGradient) replaces() bool { return false }

func (a AdditiveGradient) String() string { return fmt.Sprintf("additive(%v)", a.Std) }

// numpyNoise draws one row's noise as [code] does: numpy.random.normal in
// float64, rounded to the gradient's float32 before it is added.
func (a AdditiveGradient) numpyNoise(src *numpyRand, d int) []float32 {
	noise := make([]float32, d)
	for j := range noise {
		noise[j] = float32(a.Std * src.gauss())
	}
	return noise
}
