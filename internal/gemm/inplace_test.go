package gemm

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"gonum.org/v1/gonum/blas"
)

// TestMulInPlace holds products of all shapes to those of Mul, which they equal to
// the bit while Mul has no more columns of A than it takes at once.
func TestMulInPlace(t *testing.T) {
	rng := rand.New(rand.NewPCG(11, 12))
	for range 200 {
		m, n, k := 1+rng.IntN(20), maxLane*(1+rng.IntN(9)), 1+rng.IntN(maxK)
		for _, tA := range []blas.Transpose{blas.NoTrans, blas.Trans} {
			p := newProblem(rng, tA, blas.NoTrans, m, n, k, 1, float32(rng.IntN(2)))
			row, col := p.lda, 1
			if tA == blas.Trans {
				row, col = 1, p.lda
			}
			first := []float32(nil)
			for _, s := range all() {
				want, got := slices.Clone(p.c), slices.Clone(p.c)
				s.Mul(tA, blas.NoTrans, m, n, k, 1, p.a, p.lda, p.b, p.ldb, p.beta, want, p.ldc)
				s.MulInPlace(m, n, k, p.a, row, col, p.b, p.ldb, p.beta == 1, got, p.ldc)
				if !same(got, want) {
					t.Fatalf("%v, %v: differs from Mul", s, p)
				}
				if s.name == "generic" {
					continue
				}
				if first == nil {
					first = got
				}
				if !same(got, first) {
					t.Fatalf("%v, %v: differs from %v", s, p, all()[0])
				}
			}
		}
	}
}

// same compares to the bit.
func same(x, y []float32) bool {
	return slices.EqualFunc(x, y, func(a, b float32) bool { return math.Float32bits(a) == math.Float32bits(b) })
}

// TestMulInPlaceByHand: one sum of 300 products, beyond what Mul takes at once.
// Row i of A is i+1 throughout and B is 2 throughout.
func TestMulInPlaceByHand(t *testing.T) {
	each(t, func(t *testing.T, s *Kernels) {
		const m, k, n = 3, 300, 16
		a, b, c := make([]float32, m*k), make([]float32, k*n), make([]float32, m*n)
		for i := range a {
			a[i] = float32(i/k + 1)
		}
		for i := range b {
			b[i] = 2
		}
		s.MulInPlace(m, n, k, a, k, 1, b, n, false, c, n)
		s.MulInPlace(m, n, k, a, k, 1, b, n, true, c, n)
		for i, got := range c {
			if want := float32(2 * 2 * k * (i/n + 1)); got != want {
				t.Fatalf("element %d is %v, want %v", i, got, want)
			}
		}
	})
}

func TestTranspose16(t *testing.T) {
	each(t, func(t *testing.T, s *Kernels) {
		for rows := 1; rows <= 16; rows++ {
			src, dst := make([]float32, (rows-1)*19+16), make([]float32, 15*21+16)
			for i := range src {
				src[i] = float32(i)
			}
			s.Transpose16(dst, 21, src, 19, rows)
			for r := range rows {
				for i := range 16 {
					if got, want := dst[i*21+r], float32(r*19+i); got != want {
						t.Fatalf("%d rows: element (%d, %d) is %v, want %v", rows, i, r, got, want)
					}
				}
			}
		}
	})
}

// TestInPlaceRefuses: a wrong shape panics before anything is read or written.
func TestInPlaceRefuses(t *testing.T) {
	x := make([]float32, 256)
	for name, f := range map[string]func(s *Kernels){
		"17 columns":         func(s *Kernels) { s.MulInPlace(1, 17, 1, x, 1, 1, x, 17, false, x, 17) },
		"no rows":            func(s *Kernels) { s.MulInPlace(0, 16, 1, x, 1, 1, x, 16, false, x, 16) },
		"A is short":         func(s *Kernels) { s.MulInPlace(2, 16, 2, x[:3], 2, 1, x, 16, false, x, 16) },
		"B is short":         func(s *Kernels) { s.MulInPlace(2, 16, 2, x, 2, 1, x[:31], 16, false, x, 16) },
		"C is short":         func(s *Kernels) { s.MulInPlace(2, 16, 2, x, 2, 1, x, 16, false, x[:31], 16) },
		"17 rows":            func(s *Kernels) { s.Transpose16(x, 16, x, 1, 17) },
		"src is short":       func(s *Kernels) { s.Transpose16(x, 16, x[:255], 16, 16) },
		"transpose is short": func(s *Kernels) { s.Transpose16(x[:255], 16, x, 16, 16) },
	} {
		each(t, func(t *testing.T, s *Kernels) {
			defer func() {
				if text := fmt.Sprint(recover()); len(text) < 6 || text[:6] != "gemm: " {
					t.Errorf("%s: no panic of gemm's own, got %q", name, text)
				}
			}()
			f(s)
		})
	}
}
