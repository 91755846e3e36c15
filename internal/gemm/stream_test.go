package gemm

import (
	"math/rand/v2"
	"slices"
	"testing"

	"gonum.org/v1/gonum/blas"
)

// TestMulStream holds streamed products to those of Mul, which they equal to the bit
// wherever C begins, and checks that nothing around C changes.
func TestMulStream(t *testing.T) {
	rng := rand.New(rand.NewPCG(15, 16))
	for _, size := range []struct{ m, n, k int }{
		{1, 32, 16}, {1, 16, 16}, {7, 48, 1}, {8, 64, 128}, {13, 1024, 16}, {70, 1024, 64}, {129, 784, 20}, {9, 33, 16}, {5, 64, 129}, {0, 32, 16}, {3, 0, 2}, {3, 32, 0},
	} {
		m, n, k := size.m, size.n, size.k
		a, b := values(rng, m*k), values(rng, n*k)
		for offset := range line + 1 {
			first := []float32(nil)
			for _, s := range all() {
				want := values(rng, m*n+2*line)
				got := slices.Clone(want)
				s.Mul(blas.NoTrans, blas.Trans, m, n, k, 1, a, max(1, k), b, max(1, k), 0, want[offset:], max(1, n))
				s.MulStream(m, n, k, a, b, got[offset:][:m*n])
				if !same(got, want) {
					t.Fatalf("%v, %d×%d, k = %d, %d elements further: differs from Mul", s, m, n, k, offset)
				}
				product := got[offset:][:m*n]
				if first == nil {
					first = product
				}
				if s.name != "generic" && !same(product, first) {
					t.Fatalf("%v, %d×%d, k = %d: differs from %v", s, m, n, k, all()[0])
				}
			}
		}
	}
}

func values(rng *rand.Rand, n int) []float32 {
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(rng.NormFloat64())
	}
	return x
}
