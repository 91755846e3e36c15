package agg

var meanRule = Rule{
	Name: "mean", Title: "mean",
	Cost: "O(nd)", Breakdown: "0", MaxCorrupt: func(int) int { return 0 },
	Source: "[bgmd, Table 1]",
	build:  func(Options) core { return new(mean) },
}

// mean is the rule "mean",
//
//	dst = (1/n) Σ gᵢ,
//
// the aggregation of plain distributed SGD. One corrupt row moves it anywhere:
// its breakdown point is 0. It reads G once and sums in float64, O(nd). The
// result cannot overflow where the rows are finite.
type mean struct {
	anyRows
	weights []float64
}

func (m *mean) String() string { return "mean" }

func (m *mean) Traits() Traits { return Traits{Equivariant: true, Weights: true, Separable: true} }

func (m *mean) Scratch(int, int) float64 { return 0 }

func (m *mean) aggregate(rows Space, _ Step) (Stats, error) {
	n, _ := rows.Size()
	m.weights = grown(m.weights, n)
	fill(m.weights, 1/float64(n))
	return Stats{Weights: m.weights}, rows.Combine(m.weights)
}
