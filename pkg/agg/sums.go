package agg

import (
	"sync/atomic"

	"github.com/bgmd/bgmd/internal/par"
	"github.com/bgmd/bgmd/internal/simd"
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
// entries of 1e-3 next to corrupt ones of ±1e8 that cancel, and the pass is
// bound by memory either way.
func weightedSum(dst []float32, G Matrix, w []float64) bool {
	var bad atomic.Bool
	par.For(G.Cols, columnGrain, func(_, lo, hi int) {
		var acc [columnBlock]float64
		for ; lo < hi; lo += columnBlock {
			sum := acc[:min(columnBlock, hi-lo)]
			sumRows(sum, G, w, lo)
			out := dst[lo:][:len(sum)]
			for j, x := range sum {
				out[j] = float32(x)
			}
			if !simd.Finite(out) {
				bad.Store(true)
			}
		}
	})
	return !bad.Load()
}

// sumRows sets sum to columns [lo, lo+len(sum)) of Σ wᵢ gᵢ. It does not read rows
// without weight.
func sumRows(sum []float64, G Matrix, w []float64, lo int) {
	clear(sum)
	var rows [4][]float32
	var weights [4]float64
	held := 0
	for i, v := range w {
		if v == 0 {
			continue
		}
		rows[held], weights[held] = G.Data[i*G.Cols+lo:][:len(sum)], v
		if held++; held == len(rows) {
			simd.AddScaled4(sum, &rows, &weights)
			held = 0
		}
	}
	for k := range held {
		simd.AddScaled(sum, rows[k], weights[k])
	}
}

// sumColumns sets sum and squares to columns [lo, lo+len(sum)) of Σ gᵢ and of
// Σ gᵢ². Squares of float32 values neither overflow nor underflow in float64.
func sumColumns(sum, squares []float64, G Matrix, lo int) {
	clear(sum)
	clear(squares)
	row := func(i int) []float32 { return G.Data[i*G.Cols+lo:][:len(sum)] }
	i := 0
	for ; i+4 <= G.Rows; i += 4 {
		simd.AddPowers4(sum, squares, &[4][]float32{row(i), row(i + 1), row(i + 2), row(i + 3)})
	}
	for ; i < G.Rows; i++ {
		simd.AddPowers(sum, squares, row(i))
	}
}
