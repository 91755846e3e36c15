package agg

import "fmt"

var neighbourMixingPre = Pre{
	Name: "nnm", Title: "nearest-neighbour mixing",
	Options: []string{"f"}, Needs: "n > 2f", Cost: "O(n²d)",
	Source: "Allouah et al. 2023",
	build:  func(o Options) transform { return &neighbourMixing{budget: budget{f: o.F}} },
}

// neighbourMixing replaces every row by the mean of the n − f rows nearest to
// it, itself among them; ties go to the lowest index.
type neighbourMixing struct {
	budget
	distances distances
	n, keep   int
	near      []bool // n×n: whether row j counts in row i
	index     []int
}

func (m *neighbourMixing) String() string { return fmt.Sprintf("nnm(f=%d)", m.f) }
func (m *neighbourMixing) mixes() bool    { return true }

func (m *neighbourMixing) prepare(G Matrix, _ Step) (int, error) {
	n, f := G.Rows, m.left()
	if n <= 2*f {
		return 0, fmt.Errorf("agg: pre-aggregator %q: n = %d clients and f = %d corrupt, want n > 2f", "nnm", n, f)
	}
	if err := m.distances.measure(G); err != nil {
		return 0, notFinite("nnm", G)
	}
	m.n, m.keep = n, n-f
	m.near = grown(m.near, n*n)
	clear(m.near)
	for i := range n {
		m.index = smallest(m.index, m.distances.to(i), m.keep)
		for _, j := range m.index {
			m.near[i*n+j] = true
		}
	}
	return n, nil
}

func (m *neighbourMixing) weight(i, j int) float64 {
	if m.near[i*m.n+j] {
		return 1 / float64(m.keep)
	}
	return 0
}
