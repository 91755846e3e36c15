package agg

var medoidRule = Rule{
	Name: "medoid", Title: "medoid",
	Cost: "O(n²d)", Breakdown: "1/2", MaxCorrupt: minority,
	Source: "Kaufman and Rousseeuw 1987",
	build:  func(Options) core { return &weighing{name: "medoid", label: "medoid", rule: medoid{}} },
}

// medoid is the rule "medoid", the row nearest to all,
//
//	dst = g_k,  k = argminₖ Σᵢ ‖gᵢ − g_k‖,
//
// the geometric median restricted to the rows, ties to the lowest index. Its
// breakdown point is 1/2.
type medoid struct{}

func (medoid) check(int, int, Step) error { return nil }
func (medoid) scratch(int, int) float64   { return 0 }

func (medoid) weigh(w []float64, rows *distances, _ int, _ Step) { w[rows.medoid()] = 1 }
