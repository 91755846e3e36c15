package agg

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/lapack"
)

var smeaRule = Rule{
	Name: "smea", Title: "smallest maximum eigenvalue averaging",
	Options: []string{"f"}, Needs: fmt.Sprintf("n > 2f, at most %d subsets of n − f rows", mostSubsets),
	Cost: "O(n²d + C(n, f) n³)", Breakdown: "f/n → 1/2", MaxCorrupt: func(n int) int {
		f := min(0, minority(n))
		for f < minority(n) && subsets(n, f+1) <= mostSubsets {
			f++
		}
		return f
	},
	Source: "Allouah et al. 2023",
	build: func(o Options) core {
		return &weighing{name: "smea", label: fmt.Sprintf("smea(f=%d)", o.F), f: o.F, rule: new(smea)}
	},
}

// mostSubsets bounds the subsets that smea looks at: about a second's worth.
const mostSubsets = 20_000

// smea is the rule "smea", the mean of the n − f rows whose
// covariance has the least largest eigenvalue, the first of equals in
// lexicographic order. It looks at every subset, which only few rows allow: 20
// with f = 5, 32 with f = 3; the rule "caf" approaches it for any number.
// Bounded for f < n/2.
type smea struct {
	spectrum spectrum
	c, sub   []float64
	rows     []int
}

func (s *smea) check(n, f int, _ Step) error {
	if err := majority("smea", n, f); err != nil {
		return err
	}
	if count := subsets(n, f); count > mostSubsets {
		return fmt.Errorf("agg: rule %q: n = %d clients and f = %d corrupt make %.3g subsets, want at most %d (caf has no such limit)",
			"smea", n, f, count, mostSubsets)
	}
	return nil
}

// subsets is the number of ways to leave out f of n rows.
func subsets(n, f int) float64 {
	count := 1.0
	for i := range f {
		count = math.Round(count * float64(n-i) / float64(i+1))
	}
	return count
}

func (s *smea) scratch(int, int) float64 { return 0 }

func (s *smea) weigh(w []float64, rows *distances, f int, _ Step) {
	n, m := rows.n, rows.n-f
	s.rows = grown(s.rows, m)
	for i := range s.rows {
		s.rows[i] = i
	}
	least := math.Inf(1)
	for more := true; more; more = nextSubset(s.rows, n) {
		if lambda := s.largest(rows); lambda < least {
			least = lambda
			clear(w)
			average(w, s.rows)
		}
	}
}

// largest returns the largest eigenvalue of the covariance of s.rows.
func (s *smea) largest(rows *distances) float64 {
	m := len(s.rows)
	s.sub, s.c = grown(s.sub, m*m), grown(s.c, m)
	for a, i := range s.rows {
		for b, j := range s.rows {
			s.sub[a*m+b] = rows.square[i*rows.n+j]
		}
	}
	fill(s.c, 1)
	part := distances{n: m, square: s.sub}
	s.spectrum.centre(&part, s.c)
	s.spectrum.A = grown(s.spectrum.A, m*m)
	for i, v := range s.spectrum.B {
		s.spectrum.A[i] = v / float64(m)
	}
	s.spectrum.eigen(m, lapack.EVNone)
	return s.spectrum.values[m-1]
}

// nextSubset replaces ascending numbers below n by the next such set in
// lexicographic order and reports whether there is one.
func nextSubset(rows []int, n int) bool {
	m := len(rows)
	for i := m - 1; i >= 0; i-- {
		if rows[i] < n-m+i {
			rows[i]++
			for j := i + 1; j < m; j++ {
				rows[j] = rows[j-1] + 1
			}
			return true
		}
	}
	return false
}
