package agg

import (
	"sync/atomic"

	"github.com/bgmd/bgmd/internal/par"
)

// Loops over columns are cut in chunks of columnGrain, the unit of parallel
// work, and those in blocks of columnBlock, whose accumulators stay in the L1
// cache while the rows stream by. Both are fixed, so that sums do not depend
// on the number of cores.
const (
	columnGrain = 16384
	columnBlock = 1024
)

// weightedSum writes Σ wᵢ gᵢ to dst in one pass over G and reports whether the
// result is finite. It accumulates in float64: float32 would lose honest
// entries of 1e-3 next to corrupt ones of ±1e8 that cancel, and on two cores
// the pass is bound by memory either way (11 against 10 ms for n = 32 and
// d = 1,163,978).
func weightedSum(dst []float32, G Matrix, w []float64) bool {
	var bad atomic.Bool
	par.For(G.Cols, columnGrain, func(_, lo, hi int) {
		var acc [columnBlock]float64
		for ; lo < hi; lo += columnBlock {
			a := acc[:min(columnBlock, hi-lo)]
			sumRows(a, G, w, lo)
			out := dst[lo:][:len(a)]
			var zero float64 // x − x, NaN once an x is not finite
			for j, x := range a {
				out[j] = float32(x)
				zero += x - x
			}
			if zero != 0 {
				bad.Store(true)
			}
		}
	})
	return !bad.Load()
}

// sumRows sets acc to columns [lo, lo+len(acc)) of Σ wᵢ gᵢ.
func sumRows(acc []float64, G Matrix, w []float64, lo int) {
	clear(acc)
	row := func(i int) []float32 { return G.Data[i*G.Cols+lo:][:len(acc)] }
	i := 0
	for ; i+4 <= G.Rows; i += 4 {
		w0, w1, w2, w3 := w[i], w[i+1], w[i+2], w[i+3]
		r0, r1, r2, r3 := row(i), row(i+1), row(i+2), row(i+3)
		for j := range acc {
			acc[j] += (w0*float64(r0[j]) + w1*float64(r1[j])) + (w2*float64(r2[j]) + w3*float64(r3[j]))
		}
	}
	for ; i < G.Rows; i++ {
		wi, r := w[i], row(i)
		for j := range acc {
			acc[j] += wi * float64(r[j])
		}
	}
}

// sumColumns sets sum and squares to columns [lo, lo+len(sum)) of Σ gᵢ and of
// Σ gᵢ². Squares of float32 values neither overflow nor underflow in float64.
func sumColumns(sum, squares []float64, G Matrix, lo int) {
	clear(sum)
	clear(squares)
	squares = squares[:len(sum)]
	row := func(i int) []float32 { return G.Data[i*G.Cols+lo:][:len(sum)] }
	i := 0
	for ; i+4 <= G.Rows; i += 4 {
		r0, r1, r2, r3 := row(i), row(i+1), row(i+2), row(i+3)
		for j := range sum {
			x0, x1, x2, x3 := float64(r0[j]), float64(r1[j]), float64(r2[j]), float64(r3[j])
			sum[j] += (x0 + x1) + (x2 + x3)
			squares[j] += (x0*x0 + x1*x1) + (x2*x2 + x3*x3)
		}
	}
	for ; i < G.Rows; i++ {
		r := row(i)
		for j := range sum {
			x := float64(r[j])
			sum[j] += x
			squares[j] += x * x
		}
	}
}
