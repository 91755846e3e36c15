//go:build !openblas

package backend

import (
	"fmt"
	"os"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/gonum"

	"github.com/bgmd/bgmd/internal/gemm"
)

// Name says what multiplies matrices: go-avx512, go-avx2 or go-generic.
var Name = "go-" + kernels.String()

var kernels, errKernels = choose(os.Getenv(Variable))

// choose returns the kernels of that name, and with an error the best.
func choose(name string) (*gemm.Kernels, error) {
	k, err := gemm.Choose(name)
	if err != nil {
		best, _ := gemm.Choose("")
		return best, fmt.Errorf("backend: environment variable %s: %w", Variable, err)
	}
	return k, nil
}

// check says what is wrong with the environment's choice.
func check() error { return errKernels }

// implementation is gonum's BLAS with Sgemm replaced.
type implementation struct{ gonum.Implementation }

func setUp() {}

// Sgemm computes C ← α·op(A)·op(B) + β·C on row-major matrices, where op(A) is
// m×k and op(B) is k×n. It panics when a slice is too short.
func (implementation) Sgemm(tA, tB blas.Transpose, m, n, k int, alpha float32, a []float32, lda int, b []float32, ldb int, beta float32, c []float32, ldc int) {
	kernels.Mul(tA, tB, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc)
}
