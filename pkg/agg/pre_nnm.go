package agg

import (
	"fmt"
	"slices"
)

var nnmPre = Pre{
	Name: "nnm", Title: "nearest-neighbour mixing",
	Options: []string{"f"}, Needs: "n > 2f", Cost: "O(n²d)",
	Source: "Allouah et al. 2023", mixes: true,
	build: func(o Options) transform { return &nnm{f: o.F} },
}

// nnm replaces every row by the mean of the n − f rows nearest to
// it, itself among them; ties go to the lowest index.
type nnm struct {
	f         int
	distances distances
	host      host
	keep      int
	near      []int // n×keep: the rows that count in each, ascending
	index     []int
}

func (m *nnm) String() string  { return fmt.Sprintf("nnm(f=%d)", m.f) }
func (m *nnm) makes(n int) int { return n }

func (m *nnm) fits(n, d int, step Step) error {
	if f := step.budget(m.f); n <= 2*f {
		return fmt.Errorf("agg: pre-aggregator %q: n = %d clients and f = %d corrupt, want n > 2f", "nnm", n, f)
	}
	return checkPairs(`pre-aggregator "nnm"`, n, d)
}

func (m *nnm) scratch(n, d int) float64 { return m.distances.scratch(n, d) + square(n) }

func (m *nnm) prepare(G Matrix, step Step) error {
	n := G.Rows
	if err := m.fits(n, G.Cols, step); err != nil {
		return err
	}
	m.host.G = G
	defer m.host.forget()
	if err := m.distances.measure(&m.host); err != nil {
		return notFinite("nnm", G)
	}
	m.keep, m.near = n-step.budget(m.f), m.near[:0]
	for i := range n {
		m.index = smallest(m.index, m.distances.to(i), m.keep)
		slices.Sort(m.index)
		m.near = append(m.near, m.index...)
	}
	return nil
}

func (m *nnm) sources(i int) (rows []int, weight float64) {
	return m.near[i*m.keep:][:m.keep], 1 / float64(m.keep)
}
