package agg

import (
	"math"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"

	"github.com/bgmd/bgmd/internal/par"
	"github.com/bgmd/bgmd/internal/simd"
)

const (
	gramChunk   = simd.GramChunk
	gramSlabs   = 64 // at most: slabs own n×n sums each
	gramSlabLen = 64 // chunks, at least
)

// gram computes Gram matrices of the rows of an n×d matrix, whose columns it
// cuts in slabs that depend on d alone; it sums each slab on its own, in
// parallel, and then the slabs in order.
type gram struct {
	K     []float64  // n×n, symmetric
	tiles *simd.Gram // of n rows
	n     int
	slabs []gramSlab
}

type gramSlab struct {
	sum   []float64 // n×n, lower triangle
	tiles []float64 // sums of one tile after another
	near  []float32 // n×gramChunk, centred rows of fast
	rows  []float64 // the same of exact
}

// scratch leaves out rows that are centred or widened, at most a 20th of the matrix.
func (g *gram) scratch(n, d int) float64 {
	_, slabs := gramSlabsOf(d)
	tiles := square(n+4) / 2 // they are up to 4×4
	return square(n) + float64(slabs)*(square(n)+tiles)
}

// fast sets K to the Gram matrix of the rows less the given one (none if
// negative) from float32 products, O(n²d). Entries beyond 1e18 overflow and
// those below 1e-19 vanish; the relative error is about fastError.
//
// Chosen: tiles of inner products in registers. Rejected: matrix products of a
// BLAS, a chunk at a time, which are too thin for one to be fast and compute
// both triangles.
func (g *gram) fast(G Matrix, centre int) {
	g.overSlabs(G, func(s *gramSlab, lo, hi int) {
		if centre < 0 {
			g.tiles.Add(s.tiles, G.Data[lo:], G.Cols, hi-lo)
		} else {
			for ; lo < hi; lo += gramChunk {
				cols := min(gramChunk, hi-lo)
				s.centre(G, centre, lo, cols)
				g.tiles.Add(s.tiles, s.near, gramChunk, cols)
			}
		}
		g.tiles.Fill(s.sum, s.tiles)
	})
}

// centre sets near to the rows' differences from a row, in some columns.
func (s *gramSlab) centre(G Matrix, row, lo, cols int) {
	s.near = grown(s.near, G.Rows*gramChunk)
	about := G.Row(row)[lo:][:cols]
	for i := range G.Rows {
		out := s.near[i*gramChunk:][:cols]
		for j, v := range G.Row(i)[lo:][:cols] {
			out[j] = v - about[j]
		}
	}
}

// form sets K by fast, or by exact where float32 products overflow or vanish,
// and returns its error relative to ‖gᵢ‖‖gⱼ‖; errSumNotFinite where a row is not
// finite.
func (g *gram) form(G Matrix) (precision float64, err error) {
	g.fast(G, -1)
	if g.safe(G, func(i int) bool { return allZero(G.Row(i)) }) {
		return fastError(G.Cols), nil
	}
	g.exact(G, -1)
	for i := range G.Rows {
		if !finite(g.K[i*G.Rows+i]) {
			return 0, errSumNotFinite
		}
	}
	return exactError, nil
}

// about sets K to the Gram matrix of the rows less the given one, by fast if that
// is precise enough or else by exact, and returns its error.
func (g *gram) about(G Matrix, row int) (precision float64) {
	g.fast(G, row)
	if g.safe(G, func(i int) bool { return i == row }) {
		return fastError(G.Cols)
	}
	g.exact(G, row)
	return exactError
}

// safe reports whether no product that counts has overflowed or vanished in
// fast, where the rows that are zero are known.
func (g *gram) safe(G Matrix, zero func(row int) bool) bool {
	for i := range G.Rows {
		square := g.K[i*G.Rows+i]
		if !finite(square) || square <= 1e-34*float64(G.Cols) && !zero(i) {
			return false
		}
	}
	return true
}

// exact sets K to the Gram matrix of the rows less the given one (none if
// negative) wholly in float64, at about nine times the cost of fast with AVX-512.
// It neither overflows nor underflows, and equal rows are exactly equal in it.
func (g *gram) exact(G Matrix, centre int) {
	n := G.Rows
	g.overSlabs(G, func(s *gramSlab, lo, hi int) {
		s.rows = grown(s.rows, n*gramChunk)
		for ; lo < hi; lo += gramChunk {
			cols := min(gramChunk, hi-lo)
			s.widen(G, centre, lo, cols)
			blas64.Syrk(blas.NoTrans, 1, blas64.General{Rows: n, Cols: cols, Stride: gramChunk, Data: s.rows},
				1, blas64.Symmetric{N: n, Stride: n, Data: s.sum, Uplo: blas.Lower})
		}
	})
}

// widen sets rows to the rows of G, less the given one (none if negative), in some
// columns.
func (s *gramSlab) widen(G Matrix, centre, lo, cols int) {
	for i := range G.Rows {
		out := s.rows[i*gramChunk:][:cols]
		for j, v := range G.Row(i)[lo:][:cols] {
			out[j] = float64(v)
		}
		if centre >= 0 {
			for j, v := range G.Row(centre)[lo:][:cols] {
				out[j] -= float64(v)
			}
		}
	}
}

// overSlabs has add add the products of every slab of columns [lo, hi) to its
// sums, and sums those into K.
func (g *gram) overSlabs(G Matrix, add func(s *gramSlab, lo, hi int)) {
	n, d := G.Rows, G.Cols
	if g.tiles == nil || g.n != n {
		g.tiles, g.n = simd.NewGram(n), n
	}
	grain, slabs := gramSlabsOf(d)
	for len(g.slabs) < slabs {
		g.slabs = append(g.slabs, gramSlab{})
	}
	par.For(d, grain, func(chunk, lo, hi int) {
		s := &g.slabs[chunk]
		s.sum, s.tiles = grown(s.sum, n*n), grown(s.tiles, g.tiles.Sums())
		clear(s.sum)
		clear(s.tiles)
		add(s, lo, hi)
	})
	g.K = grown(g.K, n*n)
	clear(g.K)
	for c := range slabs {
		for i, v := range g.slabs[c].sum {
			g.K[i] += v
		}
	}
	for i := range n {
		for j := range i {
			g.K[j*n+i] = g.K[i*n+j]
		}
	}
}

// gramSlabsOf returns the number of slabs of d columns, and that of columns in each.
func gramSlabsOf(d int) (grain, slabs int) {
	grain = max(gramSlabLen, par.Chunks(par.Chunks(d, gramSlabs), gramChunk)) * gramChunk
	return grain, par.Chunks(d, grain)
}

// fastError bounds the error of fast for d columns, relative to ‖gᵢ‖‖gⱼ‖. The
// largest measured, in thousands of products, is 2.4e-7 for one chunk and 6.4e-9
// for d = 1,163,978; the errors of chunks are independent.
func fastError(d int) float64 {
	return 3e-7 / math.Sqrt(float64(par.Chunks(d, gramChunk)))
}

// exactError bounds the error of exact in the same way.
const exactError = 1e-15
