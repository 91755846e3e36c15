package agg

import (
	"fmt"
	"math"
)

// trim is a number of rows to drop: ⌈βn⌉, or f for β = 0.
type trim struct {
	rule string
	f    int
	beta float64
}

func (t *trim) count(n int, step Step) int {
	if t.beta == 0 {
		return step.budget(t.f)
	}
	return int(math.Ceil(t.beta*float64(n) - 1e-9)) // 0.1 of 30 is 3
}

func (t *trim) String() string {
	if t.beta == 0 {
		return fmt.Sprintf("%s(f=%d)", t.rule, t.f)
	}
	return fmt.Sprintf("%s(beta=%g)", t.rule, t.beta)
}

func (t *trim) Fits(n, _ int, step Step) error {
	if count := t.count(n, step); n <= 2*count {
		return fmt.Errorf("agg: rule %q: n = %d clients of which %d are dropped, want n > 2·%d", t.rule, n, count, count)
	}
	return nil
}
