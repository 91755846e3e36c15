package agg

import (
	"fmt"
	"math"
	"math/bits"
	"slices"
)

var minimumDiameterRule = Rule{
	Name: "mda", Title: "minimum diameter averaging",
	Options: []string{"f"}, Needs: "n > 2f, n ≤ 64",
	Cost: "O(n²d + 1.5^f n²)", Breakdown: "f/n → 1/2", MaxCorrupt: func(n int) int {
		if n > 64 {
			return -1
		}
		return minority(n)
	},
	Source: "El-Mhamdi et al. 2018, Rousseeuw 1985", Weights: true,
	build: func(o Options) Aggregator { return newWeighing("mda", o, &minimumDiameter{f: o.F}) },
}

// minimumDiameter is the rule "mda", the mean of the n − f rows S of least
// diameter,
//
//	dst = mean of S,  S = argmin_{|S| = n−f} max_{i,j in S} ‖gᵢ − gⱼ‖.
//
// Among subsets of equal diameter it takes the one with the least sum of
// squared distances, of those that are still equal one that leaves out high
// indices. Bounded for f < n/2.
//
// Exact: rows farther apart than a diameter t cannot be in S together, so that
// the rows outside S cover all edges of the graph of such pairs. Whether f rows
// can is decided by branching on the row with the most edges, in less than
// 1.5^f steps; the least t is found by bisection over the distances. Sets are
// words of 64 bits, whence n ≤ 64.
type minimumDiameter struct {
	f       int
	n       int
	edges   []uint64 // a row's partners farther away than t
	sorted  []float64
	rows    *distances
	best    uint64 // rows left out
	least   float64
	decided bool // one cover is enough
}

func (m *minimumDiameter) String() string { return fmt.Sprintf("mda(f=%d)", m.f) }

func (m *minimumDiameter) check(n, f int) error {
	if n <= 2*f {
		return tooMany("mda", n, f, "n > 2f")
	}
	if n > 64 {
		return tooMany("mda", n, f, "n ≤ 64")
	}
	return nil
}

func (m *minimumDiameter) weigh(w []float64, rows *distances, f int) {
	m.rows, m.n = rows, rows.n
	m.sorted = append(m.sorted[:0], rows.square...)
	slices.Sort(m.sorted)
	m.sorted = slices.Compact(m.sorted)
	low, high := 0, len(m.sorted)-1
	for low < high {
		if middle := (low + high) / 2; m.covers(m.sorted[middle], f) {
			high = middle
		} else {
			low = middle + 1
		}
	}
	m.draw(m.sorted[low])
	m.decided, m.least = false, math.Inf(1)
	m.search(0, f)
	kept := 0
	for i := range m.n {
		if m.best>>i&1 == 0 && kept < m.n-f {
			kept++
			w[i] = 1 / float64(m.n-f)
		}
	}
}

// covers reports whether leaving out f rows can leave none farther apart than
// the square root of t.
func (m *minimumDiameter) covers(t float64, f int) bool {
	m.draw(t)
	m.decided, m.least = true, math.Inf(1)
	m.search(0, f)
	return !math.IsInf(m.least, 1)
}

// draw sets the edges: pairs farther apart than the square root of t.
func (m *minimumDiameter) draw(t float64) {
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

// search looks at all covers that contain the rows out and at most f more. Rows
// that it decides to keep have all their partners in out.
func (m *minimumDiameter) search(out uint64, f int) {
	if m.decided && !math.IsInf(m.least, 1) {
		return
	}
	row, degree := -1, 0
	for i := range m.n {
		if d := bits.OnesCount64(m.edges[i] &^ out); out>>i&1 == 0 && d > 0 && d >= degree {
			row, degree = i, d
		}
	}
	if row < 0 {
		m.consider(out)
		return
	}
	if f == 0 {
		return
	}
	m.search(out|1<<row, f-1)
	if degree <= f {
		m.search(out|m.edges[row], f-degree)
	}
}

// consider keeps a cover if its rows left are closer together than the best's.
func (m *minimumDiameter) consider(out uint64) {
	sum := 0.0
	for i := range m.n {
		for j := range i {
			if (out>>i|out>>j)&1 == 0 {
				sum += m.rows.square[i*m.n+j]
			}
		}
	}
	if sum < m.least {
		m.best, m.least = out, sum
	}
}
