package agg

import (
	"fmt"
	"slices"
)

var monnaRule = Rule{
	Name: "monna", Title: "MoNNA, nearest neighbour averaging",
	Options: []string{"f", "pivot"}, Needs: "n > 2f, n > pivot",
	Cost: "O(n²d)", Breakdown: "f/n → 1/2, if the pivot is honest", MaxCorrupt: minority,
	Source: "Farhadkhani et al. 2023", Weights: true,
	build: func(o Options) Aggregator { return newWeighing("monna", o, &monna{f: o.F, pivot: o.Pivot}) },
}

// monna is the rule "monna", the mean of the n − f rows nearest to a row that
// is trusted, itself among them: every worker's view of its peers in
// decentralised training. Ties go to the lowest index. The result stays within
// the honest spread of the pivot for every f < n/2, if the pivot is honest
// [Farhadkhani et al. 2023]; if it is not, there is no bound.
type monna struct {
	f, pivot int
	kept     []int // numbers of the rows there are, nil for all
	all      int   // the number of rows that they are of
	index    []int
}

func (m *monna) String() string { return fmt.Sprintf("monna(f=%d, pivot=%d)", m.f, m.pivot) }

func (m *monna) check(n, f int) error {
	if n <= 2*f {
		return tooMany("monna", n, f, "n > 2f")
	}
	all := n
	if m.kept != nil {
		all = m.all
	}
	switch {
	case m.pivot >= all:
		return fmt.Errorf("agg: rule %q: pivot is row %d, want below n = %d", "monna", m.pivot, all)
	case m.place() < 0:
		return fmt.Errorf("agg: rule %q: row %d, the pivot, is %w", "monna", m.pivot, ErrNotFinite)
	}
	return nil
}

// spare implements sparing.
func (m *monna) spare(kept []int, n int) { m.kept, m.all = kept, n }

func (m *monna) numbered() bool { return true }

// place is where the pivot is among the rows there are, −1 where it is not.
func (m *monna) place() int {
	if m.kept == nil {
		return m.pivot
	}
	return slices.Index(m.kept, m.pivot)
}

func (m *monna) weigh(w []float64, rows *distances, f int) {
	m.index = smallest(m.index, rows.to(m.place()), rows.n-f)
	average(w, m.index)
}
