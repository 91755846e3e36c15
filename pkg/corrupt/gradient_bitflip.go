package corrupt

import (
	"fmt"
	"math/rand/v2"

	"github.com/bgmd/bgmd/pkg/agg"
)

// BitFlip flips the sign bit of every coordinate of a gradient and scales it,
//
//	g ← −Scale·g.
//
// [bgmd] has Scale 100, [code] 5.
type BitFlip struct{ Scale float64 }

func newBitFlip(o GradientOptions) (Gradient, error) {
	if err := positive("bitflip", "scale", o.Scale); err != nil {
		return nil, err
	}
	return BitFlip{Scale: o.Scale}, nil
}

// Apply implements [Gradient]. It draws nothing.
func (f BitFlip) Apply(G agg.Matrix, rows []int, _ *rand.Rand) {
	factor := f.factor()
	eachChunk(G, rows, func(_, _, _ int, g []float32) {
		for j := range g {
			g[j] *= factor
		}
	})
}

// factor implements [scaling].
func (f BitFlip) factor() float32 { return -float32(f.Scale) }

func (f BitFlip) String() string { return fmt.Sprintf("bitflip(%v)", f.Scale) }
