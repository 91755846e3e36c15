package agg

import (
	"fmt"
	"math"
)

var meamedRule = Rule{
	Name: "meamed", Title: "mean around median",
	Options: []string{"f"}, Needs: "n > 2f",
	Cost: "O(nd log² n)", Breakdown: "f/n → 1/2", MaxCorrupt: minority,
	Source: "Xie, Koyejo and Gupta 2018",
	build:  func(o Options) core { return &meamed{f: o.F} },
}

// meamed is the rule "meamed": in each coordinate the mean of the
// n − f values nearest to the median, of two equally near the smaller. Bounded
// for f < n/2. One pass over G.
type meamed struct {
	f      int
	sorter columnSorter
}

func (m *meamed) String() string { return fmt.Sprintf("meamed(f=%d)", m.f) }

func (m *meamed) Traits() Traits { return Traits{Equivariant: true, Separable: true} }

func (m *meamed) Fits(n, _ int, step Step) error { return majority("meamed", n, step.budget(m.f)) }

func (m *meamed) Scratch(n, d int) float64 { return sorterSize(n, d) }

func (m *meamed) aggregate(rows Space, step Step) (Stats, error) {
	dst, G, err := rows.Host()
	if err != nil {
		return Stats{}, err
	}
	n, f := G.Rows, step.budget(m.f)
	err = m.sorter.each(dst, G, nil, 0, n, func(out []float32, columns sorted) { meanAround(out, columns, n, n-f) })
	if err != nil {
		return Stats{}, err
	}
	return Stats{}, rows.Put(dst)
}

// meanAround sets out to the mean of the keep values nearest to the median in
// each column of n rows. They are neighbours: from the first keep values,
// the window moves up as long as what it would take in is nearer than what it
// would leave. Once that is not so, it is not for any rows above.
func meanAround(out []float32, columns sorted, n, keep int) {
	at := func(r int) []float32 { return columns.row(r)[:len(out)] }
	var medians, acc [lanes]float64
	var starts [lanes]int
	lower, upper := at((n-1)/2), at(n/2)
	for j := range out {
		medians[j] = (float64(lower[j]) + float64(upper[j])) / 2
	}
	drop := n - keep
	for s := range drop {
		first, next := at(s), at(s+keep)
		for j, median := range medians[:len(out)] {
			farther := (float64(next[j]) - median) - (median - float64(first[j]))
			starts[j] += int(math.Float64bits(farther) >> 63) // its sign; a branch could not be predicted
		}
	}
	from, to := drop, max(drop, keep) // in every window
	sums := acc[:len(out)]
	addRows(sums, columns, from, to)
	for j, sum := range sums {
		end := starts[j] + keep
		for r := starts[j]; r < min(from, end); r++ {
			sum += float64(columns.row(r)[j])
		}
		for r := max(to, starts[j]); r < end; r++ {
			sum += float64(columns.row(r)[j])
		}
		out[j] = float32(sum / float64(keep))
	}
}
