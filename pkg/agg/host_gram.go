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

// gramSums computes Gram matrices of the rows of an n×d matrix, whose columns it
// cuts in slabs that depend on d alone; it sums each slab on its own, in
// parallel, and then the slabs in order.
type gramSums struct {
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

// fast sets K, n×n, to the Gram matrix of the rows less the given one (none if
// negative) from float32 products, O(n²d). Entries beyond 1e18 overflow and
// those below 1e-19 vanish; the relative error is about fastError.
//
// Chosen: tiles of inner products in registers. Rejected: matrix products of a
// BLAS, a chunk at a time, which are too thin for one to be fast and compute
// both triangles.
func (g *gramSums) fast(K []float64, G Matrix, centre int) {
	g.overSlabs(K, G, func(s *gramSlab, lo, hi int) {
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

// exact sets K to the Gram matrix of the rows less the given one (none if
// negative) wholly in float64, at about nine times the cost of fast with AVX-512.
// It neither overflows nor underflows, and equal rows are exactly equal in it.
func (g *gramSums) exact(K []float64, G Matrix, centre int) {
	n := G.Rows
	g.overSlabs(K, G, func(s *gramSlab, lo, hi int) {
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
func (g *gramSums) overSlabs(K []float64, G Matrix, add func(s *gramSlab, lo, hi int)) {
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
	clear(K)
	for c := range slabs {
		for i, v := range g.slabs[c].sum {
			K[i] += v
		}
	}
	for i := range n {
		for j := range i {
			K[j*n+i] = K[i*n+j]
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
