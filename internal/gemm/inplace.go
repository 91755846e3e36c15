package gemm

import (
	"fmt"

	"gonum.org/v1/gonum/blas"
)

// MulInPlace computes C ← A·B, or adds that to C, for an m×k matrix A, whose element
// (i, l) is a[i·rowStride + l·colStride], and a row-major k×n matrix B. It is for
// many small products whose B lies in the first-level cache as it is: nothing is
// copied. n is a multiple of 16, and m, n and k are at least 1. It panics on other
// sizes and when a slice is too short.
//
// Every element is one sum, in the order of A's columns.
func (s *Kernels) MulInPlace(m, n, k int, a []float32, rowStride, colStride int, b []float32, ldb int, add bool, c []float32, ldc int) {
	if m < 1 || n < 1 || k < 1 || n%maxLane != 0 {
		panic(fmt.Sprintf("gemm: a product in place of %d×%d by %d×%d, want at least 1 each and a multiple of %d columns", m, k, k, n, maxLane))
	}
	checkStrides(m, k, a, rowStride, colStride)
	check("B", blas.NoTrans, k, n, b, ldb)
	check("C", blas.NoTrans, m, n, c, ldc)
	vectors := n / s.lane
	panels := ceil(vectors, maxVectors)
	for j := range panels {
		first, last := j*vectors/panels, (j+1)*vectors/panels
		at := first * s.lane
		s.panel[last-first-1](c[at:], ldc, a, rowStride, colStride, b[at:], ldb, m, k, 1, add, 0)
	}
}

// checkStrides panics unless a holds an m×k matrix, at least 1×1, whose element (i, l)
// is a[i·rowStride + l·colStride].
func checkStrides(m, k int, a []float32, rowStride, colStride int) {
	if m < 1 || k < 1 || rowStride < 1 || colStride < 1 || len(a) <= (m-1)*rowStride+(k-1)*colStride {
		panic(fmt.Sprintf("gemm: A is %d×%d with strides %d and %d, and has %d elements", m, k, rowStride, colStride, len(a)))
	}
}

// Transpose16 copies a rows×16 matrix, at most 16 rows, to the columns of a 16×16
// one: dst[i·ldd+r] = src[r·lds+i]. Columns that there are no rows for may be
// anything afterwards. It panics when a slice is too short.
func (s *Kernels) Transpose16(dst []float32, ldd int, src []float32, lds, rows int) {
	check("the transpose", blas.NoTrans, maxLane, maxLane, dst, ldd)
	check("the matrix to transpose", blas.NoTrans, rows, maxLane, src, lds)
	if rows < 1 || rows > maxLane {
		panic(fmt.Sprintf("gemm: %d rows to transpose, want 1 to %d", rows, maxLane))
	}
	for r := 0; r < rows; r += s.lane {
		s.transpose(dst[r:], ldd, src[r*lds:], lds, min(s.lane, rows-r), maxLane/s.lane)
	}
}
