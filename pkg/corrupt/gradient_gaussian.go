package corrupt

import (
	"fmt"
	"math/rand/v2"

	"github.com/bgmd/bgmd/pkg/agg"
)

// GaussianGradient replaces a gradient by Gaussian noise,
//
//	g ← z,  z ~ N(0, Std²) on every coordinate,
//
// where [AdditiveGradient] adds it: nothing of g is left. It is the random
// Gaussian attack of Blanchard, El Mhamdi, Guerraoui and Stainer, "Machine
// Learning with Adversaries", NeurIPS 2017, whose Std is 200.
//
// Cost: O(d) a corrupt row.
type GaussianGradient struct{ Std float64 }

func newGaussianGradient(o GradientOptions) (Gradient, error) {
	if err := positive("gaussian", "std", o.Std); err != nil {
		return nil, err
	}
	return GaussianGradient{Std: o.Std}, nil
}

// Apply implements [Gradient].
func (a GaussianGradient) Apply(G agg.Matrix, rows []int, rng *rand.Rand) {
	std := float32(a.Std)
	eachSeeded(G, rows, rng, func(seed1, seed2 uint64, g []float32) {
		clear(g)
		newGaussian(seed1, seed2).addTo(g, std)
	})
}

// replaces implements [drawing].
func (GaussianGradient) replaces() bool { return true }

func (a GaussianGradient) String() string { return fmt.Sprintf("gaussian(%v)", a.Std) }
