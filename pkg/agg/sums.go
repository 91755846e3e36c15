package agg

import (
	"sync/atomic"

	"github.com/bgmd/bgmd/internal/par"
	"github.com/bgmd/bgmd/internal/simd"
	"github.com/bgmd/bgmd/internal/topk"
)

// Loops over columns are cut in chunks of columnGrain, the unit of parallel
// work, and those in blocks of columnBlock, whose accumulators stay in the L1
// cache while the rows stream by. Both are fixed, so that sums do not depend
// on the number of cores.
const (
	columnGrain = 16384
	columnBlock = topk.Width
)

// weightedSum writes Σ wᵢ gᵢ to dst in one pass over G and returns ErrNotFinite
// where that is not. It accumulates in float64: float32 would lose honest
// entries of 1e-3 next to corrupt ones of ±1e8 that cancel, and the pass is
// bound by memory either way.
func weightedSum(dst []float32, G Matrix, w []float64) error {
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
	return finiteUnless(&bad)
}

// finiteUnless returns ErrNotFinite for bad.
func finiteUnless(bad *atomic.Bool) error {
	if bad.Load() {
		return ErrNotFinite
	}
	return nil
}

// sumRows sets sum to columns [lo, lo+len(sum)) of Σ wᵢ gᵢ. It does not read rows
// without weight.
func sumRows(sum []float64, G Matrix, w []float64, lo int) {
	clear(sum)
	at := fourRows{G: G, w: w, lo: lo, cols: len(sum)}
	for at.take(); at.held == 4; {
		next := at
		next.take()
		ahead := next
		ahead.wrap()
		simd.AddScaled4(sum, &at.rows, &at.weights, &ahead.rows)
		at = next
	}
	for k := range at.held {
		simd.AddScaled(sum, at.rows[k], at.weights[k])
	}
}

// sumColumns sets sum and squares to columns [lo, lo+len(sum)) of Σ gᵢ and of
// Σ gᵢ². Squares of float32 values neither overflow nor underflow in float64.
func sumColumns(sum, squares []float64, G Matrix, lo int) {
	clear(sum)
	clear(squares)
	at := fourRows{G: G, lo: lo, cols: len(sum)}
	for at.take(); at.held == 4; {
		next := at
		next.take()
		ahead := next
		ahead.wrap()
		simd.AddPowers4(sum, squares, &at.rows, &ahead.rows)
		at = next
	}
	for k := range at.held {
		simd.AddPowers(sum, squares, at.rows[k])
	}
}

// fourRows walks down a block of columns [lo, lo+cols) of G, four rows with
// weight at a time; every row has weight where w is nil.
type fourRows struct {
	G        Matrix
	w        []float64
	lo, cols int

	row     int // where to go on
	held    int // number of rows taken, less than four at the end
	rows    [4][]float32
	weights [4]float64
}

// take takes the next rows.
func (f *fourRows) take() {
	f.rows = [4][]float32{}
	for f.held = 0; f.row < f.G.Rows && f.held < 4; f.row++ {
		if f.w != nil {
			if f.w[f.row] == 0 {
				continue
			}
			f.weights[f.held] = f.w[f.row]
		}
		f.rows[f.held] = f.G.Data[f.row*f.G.Cols+f.lo:][:f.cols]
		f.held++
	}
}

// wrap goes on with the first rows of the block of columns that comes after this
// one where no rows are left in this.
func (f *fourRows) wrap() {
	if f.held == 0 {
		f.row, f.lo = 0, f.lo+f.cols
		f.cols = min(f.cols, f.G.Cols-f.lo)
		f.take()
	}
}

// squaredNorms returns ‖gᵢ‖² for every row, in sums grown from the given slice.
func squaredNorms(sums []float64, G Matrix) []float64 {
	return squaredDistances(sums, G, nil)
}

// squaredDistances returns ‖gᵢ − y‖² for every row, for a nil y that of zeros.
// It sums in float64, chunk by chunk.
func squaredDistances(sums []float64, G Matrix, y []float32) []float64 {
	chunks := par.Chunks(G.Cols, columnGrain)
	sums = grown(sums, G.Rows*(chunks+1))
	parts := sums[G.Rows:]
	par.For(G.Rows*chunks, 1, func(part, _, _ int) {
		i, lo := part/chunks, part%chunks*columnGrain
		row := G.Row(i)[lo:min(lo+columnGrain, G.Cols)]
		if y == nil {
			parts[part] = simd.SquaredDistance(row, zeros[:len(row)])
		} else {
			parts[part] = simd.SquaredDistance(row, y[lo:][:len(row)])
		}
	})
	for i := range G.Rows {
		sums[i] = 0
		for _, v := range parts[i*chunks : (i+1)*chunks] {
			sums[i] += v
		}
	}
	return sums[:G.Rows]
}

var zeros [columnGrain]float32
