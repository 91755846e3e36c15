package agg

import (
	"fmt"
	"math"
	"math/bits"
	"slices"
)

var mdaRule = Rule{
	Name: "mda", Title: "minimum diameter averaging",
	Options: []string{"f"}, Needs: "n > 2f, n ≤ 64",
	Cost: "O(n²d + 1.5^f n²)", Breakdown: "f/n → 1/2", MaxCorrupt: func(n int) int {
		if n > 64 {
			return -1
		}
		return minority(n)
	},
	Source: "El-Mhamdi et al. 2018, Rousseeuw 1985",
	build: func(o Options) core {
		return &weighing{name: "mda", label: fmt.Sprintf("mda(f=%d)", o.F), f: o.F, rule: new(mda)}
	},
}

// mda is the rule "mda", the mean of the n − f rows S of least
// diameter,
//
//	dst = mean of S,  S = argmin_{|S| = n−f} max_{i,j in S} ‖gᵢ − gⱼ‖.
//
// Among subsets of equal diameter it takes the one with the least sum of
// squared distances, as far as it compares them (see below), of those that are
// still equal one that leaves out high indices. Bounded for f < n/2.
//
// The diameter is exact: rows farther apart than t cannot be in S together, so
// that the rows outside S cover all edges of the graph of such pairs. Whether f
// rows can is decided by branching on the row with the most edges, if those are
// three or more, in less than 1.5^f steps, and paths and circles are left, whose
// covers are known; the least t is found by bisection over the distances. Sets
// are words of 64 bits, whence n ≤ 64.
//
// Subsets of that diameter can be very many (rows in far pairs): of more than
// mostCovers, the sums of the first that the search meets are compared. Where
// fewer than f rows left out give the diameter, as equal distances allow, those
// with the largest sums of squared distances to the rest go, too, one by one.
type mda struct {
	n      int
	drop   int      // rows to leave out
	edges  []uint64 // a row's partners farther away than t
	sorted []float64
	rows   *distances
	best   uint64 // rows left out
	least  float64
	enough int // covers, until the search ends
}

// mostCovers bounds the subsets of equal diameter that are compared, at O(n²) each.
const mostCovers = 1 << 14

func (m *mda) check(n, f int, _ Step) error {
	if err := majority("mda", n, f); err != nil {
		return err
	}
	if n > 64 {
		return tooMany("mda", n, f, "n ≤ 64")
	}
	return nil
}

func (m *mda) scratch(int, int) float64 { return 0 }

func (m *mda) weigh(w []float64, rows *distances, f int, _ Step) {
	m.rows, m.n, m.drop = rows, rows.n, f
	m.sorted = append(m.sorted[:0], rows.square...)
	slices.Sort(m.sorted)
	m.sorted = slices.Compact(m.sorted)
	low, high := 0, len(m.sorted)-1
	for low < high {
		if middle := (low + high) / 2; m.covers(m.sorted[middle], 1) {
			high = middle
		} else {
			low = middle + 1
		}
	}
	m.covers(m.sorted[low], mostCovers)
	for i := range m.n {
		if m.best>>i&1 == 0 {
			w[i] = 1 / float64(m.n-f)
		}
	}
}

// covers reports whether leaving out rows can leave none farther apart than the
// square root of t, and compares so many ways to do it.
func (m *mda) covers(t float64, ways int) bool {
	m.draw(t)
	m.enough, m.least = ways, math.Inf(1)
	m.search(0, m.drop)
	return m.enough < ways
}

// draw sets the edges: pairs farther apart than the square root of t.
func (m *mda) draw(t float64) {
	m.edges = grown(m.edges, m.n)
	for i := range m.n {
		m.edges[i] = 0
		for j, square := range m.rows.to(i) {
			if square > t {
				m.edges[i] |= 1 << j
			}
		}
	}
}

// search looks at covers that contain the rows out and at most f more. Rows that
// it decides to keep have all their partners in out.
func (m *mda) search(out uint64, f int) {
	if m.enough == 0 {
		return
	}
	row, degree, ends := -1, 0, 0
	for i := range m.n {
		if out>>i&1 != 0 {
			continue
		}
		d := bits.OnesCount64(m.edges[i] &^ out)
		ends += d
		if d > 0 && d >= degree {
			row, degree = i, d
		}
	}
	switch {
	case row < 0:
		m.consider(out)
		return
	case ends > 2*f*degree: // f rows have fewer edges
		return
	case degree <= 2 && m.leastCover(out) > f:
		return
	}
	m.search(out|1<<row, f-1)
	if degree <= f {
		m.search(out|m.edges[row], f-degree)
	}
}

// leastCover is the least number of rows that cover the edges between rows not in
// out where none has more than two: paths and circles.
func (m *mda) leastCover(out uint64) (rows int) {
	seen := out
	for i := range m.n {
		if seen>>i&1 != 0 {
			continue
		}
		size, ends := 0, 0
		for next := uint64(1) << i; next != 0; {
			j := bits.TrailingZeros64(next)
			seen |= 1 << j
			size++
			ends += bits.OnesCount64(m.edges[j] &^ out)
			next = (next | m.edges[j]) &^ seen
		}
		if ends == 2*size { // a circle
			size++
		}
		rows += size / 2
	}
	return rows
}

// consider keeps a cover, filled up to the number of rows to leave out, if its
// rows left are closer together than the best's.
func (m *mda) consider(out uint64) {
	m.enough--
	for bits.OnesCount64(out) < m.drop {
		out |= 1 << m.farthest(out)
	}
	sum := 0.0
	for i := range m.n {
		sum += m.apart(i, out)
	}
	if sum < m.least {
		m.best, m.least = out, sum
	}
}

// farthest is the row with the largest sum of squared distances to those not in
// out, the highest of equals.
func (m *mda) farthest(out uint64) (row int) {
	most := -1.0
	for i := range m.n {
		if sum := m.apart(i, out); out>>i&1 == 0 && sum >= most {
			row, most = i, sum
		}
	}
	return row
}

// apart is the sum of a row's squared distances to those not in out, zero for one
// that is in it.
func (m *mda) apart(row int, out uint64) (sum float64) {
	if out>>row&1 != 0 {
		return 0
	}
	for j, square := range m.rows.to(row) {
		if out>>j&1 == 0 {
			sum += square
		}
	}
	return sum
}
