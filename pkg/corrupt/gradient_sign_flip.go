package corrupt

import (
	"math/rand/v2"

	"github.com/bgmd/bgmd/pkg/agg"
)

// SignFlip turns a gradient round,
//
//	g ← −g,
//
// which is what [BitFlip] does with Scale 1. It is the bit-flipping attack of
// Karimireddy, He and Jaggi, "Byzantine-Robust Learning on Heterogeneous
// Datasets via Bucketing", ICLR 2022, and has no setting.
//
// Cost: O(d) a corrupt row.
type SignFlip struct{}

func newSignFlip(GradientOptions) (Gradient, error) { return SignFlip{}, nil }

// Apply implements [Gradient]. It draws nothing.
func (SignFlip) Apply(G agg.Matrix, rows []int, rng *rand.Rand) {
	BitFlip{Scale: 1}.Apply(G, rows, rng)
}

// factor implements [scaling].
func (SignFlip) factor() float32 { return -1 }

func (SignFlip) String() string { return "sign-flip" }
