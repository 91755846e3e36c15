package agg

import (
	"errors"
	"fmt"
	"math"

	"github.com/bgmd/bgmd/internal/simd"
)

// ErrNotFinite is wrapped by the errors of rules that met NaN or an infinity in
// a row of G, or whose result or memory would overflow float32. Where it comes bare, from
// a [Space] or within the package, the caller looks for the row to blame.
//
// Rules look for it in sums that they form anyway and scan G for the culprit
// only once such a sum is not finite.
var ErrNotFinite = errors.New("not finite")

// notFinite explains a result that is not finite: by the first element of G that is not
// or, if all are, by a result beyond float32.
func notFinite(rule string, G Matrix) error {
	for i := range G.Rows {
		for j, v := range G.Row(i) {
			if v-v != 0 {
				return fmt.Errorf("agg: rule %q: row %d of G has %v in column %d: %w", rule, i, v, j, ErrNotFinite)
			}
		}
	}
	return overflows(rule, "result")
}

// overflows says that finite rows gave a value beyond its type.
func overflows(rule, what string) error {
	return fmt.Errorf("agg: rule %q: the %s overflows: %w", rule, what, ErrNotFinite)
}

func finiteRow(row []float32) bool { return simd.Finite(row) }

func finite(x float64) bool { return math.Abs(x) <= math.MaxFloat64 }
