package gemm

import (
	"fmt"
	"sync"

	"gonum.org/v1/gonum/blas"
)

// Kernels are the loops for one instruction set, and the size of what they work
// on: panels of C and B that are one to maxVectors vectors of lane columns wide.
type Kernels struct {
	name string
	lane int

	panel  [maxVectors]panelFunc // for each width
	pack   [maxVectors]packFunc
	packAt [maxVectors]packAtFunc
	stream [maxVectors]streamFunc
	dots   [MaxDots]dotsFunc // for each number of columns
	// transpose copies up to lane rows of lane·squares elements to the columns of
	// a matrix.
	transpose func(dst []float32, dstStride int, src []float32, stride, rows, squares int)
	// peak does nothing but multiply and add, in registers, and returns how often.
	peak func(n int) (flops int)
	// streamLines copies lines, one behind another, to rows of dst, past the caches.
	streamLines func(dst []float32, stride int, src []float32, rows int)
	// fence has what was streamed seen before all that follows.
	fence func()
}

// panelFunc computes C ← α·A·B for an m×k matrix A and a B of k rows, or adds
// that to C. Element (i, l) of A is a[i·rowStride + l·colStride]; m and k are at
// least 1.
type panelFunc = func(c []float32, strideC int, a []float32, rowStride, colStride int, b []float32, strideB int, m, k int, alpha float32, add bool, ahead int)

// packFunc copies k rows of src, stride apart, one behind another.
type packFunc = func(dst, src []float32, stride, k int)

// packAtFunc copies rows of src that begin at the given elements.
type packAtFunc = func(dst, src []float32, rows []int)

// streamFunc computes C ← A·B, past the caches, for panels of B that lie one behind
// another. A's elements are neighbours in a row, and C's vectors are aligned.
type streamFunc = func(c []float32, strideC int, a []float32, rowStride int, b []float32, m, k, panels int)

const (
	maxVectors = 3
	maxLane    = 16
	maxWidth   = maxVectors * maxLane

	// A panel of B with the most rows and columns is 24 kB: half a first-level
	// cache of 48 kB, and room for the 8 rows of A that pass by in one of 32 kB.
	// Every tile of C is loaded and stored once in so many columns of A, 48
	// instructions for 3072 multiply-adds. Measured against 170 and 256.
	maxK = 128

	// packRows is the least number of rows of C for which a panel of B is copied:
	// its rows can lie a power of two apart, where few fit into the cache at once.
	packRows = 24

	// tailRows is the number of rows of C that are computed at once where its last
	// columns do not fill a vector.
	tailRows = 64
)

// workspace is what one product needs besides its operands.
type workspace struct {
	b [maxK * maxWidth]float32     // a panel of B
	c [tailRows * maxWidth]float32 // rows of a panel of C that is not full

	rows   []int   // a copy of those of MulRows, which can so stay on its caller's stack,
	groups []Group // and of AddDots
}

var workspaces = sync.Pool{New: func() any { return new(workspace) }}

// String names the instruction set: avx512, avx2 or generic.
func (s *Kernels) String() string { return s.name }

// Peak runs for about n multiplications and additions and returns their exact
// number: what the processor does in that time is the most that a product can
// reach.
func (s *Kernels) Peak(n int) int {
	once := s.peak(1)
	return s.peak(max(1, n/once))
}

// Mul computes C ← α·op(A)·op(B) + β·C on row-major matrices, where op(A) is
// m×k, op(B) is k×n, and op(X) is X or its transpose. Where β is 0, C need not
// hold numbers. It panics when a slice is too short for its matrix.
//
// The order in which an element's products are added depends on k alone.
func (s *Kernels) Mul(tA, tB blas.Transpose, m, n, k int, alpha float32, a []float32, lda int, b []float32, ldb int, beta float32, c []float32, ldc int) {
	check("A", tA, m, k, a, lda)
	check("B", tB, k, n, b, ldb)
	check("C", blas.NoTrans, m, n, c, ldc)
	if m == 0 || n == 0 {
		return
	}
	if k == 0 || alpha == 0 || beta != 0 && beta != 1 {
		scale(c, m, n, ldc, beta)
		if k == 0 || alpha == 0 {
			return
		}
		beta = 1
	}
	space := workspaces.Get().(*workspace)
	defer workspaces.Put(space)
	p := product{Kernels: s, workspace: space, m: m, alpha: alpha, a: a, rowStride: lda, colStride: 1, b: b, ldb: ldb, transB: tB != blas.NoTrans}
	if tA != blas.NoTrans {
		p.rowStride, p.colStride = 1, lda
	}
	p.compute(n, k, beta != 0, c, ldc)
}

// MulRows computes C ← A·B, or adds that to C, for a row-major m×k matrix A and a
// k×n matrix B whose row l is b[rows[l]:]; rows may overlap. It panics when a
// slice is too short.
func (s *Kernels) MulRows(m, n int, a []float32, lda int, b []float32, rows []int, add bool, c []float32, ldc int) {
	k := len(rows)
	check("A", blas.NoTrans, m, k, a, lda)
	check("C", blas.NoTrans, m, n, c, ldc)
	for l, from := range rows {
		if from < 0 || from > len(b)-n {
			panic(fmt.Sprintf("gemm: row %d of B is elements [%d, %d) of %d", l, from, from+n, len(b)))
		}
	}
	if m == 0 || n == 0 || k == 0 {
		if !add {
			scale(c, m, n, ldc, 0)
		}
		return
	}
	space := workspaces.Get().(*workspace)
	defer workspaces.Put(space)
	space.rows = append(space.rows[:0], rows...)
	p := product{Kernels: s, workspace: space, m: m, alpha: 1, a: a, rowStride: lda, colStride: 1, b: b, rowsOfB: space.rows}
	p.compute(n, k, add, c, ldc)
}

