package agg

import "fmt"

// budget is the number of corrupt rows that a rule assumes: f, less those that
// were dropped before it sees them.
type budget struct {
	f, dropped int
}

func (b *budget) left() int { return max(0, b.f-b.dropped) }

// spare implements sparing.
func (b *budget) spare(dropped int) { b.dropped = dropped }

// sparing is implemented by rules that count on corrupt rows: spare says how
// many are gone already.
type sparing interface{ spare(dropped int) }

// tooMany says that n rows are not enough for f corrupt ones.
func tooMany(rule string, n, f int, needs string) error {
	return fmt.Errorf("agg: rule %q: n = %d clients and f = %d corrupt, want %s", rule, n, f, needs)
}
