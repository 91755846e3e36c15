package agg

import (
	"iter"
	"math"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"

	"github.com/bgmd/bgmd/internal/par"
	"github.com/bgmd/bgmd/internal/simd"
)

const (
	// gramChunk is the number of columns whose products are summed in float32:
	// the seven rows of a tile stay in the first-level cache, 32 rows and as
	// much of what comes next in the second-level one.
	gramChunk = 1024
	// gramSlabs bounds the number of slabs, which own n×n sums each.
	gramSlabs = 64
)

// gram computes Gram matrices of the rows of an n×d matrix, whose columns it
// cuts in slabs that depend on d alone; it sums each slab on its own, in
// parallel, and then the slabs in order.
type gram struct {
	K     []float64 // n×n, symmetric
	slabs []gramSlab
}

type gramSlab struct {
	sum   []float64 // n×n, lower triangle
	tiles []float64 // sums of one tile after another
	tiled [][]float32
	near  []float32 // n×gramChunk, centred rows of fast
	rows  []float64 // the same of exact
}

// fast sets K to the Gram matrix of the rows less the given one (none if
// negative) from float32 products, O(n²d). Entries beyond 1e18 overflow and
// those below 1e-19 vanish; the relative error is about fastError.
//
// Chosen: tiles of inner products in registers. Rejected: matrix products of a
// BLAS, a chunk at a time, which are too thin for one to be fast and compute
// both triangles.
func (g *gram) fast(G Matrix, centre int) {
	n := G.Rows
	height, width := simd.Tile()
	size := height * width
	g.overSlabs(G, func(s *gramSlab, lo, cols int) {
		// The last row stands in for those that the last tiles lack.
		s.tiled = grown(s.tiled, n+height)
		for i := range s.tiled {
			s.tiled[i] = G.Data[min(i, n-1)*G.Cols+lo:][:cols]
		}
		if centre >= 0 {
			s.centreOn(s.tiled[centre], n)
		}
		next := min(gramChunk, G.Cols-lo-cols)
		t := 0
		for i, j := range triangle(n, height, width) {
			if len(s.tiles) < (t+1)*size {
				s.tiles = append(s.tiles, make([]float64, size)...)
			}
			var ahead []float32 // a row of the next chunk, as long as there are
			if t < n {
				ahead = G.Data[t*G.Cols+lo+cols:][:next]
			}
			simd.Dots(s.tiles[t*size:][:size], s.tiled[i:][:height], s.tiled[j:][:width], ahead)
			t++
		}
	}, func(s *gramSlab) {
		t := 0
		for i, j := range triangle(n, height, width) {
			for k, v := range s.tiles[t*size:][:size] {
				if p, q := i+k/width, j+k%width; p < n && q <= p {
					s.sum[p*n+q] = v
				}
			}
			t++
		}
		clear(s.tiled) // G is the caller's
	})
}

// centreOn replaces the n rows of s.tiled, and those that stand in for more, by
// their differences from centre.
func (s *gramSlab) centreOn(centre []float32, n int) {
	s.near = grown(s.near, n*gramChunk)
	for i := range s.tiled {
		out := s.near[min(i, n-1)*gramChunk:][:len(centre)]
		if i < n {
			for j, v := range s.tiled[i] {
				out[j] = v - centre[j]
			}
		}
		s.tiled[i] = out
	}
}

// triangle yields the first rows and columns of the tiles that cover the lower
// triangle of an n×n matrix.
func triangle(n, height, width int) iter.Seq2[int, int] {
	return func(yield func(int, int) bool) {
		for i := 0; i < n; i += height {
			for j := 0; j < min(i+height, n); j += width {
				if !yield(i, j) {
					return
				}
			}
		}
	}
}

// form sets K by fast, or by exact where float32 products overflow or vanish,
// and returns its error relative to ‖gᵢ‖‖gⱼ‖; errNotFinite where a row is not
// finite.
func (g *gram) form(G Matrix) (precision float64, err error) {
	g.fast(G, -1)
	if g.safe(G, func(i int) bool { return allZero(G.Row(i)) }) {
		return fastError(G.Cols), nil
	}
	g.exact(G, -1)
	for i := range G.Rows {
		if !finite(g.K[i*G.Rows+i]) {
			return 0, errNotFinite
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

func allZero(row []float32) bool {
	for _, v := range row {
		if v != 0 {
			return false
		}
	}
	return true
}

// exact sets K to the Gram matrix of the rows less the given one (none if
// negative) wholly in float64, at about twice the cost of fast. It neither
// overflows nor underflows, and equal rows are exactly equal in it.
func (g *gram) exact(G Matrix, centre int) {
	n := G.Rows
	g.overSlabs(G, func(s *gramSlab, lo, cols int) {
		s.rows = grown(s.rows, n*gramChunk)
		for i := range n {
			out := s.rows[i*gramChunk:][:cols]
			row := G.Data[i*G.Cols+lo:][:cols]
			for j, v := range row {
				out[j] = float64(v)
			}
			if centre >= 0 {
				c := G.Data[centre*G.Cols+lo:][:cols]
				for j, v := range c {
					out[j] -= float64(v)
				}
			}
		}
		blas64.Syrk(blas.NoTrans, 1, blas64.General{Rows: n, Cols: cols, Stride: gramChunk, Data: s.rows},
			1, blas64.Symmetric{N: n, Stride: n, Data: s.sum, Uplo: blas.Lower})
	}, func(*gramSlab) {})
}

// overSlabs calls add for every chunk of columns of every slab, then finish, and
// sums the slabs' sums into K.
func (g *gram) overSlabs(G Matrix, add func(s *gramSlab, lo, cols int), finish func(s *gramSlab)) {
	n, d := G.Rows, G.Cols
	grain := max(16, par.Chunks(par.Chunks(d, gramSlabs), gramChunk)) * gramChunk
	slabs := par.Chunks(d, grain)
	for len(g.slabs) < slabs {
		g.slabs = append(g.slabs, gramSlab{})
	}
	par.For(d, grain, func(chunk, lo, hi int) {
		s := &g.slabs[chunk]
		s.sum = grown(s.sum, n*n)
		clear(s.sum)
		clear(s.tiles)
		for ; lo < hi; lo += gramChunk {
			add(s, lo, min(gramChunk, hi-lo))
		}
		finish(s)
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

// fastError bounds the error of fast for d columns, relative to ‖gᵢ‖‖gⱼ‖. The
// largest measured, in thousands of products, is 2.4e-7 for one chunk and 6.4e-9
// for d = 1,163,978; the errors of chunks are independent.
func fastError(d int) float64 {
	return 3e-7 / math.Sqrt(float64(par.Chunks(d, gramChunk)))
}

// exactError bounds the error of exact in the same way.
const exactError = 1e-15
