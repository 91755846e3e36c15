package corrupt

import (
	"fmt"
	"math/rand/v2"

	"github.com/bgmd/bgmd/pkg/agg"
)

// IPM, inner-product manipulation, sets all corrupt rows to
//
//	g ← −Epsilon·μ,
//
// where μ is the mean of the honest rows, of all rows where none is honest. A
// large Epsilon turns a mean round; a small one stays among the honest rows,
// and is what rules that look at distances fail to see: they select or weigh up
// rows whose inner product with the true gradient is negative.
//
// Source: Xie, Koyejo and Gupta, "Fall of Empires", UAI 2019 (PMLR 115, 2020).
//
// Cost: O(nd), in one pass over G.
type IPM struct{ Epsilon float64 }

func newIPM(o GradientOptions) (Gradient, error) {
	if err := positive("ipm", "epsilon", o.Epsilon); err != nil {
		return nil, err
	}
	return IPM{Epsilon: o.Epsilon}, nil
}

// Apply implements [Gradient]. It draws nothing.
func (a IPM) Apply(G agg.Matrix, rows []int, _ *rand.Rand) { forge(G, rows, -a.Epsilon, 0) }

func (a IPM) String() string { return fmt.Sprintf("ipm(%v)", a.Epsilon) }
