package agg

import "fmt"

var meanAroundMedianRule = Rule{
	Name: "meamed", Title: "mean around median",
	Options: []string{"f"}, Needs: "n > 2f",
	Cost: "O(nd log² n)", Breakdown: "f/n → 1/2", MaxCorrupt: minority,
	Source: "Xie, Koyejo and Gupta 2018", Separable: true,
	build: func(o Options) Aggregator { return &meanAroundMedian{budget: budget{f: o.F}} },
}

// meanAroundMedian is the rule "meamed": in each coordinate the mean of the
// n − f values nearest to the median, of two equally near the smaller. Bounded
// for f < n/2. One pass over G.
type meanAroundMedian struct {
	budget
	columnSorter
}

func (m *meanAroundMedian) String() string { return fmt.Sprintf("meamed(f=%d)", m.f) }

// Equivariant implements [Equivariant].
func (m *meanAroundMedian) Equivariant() bool { return true }

func (m *meanAroundMedian) Aggregate(dst []float32, G Matrix, _ Step) (Stats, error) {
	if err := check("meamed", dst, G); err != nil {
		return Stats{}, err
	}
	n, f := G.Rows, m.left()
	if n <= 2*f {
		return Stats{}, tooMany("meamed", n, f, "n > 2f")
	}
	if !m.each(dst, G, nil, 0, n, func(out, sorted []float32) { meanAround(out, sorted, n, n-f) }) {
		return Stats{}, notFinite("meamed", G)
	}
	return Stats{}, nil
}

// meanAround sets out to the mean of the keep values nearest to the median in
// each column of n sorted rows. They are neighbours: from the first keep values,
// the window moves up as long as what it would take in is nearer than what it
// would leave.
func meanAround(out, sorted []float32, n, keep int) {
	at := func(r int) []float32 { return sorted[r*lanes:][:len(out)] }
	var starts [lanes]int
	lower, upper := at((n-1)/2), at(n/2)
	for s := range n - keep {
		first, next := at(s), at(s+keep)
		for j := range out {
			median := (float64(lower[j]) + float64(upper[j])) / 2
			if starts[j] == s && median-float64(first[j]) > float64(next[j])-median {
				starts[j]++
			}
		}
	}
	for j := range out {
		var sum float64
		for r := starts[j]; r < starts[j]+keep; r++ {
			sum += float64(sorted[r*lanes+j])
		}
		out[j] = float32(sum / float64(keep))
	}
}
