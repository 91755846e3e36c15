package agg

import (
	"sync"
	"sync/atomic"

	"github.com/bgmd/bgmd/internal/par"
	"github.com/bgmd/bgmd/internal/simd"
)

// columnSorter is the frame of the rules that work coordinate by coordinate on
// sorted columns.
//
// Chosen: a network of O(n log² n) comparators without branches, over blocks of
// columns that stay in the L1 cache, a vector register of columns at a time.
// Rejected: quickselect a column, whose branches cannot be predicted, and
// sorting columns of G in place, which strides through memory.
type columnSorter struct {
	net    *network
	blocks sync.Pool // of *[]float32
}

// weightless says that such rules give no Stats.Weights.
func (s *columnSorter) weightless() bool { return true }

// each calls reduce, on several cores, for consecutive blocks of dst with the
// sorted columns of the given rows of G (all for nil), lanes values a row, of
// which the order statistics from, …, to − 1 are right. It reports whether all
// values it met are finite; where one is not, it stops early.
func (s *columnSorter) each(dst []float32, G Matrix, rows []int, from, to int, reduce func(out, sorted []float32)) bool {
	n := G.Rows
	if rows != nil {
		n = len(rows)
	}
	if s.net == nil || s.net.n != n || s.net.from != from || s.net.to != to {
		s.net = newNetwork(n, from, to)
	}
	var bad atomic.Bool
	par.For(G.Cols, columnGrain, func(_, lo, hi int) {
		block := s.borrow(n)
		defer s.blocks.Put(block)
		for x := *block; lo < hi && !bad.Load(); lo += lanes {
			out := dst[lo:min(lo+lanes, hi)]
			for r := range n {
				i := r
				if rows != nil {
					i = rows[r]
				}
				column := x[r*lanes:][:len(out)]
				copy(column, G.Data[i*G.Cols+lo:])
				if !simd.Finite(column) { // MinMax would lose a NaN
					bad.Store(true)
				}
			}
			s.net.run(x, len(out))
			reduce(out, x)
		}
	})
	return !bad.Load()
}

// borrow returns a block of n rows that no other goroutine uses.
func (s *columnSorter) borrow(n int) *[]float32 {
	block, ok := s.blocks.Get().(*[]float32)
	if !ok {
		block = new([]float32)
	}
	*block = grown(*block, n*lanes)
	return block
}

// meanOf sets out to the mean of sorted rows from, …, to − 1. Sums of float32
// values do not overflow in float64.
func meanOf(out, sorted []float32, from, to int) {
	var acc [lanes]float64
	sum := acc[:len(out)]
	for r := from; r < to; r++ {
		simd.AddScaled(sum, sorted[r*lanes:][:len(out)], 1)
	}
	for j, v := range sum {
		out[j] = float32(v / float64(to-from))
	}
}
