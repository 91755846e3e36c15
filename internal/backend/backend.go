// Package backend is what multiplies matrices: package gemm, in Go and its
// assembly, or OpenBLAS with the build tag openblas.
//
// [Use] registers it with blas32 once, in main or in a test's TestMain, so that
// models and agg share it without knowing. Either runs on the calling thread
// alone: callers have one worker a core, and a product that forks costs them
// allocations and gains nothing.
package backend

import (
	"runtime"
	"sync"

	"gonum.org/v1/gonum/blas/blas32"
)

// Variable is the environment variable that chooses package gemm's kernels by
// name, avx512, avx2 or generic, in place of the fastest.
const Variable = "BGMD_KERNELS"

var cores = runtime.GOMAXPROCS(0)

// Cores is the number of cores to keep busy: GOMAXPROCS as the program was
// started with.
func Cores() int { return cores }

var use = sync.OnceFunc(func() {
	setUp()
	blas32.Use(implementation{})
})

// Use makes blas32 call this backend from now on. Its error says that this
// processor or program does not have what [Variable] chooses.
func Use() error {
	use()
	return check()
}
