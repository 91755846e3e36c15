package agg

import (
	"math"
	"runtime"
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
// Beyond mostNetwork rows a radix sort of one column after another, in O(n): a network
// for a million rows has 10⁸ comparators. Rejected: quickselect a column, whose
// branches cannot be predicted, and sorting columns of G in place, which strides
// through memory.
type columnSorter struct {
	net         *simd.Network
	n, from, to int         // what net sorts
	rows        [][]float32 // those that are sorted, during a call
	blocks      sync.Pool   // of *[]float32
	columns     sync.Pool   // of *radixColumns
}

// lanes is the number of values in a row of a block of columns.
const lanes = simd.Lanes

// sorterSize is how many bytes a columnSorter holds. It counts the network's pairs: every
// row is in one at each of log₂n·(log₂n + 1)/2 stages, and a growing slice has a quarter
// too much. Beyond mostNetwork rows it is a few columns of n values.
func sorterSize(n, d int) float64 {
	if n > mostNetwork {
		return float64(runtime.GOMAXPROCS(0)) * float64(min(lanes, d)) * 3 * of32 * float64(n)
	}
	stages := math.Ceil(math.Log2(float64(n)))
	return 1.25 * 8 * float64(n) / 2 * stages * (stages + 1) / 2
}

// sorted holds columns, each sorted: the r-th least of column j is at r·stride + j.
type sorted struct {
	values []float32
	stride int
}

// row returns the r-th least values of the columns.
func (s sorted) row(r int) []float32 { return s.values[r*s.stride:] }

// each calls reduce, on several cores, for consecutive blocks of dst with the
// sorted columns of the given rows of G (all for nil), of which the order
// statistics from, …, to − 1 are right. It returns ErrNotFinite
// where a value is not finite; there it stops early.
func (s *columnSorter) each(dst []float32, G Matrix, rows []int, from, to int, reduce func(out []float32, columns sorted)) error {
	s.take(G, rows)
	defer clear(s.rows) // G is the caller's
	if len(s.rows) > mostNetwork {
		return s.eachByRadix(dst, reduce)
	}
	return s.eachByNetwork(dst, from, to, reduce)
}

// eachByNetwork is each for rows that are taken, by a network.
func (s *columnSorter) eachByNetwork(dst []float32, from, to int, reduce func(out []float32, columns sorted)) error {
	if n := len(s.rows); s.net == nil || s.n != n || s.from != from || s.to != to {
		s.net, s.n, s.from, s.to = newNetwork(n, from, to), n, from, to
	}
	var bad atomic.Bool
	par.For(len(dst), columnGrain, func(_, lo, hi int) {
		block := s.borrow()
		defer s.blocks.Put(block)
		for ; lo < hi && !bad.Load(); lo += lanes {
			out := dst[lo:min(lo+lanes, hi)]
			// A network would lose a NaN.
			if !simd.LoadColumns(*block, s.rows, lo, len(out)) {
				bad.Store(true)
			}
			s.net.Sort(*block)
			reduce(out, sorted{*block, lanes})
		}
	})
	return finiteUnless(&bad)
}

// take sets s.rows to the given rows of G, all for nil.
func (s *columnSorter) take(G Matrix, rows []int) {
	s.rows = s.rows[:0]
	if rows == nil {
		for i := range G.Rows {
			s.rows = append(s.rows, G.Row(i))
		}
	}
	for _, i := range rows {
		s.rows = append(s.rows, G.Row(i))
	}
}

// borrow returns a block that no other goroutine uses.
func (s *columnSorter) borrow() *[]float32 {
	block, ok := s.blocks.Get().(*[]float32)
	if !ok {
		block = new([]float32)
	}
	*block = grown(*block, len(s.rows)*lanes)
	return block
}

// meanOf sets out to the mean of rows from, …, to − 1 of the columns. Sums of float32
// values do not overflow in float64.
func meanOf(out []float32, columns sorted, from, to int) {
	var acc [lanes]float64
	sum := acc[:len(out)]
	addRows(sum, columns, from, to)
	for j, v := range sum {
		out[j] = float32(v / float64(to-from))
	}
}

// addRows adds rows from, …, to − 1 of the columns to sum.
func addRows(sum []float64, columns sorted, from, to int) {
	row := func(r int) []float32 { return columns.row(r)[:len(sum)] }
	r := from
	for ; r+4 <= to; r += 4 {
		simd.AddScaled4(sum, &[4][]float32{row(r), row(r + 1), row(r + 2), row(r + 3)}, &[4]float64{1, 1, 1, 1}, nil)
	}
	for ; r < to; r++ {
		simd.AddScaled(sum, row(r), 1)
	}
}
