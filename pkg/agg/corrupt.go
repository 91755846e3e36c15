package agg

import (
	"fmt"
	"math"
)

// budget is the number of corrupt rows that a rule assumes: f, less those that
// were dropped before it sees them.
type budget struct {
	f, dropped int
}

func (b *budget) left() int { return max(0, b.f-b.dropped) }

// spare implements sparing.
func (b *budget) spare(kept []int, n int) { b.dropped = missing(kept, n) }

// missing is how many of n rows are not kept, where nil keeps all.
func missing(kept []int, n int) int {
	if kept == nil {
		return 0
	}
	return n - len(kept)
}

// sparing is implemented by rules to which it matters that rows were dropped,
// which were corrupt: spare says which of n are left, nil for a G of all again.
type sparing interface{ spare(kept []int, n int) }

// spared tells a rule, if it matters to it.
func spared(rule any, kept []int, n int) {
	if s, ok := rule.(sparing); ok {
		s.spare(kept, n)
	}
}

// numbered is implemented by rules that know a row by its number.
type numbered interface{ numbered() bool }

func isNumbered(rule any) bool {
	n, ok := rule.(numbered)
	return ok && n.numbered()
}

// trim is a number of rows to drop: ⌈βn⌉, or f for β = 0.
type trim struct {
	budget
	beta float64
}

func (t *trim) count(n int) int {
	if t.beta == 0 {
		return t.left()
	}
	return int(math.Ceil(t.beta*float64(n) - 1e-9)) // 0.1 of 30 is 3
}

func (t *trim) describe(rule string) string {
	if t.beta == 0 {
		return fmt.Sprintf("%s(f=%d)", rule, t.f)
	}
	return fmt.Sprintf("%s(beta=%g)", rule, t.beta)
}

func (t *trim) check(rule string, n int) error {
	if n <= 2*t.count(n) {
		return fmt.Errorf("agg: rule %q: n = %d clients of which %d are dropped, want n > 2·%d", rule, n, t.count(n), t.count(n))
	}
	return nil
}

// tooMany says that n rows are not enough for f corrupt ones.
func tooMany(rule string, n, f int, needs string) error {
	return fmt.Errorf("agg: rule %q: n = %d clients and f = %d corrupt, want %s", rule, n, f, needs)
}
