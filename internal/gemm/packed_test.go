package gemm

import (
	"math/rand/v2"
	"slices"
	"testing"

	"gonum.org/v1/gonum/blas"
)

// TestMulPacked holds products with a packed B to those of Mul, which they equal to
// the bit, and so do those of Mul with both sides transposed.
func TestMulPacked(t *testing.T) {
	rng := rand.New(rand.NewPCG(13, 14))
	for range 150 {
		m, n, k := 1+rng.IntN(40), 1+rng.IntN(200), 1+rng.IntN(300)
		tA, tB := blas.NoTrans, []blas.Transpose{blas.NoTrans, blas.Trans}[rng.IntN(2)]
		if rng.IntN(2) == 0 {
			tA = blas.Trans
		}
		p := newProblem(rng, tA, tB, m, n, k, 1, float32(rng.IntN(2)))
		row, col := p.lda, 1
		if tA == blas.Trans {
			row, col = 1, p.lda
		}
		first := []float32(nil)
		for _, s := range all() {
			want, got := slices.Clone(p.c), slices.Clone(p.c)
			s.Mul(tA, tB, m, n, k, 1, p.a, p.lda, p.b, p.ldb, p.beta, want, p.ldc)
			packed := make([]float32, s.PackedLen(k, n))
			s.Pack(packed, tB, k, n, p.b, p.ldb)
			s.MulPacked(m, n, k, p.a, row, col, packed, p.beta == 1, got, p.ldc)
			if !same(got, want) {
				t.Fatalf("%v, %v: differs from Mul", s, p)
			}
			if other := p.transposed(s); !same(other, want) {
				t.Fatalf("%v, %v: Mul of the transposes differs from Mul", s, p)
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

// transposed computes p as Cᵀ ← Bᵀ·Aᵀ + β·Cᵀ, and returns C.
func (p problem) transposed(s *Kernels) []float32 {
	flip := func(t blas.Transpose) blas.Transpose {
		if t == blas.NoTrans {
			return blas.Trans
		}
		return blas.NoTrans
	}
	c, ct := slices.Clone(p.c), make([]float32, p.n*p.m)
	for i := range p.m {
		for j := range p.n {
			ct[j*p.m+i] = c[i*p.ldc+j]
		}
	}
	s.Mul(flip(p.tB), flip(p.tA), p.n, p.m, p.k, 1, p.b, p.ldb, p.a, p.lda, p.beta, ct, p.m)
	for i := range p.m {
		for j := range p.n {
			c[i*p.ldc+j] = ct[j*p.m+i]
		}
	}
	return c
}

// TestPackedNeedsRoom: slices that are too short are found before anything is read.
func TestPackedNeedsRoom(t *testing.T) {
	s, x := Default, make([]float32, 4000)
	for name, f := range map[string]func(){
		"pack":     func() { s.Pack(x[:s.PackedLen(10, 20)-1], blas.NoTrans, 10, 20, x, 20) },
		"packed":   func() { s.MulPacked(3, 20, 10, x, 10, 1, x[:s.PackedLen(10, 20)-1], false, x, 20) },
		"a":        func() { s.MulPacked(3, 20, 10, x[:29], 10, 1, x, false, x, 20) },
		"c":        func() { s.MulPacked(3, 20, 10, x, 10, 1, x, false, x[:59], 20) },
		"columns":  func() { s.MulPacked(3, 0, 10, x, 10, 1, x, false, x, 20) },
		"stream a": func() { s.MulStream(3, 32, 16, x[:47], x, x) },
		"stream b": func() { s.MulStream(3, 32, 16, x, x[:511], x) },
		"stream c": func() { s.MulStream(3, 32, 16, x, x, x[:95]) },
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if recover() == nil {
					t.Error("no panic")
				}
			}()
			f()
		})
	}
}
