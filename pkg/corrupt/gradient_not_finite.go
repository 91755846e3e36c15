package corrupt

import (
	"math"
	"math/rand/v2"

	"github.com/bgmd/bgmd/pkg/agg"
)

// NotFinite fills corrupt rows with what is no number, one value a row:
//
//	NaN, +Inf, −Inf, NaN, …
//
// in the order of the rows. It attacks implementations, not rules: a rule that
// compares distances may never be able to reject a NaN, and one that sums them
// loses all rows.
//
// Cost: O(d) a corrupt row.
type NotFinite struct{}

func newNotFinite(GradientOptions) (Gradient, error) { return NotFinite{}, nil }

var notNumbers = [...]float32{
	float32(math.NaN()), float32(math.Inf(1)), float32(math.Inf(-1)),
}

// Apply implements [Gradient]. It draws nothing.
func (NotFinite) Apply(G agg.Matrix, rows []int, _ *rand.Rand) {
	eachChunk(G, rows, func(_, k, _ int, g []float32) {
		for j := range g {
			g[j] = notNumbers[k%len(notNumbers)]
		}
	})
}

func (NotFinite) String() string { return "not-finite" }
