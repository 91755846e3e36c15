package agg

var medoidRule = Rule{
	Name: "medoid", Title: "medoid",
	Cost: "O(n²d)", Breakdown: "1/2", MaxCorrupt: minority,
	Source: "Kaufman and Rousseeuw 1987", Weights: true,
	build: func(o Options) Aggregator { return newWeighing("medoid", o, medoid{}) },
}

// medoid is the rule "medoid", the row nearest to all,
//
//	dst = g_k,  k = argminₖ Σᵢ ‖gᵢ − g_k‖,
//
// the geometric median restricted to the rows, ties to the lowest index. Its
// breakdown point is 1/2.
type medoid struct{}

func (medoid) String() string       { return "medoid" }
func (medoid) check(_, _ int) error { return nil }

func (medoid) weigh(w []float64, rows *distances, _ int) { w[rows.medoid()] = 1 }
