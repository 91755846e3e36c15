// Package kernel holds the arithmetic of the layers as plain functions on
// float32 slices. It knows nothing of graphs.
//
// Between layers, arrays are H×C×W×N: rows, channels, columns, and the batch
// innermost, so that a pixel of all N images is contiguous and a convolution is
// a few matrix products whose operands are slices of the arrays in place: no
// im2col, and no col2im for the gradient. Images come as C×H×W×N.
//
// Rejected: N×C×H×W with im2col, which copies every pixel once a tap; on two
// cores the copies cost more than the products. Rejected: C×H×W×N throughout,
// where only one tap at a time is a product in place. Rows of the kernel merge
// in H×C×W×N: K products with K times the work each, in which the output is read
// and written K times less often (with OpenBLAS, on one core at 64 channels, 5×5 and
// N = 64: 91 GFLOPS for 67).
//
// Convolutions that this is for can also be computed with fewer multiplications, by
// [Winograd], from arrays of the same layout; [Conv.Fast] says where that is faster.
//
// The functions are single-threaded; callers run several side by side.
package kernel

import (
	"gonum.org/v1/gonum/blas"

	"github.com/bgmd/bgmd/internal/gemm"
)

// mat is a row-major matrix inside a slice, ld elements from row to row.
type mat struct {
	x     []float32
	ld    int
	trans blas.Transpose
}

func rowMajor(x []float32, ld int) mat { return mat{x, ld, blas.NoTrans} }

// t is the transpose of m.
func (m mat) t() mat { return mat{m.x, m.ld, blas.Trans} }

// mul computes C ← A·B + β·C for a rows×inner matrix A and inner×cols B.
func mul(c []float32, ldc int, rows, cols, inner int, a, b mat, beta float32) {
	gemm.Default.Mul(a.trans, b.trans, rows, cols, inner, 1, a.x, a.ld, b.x, b.ld, beta, c, ldc)
}