// compute computes C ← α·A·B, or adds that to C.
func (p *product) compute(n, k int, add bool, c []float32, ldc int) {
	p.panels(n, k, func(l, k, j, vectors int) {
		p.panelOf(c, ldc, l, k, j, vectors, n, add || l > 0)
	})
}

// panels calls f for every panel of a k×n matrix B, in the order in which products
// go through them: k rows from l on, and so many vectors from column j on.
func (s *Kernels) panels(n, k int, f func(l, k, j, vectors int)) {
	// Blocks of K are whole vectors, which transposing is faster for, of whatever
	// instruction set, since they decide how sums round.
	step := ceil(k, ceil(k, maxK)*maxLane) * maxLane
	vectors := ceil(n, s.lane)
	panels := ceil(vectors, maxVectors)
	for l := 0; l < k; l += step {
		for j := range panels {
			first, last := j*vectors/panels, (j+1)*vectors/panels
			f(l, min(step, k-l), first*s.lane, last-first)
		}
	}
}

// product is a product under way.
type product struct {
	*Kernels
	*workspace
	m                    int
	alpha                float32
	a                    []float32
	rowStride, colStride int
	b                    []float32
	ldb                  int
	transB               bool
	rowsOfB              []int     // where they begin, in place of ldb
	packed               []float32 // what is left of a B that is copied already
}

// panelOf computes so many vectors of columns of C from column j on, with k
// columns of A from column l on.
func (p *product) panelOf(c []float32, ldc, l, k, j, vectors, n int, add bool) {
	width := vectors * p.lane
	cols := min(width, n-j)
	a, panel := p.a[l*p.colStride:], p.panel[vectors-1]
	b, strideB := p.panelOfB(l, k, j, vectors, cols)
	ahead := 0
	if p.packed != nil {
		ahead = k * width
	}
	if cols == width {
		panel(c[j:], ldc, a, p.rowStride, p.colStride, b, strideB, p.m, k, p.alpha, add, ahead)
		return
	}
	for i := 0; i < p.m; i += tailRows {
		rows := min(tailRows, p.m-i)
		panel(p.c[:], width, a[i*p.rowStride:], p.rowStride, p.colStride, b, strideB, rows, k, p.alpha, false, ahead)
		for r := range rows {
			put(c[(i+r)*ldc+j:][:cols], p.c[r*width:], add)
		}
	}
}

// put sets dst to src, or adds src to it.
func put(dst, src []float32, add bool) {
	src = src[:len(dst)]
	if !add {
		copy(dst, src)
		return
	}
	for i, v := range src {
		dst[i] += v
	}
}

// panelOfB returns where k rows of op(B) from row l on, and cols columns from
// column j on, are to be found, and how far a row is from the next. Columns up
// to the width of the panel may be anything.
func (p *product) panelOfB(l, k, j, vectors, cols int) ([]float32, int) {
	width := vectors * p.lane
	switch {
	case p.packed != nil:
		panel := p.packed
		p.packed = panel[k*width:]
		return panel, width
	case p.transB:
		p.transposeB(p.workspace.b[:], l, k, j, width, cols)
	case cols < width:
		for r := range k {
			from := (l + r) * p.ldb
			if p.rowsOfB != nil {
				from = p.rowsOfB[l+r]
			}
			copy(p.workspace.b[r*width:], p.b[from+j:][:cols])
		}
	case p.rowsOfB != nil:
		p.packAt[vectors-1](p.workspace.b[:], p.b[j:], p.rowsOfB[l:l+k])
	case p.m < packRows:
		return p.b[l*p.ldb+j:], p.ldb
	default:
		p.pack[vectors-1](p.workspace.b[:], p.b[l*p.ldb+j:], p.ldb, k)
	}
	return p.workspace.b[:], width
}

// transposeB packs a panel of op(B) from the rows of B that are its columns.
func (p *product) transposeB(dst []float32, l, k, j, width, cols int) {
	squares := k / p.lane
	for v := 0; v < cols; v += p.lane {
		rows := min(p.lane, cols-v)
		from := p.b[(j+v)*p.ldb+l:]
		if squares > 0 {
			p.transpose(dst[v:], width, from, p.ldb, rows, squares)
		}
		for r := range rows {
			for i := squares * p.lane; i < k; i++ {
				dst[i*width+v+r] = from[r*p.ldb+i]
			}
		}
	}
}

// scale computes C ← β·C.
func scale(c []float32, m, n, ldc int, beta float32) {
	for i := range m {
		row := c[i*ldc:][:n]
		if beta == 0 {
			clear(row)
			continue
		}
		for j := range row {
			row[j] *= beta
		}
	}
}

// check panics unless x holds X, where op(X) is a rows×cols matrix and X has ld
// elements from row to row.
func check(name string, t blas.Transpose, rows, cols int, x []float32, ld int) {
	if t != blas.NoTrans && t != blas.Trans && t != blas.ConjTrans {
		panic(fmt.Sprintf("gemm: %s is to be transposed as %q, want N, T or C", name, byte(t)))
	}
	if t != blas.NoTrans {
		rows, cols = cols, rows
	}
	if rows < 0 || cols < 0 || ld < max(1, cols) || !fits(rows, cols, len(x), ld) {
		panic(fmt.Sprintf("gemm: %s is %d×%d with %d elements from row to row, and has %d", name, rows, cols, ld, len(x)))
	}
}

// fits says whether n elements hold a matrix, with no product that overflows.
func fits(rows, cols, n, ld int) bool {
	if rows == 0 || cols == 0 {
		return true
	}
	return cols <= n && (rows == 1 || ld <= (n-cols)/(rows-1))
}

func ceil(a, b int) int { return (a + b - 1) / b }
