package corrupt

import (
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/bgmd/bgmd/pkg/agg"
)

// ALIE shifts all corrupt rows to one point within the spread of the honest
// ones, too near for a rule to tell, all on the same side:
//
//	g ← μ − z·σ,
//
// coordinate by coordinate, where μ is the mean of the honest rows and σ their
// population standard deviation (divided by their number, as in the authors'
// program). z is Z or, for Z = 0, [MaxZ] of the numbers of rows; where that is
// 0 the corrupt rows become μ, which harms nobody.
//
// Source: Baruch, Baruch and Goldberg, "A Little Is Enough", NeurIPS 2019. There
// the attackers estimate μ and σ from the gradients that they would have sent
// honestly; here they know the honest rows, as rules that guarantee something
// allow them to, and look at their own only where no row is honest.
//
// Cost: O(nd), in one pass over G.
type ALIE struct{ Z float64 }

func newALIE(o GradientOptions) (Gradient, error) {
	if !(o.Z >= 0) || math.IsInf(o.Z, 1) {
		return nil, fmt.Errorf("corrupt: alie: z is %v, want ≥ 0 (0 means z_max)", o.Z)
	}
	return ALIE{Z: o.Z}, nil
}

// MaxZ returns the z that [ALIE] takes for f corrupt ones of n rows,
//
//	z_max = Φ⁻¹((n − f − s) / (n − f)),  s = ⌊n/2 + 1⌋ − f,
//
// where Φ is the normal distribution function: s honest rows are what the
// corrupt ones lack for a majority, and so many are expected to lie beyond
// μ − z·σ in a given coordinate, so that a median lands among the corrupt ones.
//
// It is 0 where the formula has no positive value: where half of the honest
// rows or more would be needed (f ≤ 2 for even n, f ≤ 1 for odd n), where none
// or all of the rows are corrupt, and with one or two honest rows. A majority
// of corrupt rows lacks nobody, and its z_max would be infinite: s is 1 there.
func MaxZ(n, f int) float64 {
	if f <= 0 || f >= n {
		return 0
	}
	lacking := max(1, n/2+1-f)
	p := float64(n-f-lacking) / float64(n-f)
	return max(0, math.Sqrt2*math.Erfinv(2*p-1))
}

// Apply implements [Gradient]. It draws nothing.
func (a ALIE) Apply(G agg.Matrix, rows []int, _ *rand.Rand) {
	z := a.Z
	if z == 0 {
		z = MaxZ(G.Rows, len(rows))
	}
	forge(G, rows, 1, z)
}

func (a ALIE) String() string {
	if a.Z == 0 {
		return "alie(z_max)"
	}
	return fmt.Sprintf("alie(%v)", a.Z)
}
