//go:build openblas

package backend

/*
#cgo LDFLAGS: -lopenblas
#cgo noescape cblas_sgemm
#cgo nocallback cblas_sgemm
#include <cblas.h>
*/
import "C"

import (
	"fmt"
	"os"
	"runtime"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/gonum"

	"github.com/bgmd/bgmd/internal/gemm"
)

// Name says what multiplies matrices.
const Name = "openblas"

// check says what is wrong with the environment's choice: OpenBLAS makes its own.
func check() error {
	if name := os.Getenv(Variable); name != "" {
		return fmt.Errorf("backend: environment variable %s is %q, but this program was built with OpenBLAS", Variable, name)
	}
	return nil
}

// implementation is gonum's BLAS with Sgemm replaced. gonum's netlib bindings
// would do the same for all of BLAS, but one function needs no binding of 150.
type implementation struct{ gonum.Implementation }

// setUp keeps OpenBLAS on the calling thread, since the program's own workers
// keep the cores busy, and gives Go two processors to spare. A product keeps its
// thread in C; without a spare processor Go's scheduler takes the thread's own
// away at once and wakes another thread that looks for work on the same cores,
// which costs a fifth of a training step.
func setUp() {
	C.openblas_set_num_threads(1)
	runtime.GOMAXPROCS(cores + 2)
}

// Sgemm computes C ← α·op(A)·op(B) + β·C on row-major matrices, where op(A) is
// m×k and op(B) is k×n. Like gonum's, it panics when a slice is too short.
func (implementation) Sgemm(tA, tB blas.Transpose, m, n, k int, alpha float32, a []float32, lda int, b []float32, ldb int, beta float32, c []float32, ldc int) {
	if m == 0 || n == 0 {
		return
	}
	if k == 0 {
		gonum.Implementation{}.Sgemm(tA, tB, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc)
		return
	}
	gemm.Check("A", tA, m, k, a, lda)
	gemm.Check("B", tB, k, n, b, ldb)
	gemm.Check("C", blas.NoTrans, m, n, c, ldc)
	C.cblas_sgemm(C.CblasRowMajor, transpose(tA), transpose(tB), C.int(m), C.int(n), C.int(k),
		C.float(alpha), (*C.float)(&a[0]), C.int(lda), (*C.float)(&b[0]), C.int(ldb),
		C.float(beta), (*C.float)(&c[0]), C.int(ldc))
}

func transpose(t blas.Transpose) C.enum_CBLAS_TRANSPOSE {
	if t == blas.NoTrans {
		return C.CblasNoTrans
	}
	return C.CblasTrans
}
