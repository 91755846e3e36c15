//go:build !openblas

package backend

import (
	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/gonum"
)

// Name says what multiplies matrices.
const Name = "gonum"

// implementation is gonum's BLAS with Sgemm cut into tiles.
type implementation struct{ gonum.Implementation }

func setUp() {}

// The tiles of C are the largest that gonum's Sgemm does not share out over
// goroutines: it does so from four blocks of 64×64 on. tileK keeps a tile's
// operands, 128 kB, in the second-level cache.
const (
	tileM = 64
	tileN = 192
	tileK = 128
)

// Sgemm computes C ← α·op(A)·op(B) + β·C on row-major matrices, where op(A) is
// m×k and op(B) is k×n, tile by tile on the calling goroutine.
func (b implementation) Sgemm(tA, tB blas.Transpose, m, n, k int, alpha float32, a []float32, lda int, bb []float32, ldb int, beta float32, c []float32, ldc int) {
	if m <= tileM && n <= tileN && k <= tileK {
		b.Implementation.Sgemm(tA, tB, m, n, k, alpha, a, lda, bb, ldb, beta, c, ldc)
		return
	}
	for i := 0; i < m; i += tileM {
		for j := 0; j < n; j += tileN {
			scale := beta
			for l := 0; l < k; l += tileK {
				b.Implementation.Sgemm(tA, tB, min(tileM, m-i), min(tileN, n-j), min(tileK, k-l), alpha,
					a[at(tA, i, l, lda):], lda, bb[at(tB, l, j, ldb):], ldb, scale, c[i*ldc+j:], ldc)
				scale = 1
			}
		}
	}
}

// at is where element (i, j) of op(X) lies.
func at(t blas.Transpose, i, j, ld int) int {
	if t == blas.NoTrans {
		return i*ld + j
	}
	return j*ld + i
}
