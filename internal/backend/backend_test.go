package backend

import (
	"math"
	"math/rand/v2"
	"testing"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/gonum"
)

func TestSgemmAgreesWithGonum(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	const m, n, k, pad = 70, 200, 131, 3 // a little over one tile each way
	for _, tA := range []blas.Transpose{blas.NoTrans, blas.Trans} {
		for _, tB := range []blas.Transpose{blas.NoTrans, blas.Trans} {
			for _, beta := range []float32{0, 1, -0.5} {
				a, lda := random(rng, tA, m, k, pad)
				b, ldb := random(rng, tB, k, n, pad)
				want, ldc := random(rng, blas.NoTrans, m, n, pad)
				got := append([]float32(nil), want...)
				gonum.Implementation{}.Sgemm(tA, tB, m, n, k, 1.5, a, lda, b, ldb, beta, want, ldc)
				implementation{}.Sgemm(tA, tB, m, n, k, 1.5, a, lda, b, ldb, beta, got, ldc)
				for i := range want {
					if math.Abs(float64(got[i]-want[i])) > 1e-4 {
						t.Fatalf("tA %c, tB %c, beta %g: element %d is %g, gonum has %g", tA, tB, beta, i, got[i], want[i])
					}
				}
			}
		}
	}
}

func TestSgemmRefusesShortSlices(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("no panic for a C that is one element short")
		}
	}()
	implementation{}.Sgemm(blas.NoTrans, blas.NoTrans, 2, 2, 2, 1, make([]float32, 4), 2, make([]float32, 4), 2, 0, make([]float32, 3), 2)
}

func random(rng *rand.Rand, t blas.Transpose, rows, cols, pad int) ([]float32, int) {
	if t != blas.NoTrans {
		rows, cols = cols, rows
	}
	x := make([]float32, rows*(cols+pad))
	for i := range x {
		x[i] = rng.Float32() - 0.5
	}
	return x, cols + pad
}

func TestSgemmAllocatesNothing(t *testing.T) {
	const m, n, k = 200, 500, 300
	a, b, c := make([]float32, m*k), make([]float32, k*n), make([]float32, m*n)
	allocs := testing.AllocsPerRun(200, func() { // so many because the first may start a thread
		implementation{}.Sgemm(blas.NoTrans, blas.Trans, m, n, k, 1, a, k, b, k, 0, c, n)
	})
	if allocs != 0 {
		t.Errorf("a product of %d×%d by %d×%d allocates %v times", m, k, k, n, allocs)
	}
}
