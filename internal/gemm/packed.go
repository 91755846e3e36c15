package gemm

import (
	"fmt"

	"gonum.org/v1/gonum/blas"
)

// PackedLen is the number of elements that [Kernels.Pack] makes of a k×n matrix.
func (s *Kernels) PackedLen(k, n int) int { return k * ceil(n, s.lane) * s.lane }

// Pack copies op(B), k×n, to dst as [Kernels.MulPacked] of the same kernels takes
// it: panel behind panel, in the order in which a product goes through them. Many
// products with one B so read it straight on. It panics when a slice is too short.
func (s *Kernels) Pack(dst []float32, tB blas.Transpose, k, n int, b []float32, ldb int) {
	check("B", tB, k, n, b, ldb)
	s.checkPacked(dst, k, n)
	space := workspaces.Get().(*workspace)
	defer workspaces.Put(space)
	p := product{Kernels: s, workspace: space, m: packRows, b: b, ldb: ldb, transB: tB != blas.NoTrans}
	s.panels(n, k, func(l, k, j, vectors int) {
		panel, _ := p.panelOfB(l, k, j, vectors, min(vectors*s.lane, n-j))
		dst = dst[copy(dst, panel[:k*vectors*s.lane]):]
	})
}

// MulPacked computes C ← A·B, or adds that to C, for an m×k matrix A, whose element
// (i, l) is a[i·rowStride + l·colStride], and a k×n matrix B that Pack has copied. It
// panics when a slice is too short.
//
// Its bits are those of [Kernels.Mul], and of A·B transposed by it, too.
func (s *Kernels) MulPacked(m, n, k int, a []float32, rowStride, colStride int, packed []float32, add bool, c []float32, ldc int) {
	checkStrides(m, k, a, rowStride, colStride)
	check("C", blas.NoTrans, m, n, c, ldc)
	s.checkPacked(packed, k, n)
	if n < 1 {
		panic(fmt.Sprintf("gemm: a packed product of %d columns, want at least 1", n))
	}
	space := workspaces.Get().(*workspace)
	defer workspaces.Put(space)
	p := product{Kernels: s, workspace: space, m: m, alpha: 1, a: a, rowStride: rowStride, colStride: colStride, packed: packed}
	p.compute(n, k, add, c, ldc)
}

func (s *Kernels) checkPacked(x []float32, k, n int) {
	if want := s.PackedLen(k, n); k < 0 || n < 0 || len(x) < want {
		panic(fmt.Sprintf("gemm: B, %d×%d, has %d elements packed, want %d", k, n, len(x), want))
	}
}
