package agg

var meanRule = Rule{
	Name: "mean", Title: "mean",
	Cost: "O(nd)", Breakdown: "0", MaxCorrupt: func(int) int { return 0 },
	Source: "[bgmd, Table 1]", Weights: true, Separable: true,
	build: func(Options) Aggregator { return new(mean) },
}

// mean is the rule "mean",
//
//	dst = (1/n) Σ gᵢ,
//
// the aggregation of plain distributed SGD. One corrupt row moves it anywhere:
// its breakdown point is 0. It reads G once and sums in float64, O(nd). The
// result cannot overflow where the rows are finite.
type mean struct {
	weights []float64
}

func (m *mean) String() string { return "mean" }

// Equivariant implements [Equivariant].
func (m *mean) Equivariant() bool { return true }

func (m *mean) Aggregate(dst []float32, G Matrix, _ Step) (Stats, error) {
	if err := check("mean", dst, G); err != nil {
		return Stats{}, err
	}
	m.weights = grown(m.weights, G.Rows)
	fill(m.weights, 1/float64(G.Rows))
	if !weightedSum(dst, G, m.weights) {
		return Stats{}, notFinite("mean", G)
	}
	return Stats{Weights: m.weights}, nil
}
