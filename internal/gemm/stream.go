package gemm

import (
	"unsafe"

	"gonum.org/v1/gonum/blas"
)

// line is the number of elements in a line of the cache.
const line = 16

// MulStream computes C ← A·Bᵀ for row-major matrices A, m×k, B, n×k, and C, m×n, none
// with gaps between its rows. It is for a C that is larger than the caches and read
// much later: its lines are written to memory whole, past the caches, so that nothing
// is read from there first and nothing else makes room. It panics when a slice is too
// short.
//
// Rows of C are the outer loop, else every line would be a page from the one before.
// It is for few columns of A, and n and k that are multiples of 16; all others go
// through [Kernels.Mul], whose bits these are.
func (s *Kernels) MulStream(m, n, k int, a, b, c []float32) {
	if m < 1 || n < 2*line || n%line != 0 || k < 1 || k > maxK {
		s.Mul(blas.NoTrans, blas.Trans, m, n, k, 1, a, max(1, k), b, max(1, k), 0, c, max(1, n))
		return
	}
	check("A", blas.NoTrans, m, k, a, k)
	check("B", blas.Trans, k, n, b, k)
	check("C", blas.NoTrans, m, n, c, n)
	space := workspaces.Get().(*workspace)
	defer workspaces.Put(space)
	p := product{Kernels: s, workspace: space, m: m, a: a, rowStride: k, colStride: 1, b: b, ldb: k}
	head := int(-uintptr(unsafe.Pointer(&c[0]))/4) & (line - 1)
	lines := n / line
	if head > 0 {
		lines--
		p.streamEdges(c, n, k, head)
	}
	p.streamPanels(c[head:], n, k, head, lines)
	s.fence()
}

// streamPanels computes so many lines of columns of C from column j of op(B) on, which
// c begins with. They are as many at a time as have their columns of B in the
// workspace: half of a first-level cache.
func (p *product) streamPanels(c []float32, n, k, j, lines int) {
	wide := p.streamed()
	for lines > 0 {
		most := min(len(p.workspace.b)/(k*line), lines)
		if most > wide {
			most -= most % wide
		}
		for l := 0; l < most; l += wide {
			width := min(wide, most-l) * line
			p.transposeB(p.workspace.b[k*line*l:], 0, k, j+l*line, width, width)
		}
		panels, of := most/wide, wide
		if panels == 0 {
			panels, of = 1, most
		}
		p.stream[of*line/p.lane-1](c, n, p.a, p.rowStride, p.workspace.b[:], p.m, k, panels)
		c, j, lines = c[most*line:], j+most*line, lines-most
	}
}

// streamed is the number of lines in a panel that is streamed: three vectors, or two
// where those are half a line.
func (p *product) streamed() int { return maxVectors * p.lane / line }

// streamEdges computes the first head columns of C and the last line−head. The line
// that begins in one row ends in the next, and so do lines of the workspace. (To write
// both ends by themselves took as long as a third of the product: each waits for its
// line from memory.)
func (p *product) streamEdges(c []float32, n, k, head int) {
	for col := range line {
		j := col
		if col >= head {
			j += n - line
		}
		for l, x := range p.b[j*k:][:k] {
			p.workspace.b[l*line+col] = x
		}
	}
	edges, most := p.workspace.c[:], len(p.workspace.c)/line
	for i := 0; ; i += most - 1 { // the last row of a part comes first in the next
		rows := min(most, p.m-i)
		p.panel[line/p.lane-1](edges, line, p.a[i*k:], k, 1, p.workspace.b[:], line, rows, k, 1, false, 0)
		if i == 0 {
			copy(c[:head], edges)
		}
		if rows > 1 {
			p.streamLines(c[(i+1)*n-line+head:], n, edges[head:], rows-1)
		}
		if i+rows == p.m {
			copy(c[p.m*n-line+head:p.m*n], edges[rows*line-line+head:])
			return
		}
	}
}
