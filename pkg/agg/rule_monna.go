package agg

import (
	"fmt"
)

var monnaRule = Rule{
	Name: "monna", Title: "MoNNA, nearest neighbour averaging",
	Options: []string{"f", "pivot"}, Needs: "n > 2f, n > pivot",
	Cost: "O(n²d)", Breakdown: "f/n → 1/2, if the pivot is honest", MaxCorrupt: minority,
	Source: "Farhadkhani et al. 2023",
	build: func(o Options) core {
		label := fmt.Sprintf("monna(f=%d, pivot=%d)", o.F, o.Pivot)
		return &weighing{name: "monna", label: label, f: o.F, numbered: true, rule: &monna{pivot: o.Pivot}}
	},
}

// monna is the rule "monna", the mean of the n − f rows nearest to a row that
// is trusted, itself among them: every worker's view of its peers in
// decentralised training. Ties go to the lowest index. The result stays within
// the honest spread of the pivot for every f < n/2, if the pivot is honest
// [Farhadkhani et al. 2023]; if it is not, there is no bound.
type monna struct {
	pivot int
	index []int
}

func (m *monna) check(n, f int, step Step) error {
	if err := majority("monna", n, f); err != nil {
		return err
	}
	switch all := n + step.Dropped; {
	case m.pivot >= all:
		return fmt.Errorf("agg: rule %q: pivot is row %d, want below n = %d", "monna", m.pivot, all)
	case step.place(m.pivot) < 0:
		return fmt.Errorf("agg: rule %q: row %d, the pivot, is %w", "monna", m.pivot, ErrNotFinite)
	}
	return nil
}

func (m *monna) scratch(int, int) float64 { return 0 }

func (m *monna) weigh(w []float64, rows *distances, f int, step Step) {
	m.index = smallest(m.index, rows.to(step.place(m.pivot)), rows.n-f)
	average(w, m.index)
}
