package corrupt

import (
	"math"
	"math/rand/v2"

	"github.com/bgmd/bgmd/pkg/agg"
)

// RandomSignFlip flips the sign of every coordinate of a gradient with
// probability 1/2, independently of the others,
//
//	gⱼ ← sⱼ·gⱼ,  sⱼ = ±1 with equal probability.
//
// The corrupt row has the norm, and in every coordinate the magnitude, of an
// honest one, and a mean of zero: it hides from rules that look at lengths. It
// is a fault of hardware or transmission more than an attack, and due to no
// paper that this project knows of.
//
// Cost: O(d) a corrupt row, and one random bit a coordinate.
type RandomSignFlip struct{}

func newRandomSignFlip(GradientOptions) (Gradient, error) { return RandomSignFlip{}, nil }

// Apply implements [Gradient].
func (RandomSignFlip) Apply(G agg.Matrix, rows []int, rng *rand.Rand) {
	eachSeeded(G, rows, rng, func(seed1, seed2 uint64, g []float32) {
		src := rand.NewPCG(seed1, seed2)
		var draw uint64
		for j, v := range g {
			if j%64 == 0 {
				draw = src.Uint64()
			}
			g[j] = math.Float32frombits(math.Float32bits(v) ^ uint32(draw)<<31)
			draw >>= 1
		}
	})
}

func (RandomSignFlip) String() string { return "random-sign-flip" }
