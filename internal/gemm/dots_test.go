package gemm

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"gonum.org/v1/gonum/blas"
)

// normal returns n normal values that do not begin on a vector's border, and end
// with the last.
func normal(rng *rand.Rand, n int) []float32 {
	x := make([]float32, n+1+n%3)
	for i := range x {
		x[i] = float32(rng.NormFloat64())
	}
	return slices.Clip(x[len(x)-n:])
}

// TestMulRows: rows that lie anywhere, and overlap, give what their copies do.
func TestMulRows(t *testing.T) {
	each(t, func(t *testing.T, s *Kernels) {
		rng := rand.New(rand.NewPCG(5, 6))
		for range 200 {
			m, n, k := rng.IntN(40), rng.IntN(130), rng.IntN(150)
			b := normal(rng, 3*n+17)
			rows, copies := make([]int, k), make([]float32, 0, k*n)
			for l := range rows {
				rows[l] = rng.IntN(len(b) - n + 1)
				copies = append(copies, b[rows[l]:][:n]...)
			}
			a, lda := matrix(rng, blas.NoTrans, m, k)
			c, ldc := matrix(rng, blas.NoTrans, m, n)
			for _, add := range []bool{false, true} {
				want, got := slices.Clone(c), slices.Clone(c)
				var beta float32
				if add {
					beta = 1
				}
				s.Mul(blas.NoTrans, blas.NoTrans, m, n, k, 1, a, lda, copies, max(1, n), beta, want, ldc)
				s.MulRows(m, n, a, lda, b, rows, add, got, ldc)
				for i := range want {
					if math.Float32bits(got[i]) != math.Float32bits(want[i]) {
						t.Fatalf("%d×%d×%d, add %v: element %d is %g, want %g", m, n, k, add, i, got[i], want[i])
					}
				}
			}
		}
	})
}

// TestAddDots compares with float64 sums, as problem.check does, with rows of B
// that overlap, and columns of C that lie apart; what lies between stays.
func TestAddDots(t *testing.T) {
	const u = 1.0 / (1 << 24)
	each(t, func(t *testing.T, s *Kernels) {
		rng := rand.New(rand.NewPCG(7, 8))
		for range 400 {
			n, m, k, count := 1+rng.IntN(MaxDots), rng.IntN(30), rng.IntN(70)*(1+rng.IntN(5)), rng.IntN(4)
			ldb, colC := rng.IntN(20), 1+rng.IntN(3)
			a, lda := matrix(rng, blas.NoTrans, m, k)
			ldc := count*n*colC + rng.IntN(3)
			c := normal(rng, max(0, m*ldc))
			b := normal(rng, 50+n*ldb+k)
			groups := make([]Group, count)
			want, size := make([]float64, len(c)), make([]float64, len(c))
			for i, v := range c {
				want[i], size[i] = float64(v), math.Abs(float64(v))
			}
			for g := range groups {
				groups[g] = Group{rng.IntN(50), g * n * colC}
				for i := range m {
					for j := range n {
						to := groups[g].C + i*ldc + j*colC
						for l := range k {
							term := float64(a[i*lda+l]) * float64(b[groups[g].B+j*ldb+l])
							want[to] += term
							size[to] += math.Abs(term)
						}
					}
				}
			}
			s.AddDots(groups, n, m, k, a, lda, b, ldb, c, ldc, colC)
			for i, got := range c {
				if bound := float64(k+4) * u * size[i] * 1.001; !(math.Abs(float64(got)-want[i]) <= bound) {
					t.Fatalf("%d groups of %d, %d×%d: element %d is %g, want %g within %.1g", count, n, m, k, i, got, want[i], bound)
				}
			}
		}
	})
}

// TestRowsAndDotsRefuse what would be read or written past the end.
func TestRowsAndDotsRefuse(t *testing.T) {
	x := func(n int) []float32 { return make([]float32, n) }
	s := Default
	for name, f := range map[string]func(){
		"row before B":          func() { s.MulRows(1, 2, x(1), 1, x(4), []int{-1}, false, x(2), 2) },
		"row past B":            func() { s.MulRows(1, 2, x(1), 1, x(4), []int{3}, false, x(2), 2) },
		"MulRows's A":           func() { s.MulRows(2, 2, x(3), 2, x(4), []int{0, 1}, false, x(4), 2) },
		"MulRows's C":           func() { s.MulRows(2, 2, x(4), 2, x(4), []int{0, 1}, false, x(3), 2) },
		"no columns":            func() { s.AddDots([]Group{{}}, 0, 1, 2, x(2), 2, x(2), 2, x(1), 1, 1) },
		"too many":              func() { s.AddDots([]Group{{}}, MaxDots+1, 1, 2, x(2), 2, x(99), 2, x(9), 9, 1) },
		"AddDots's A":           func() { s.AddDots([]Group{{}}, 1, 2, 2, x(3), 2, x(2), 2, x(2), 1, 1) },
		"AddDots's B":           func() { s.AddDots([]Group{{1, 0}}, 2, 1, 2, x(2), 2, x(3), 1, x(2), 2, 1) },
		"AddDots's C":           func() { s.AddDots([]Group{{0, 1}}, 2, 2, 2, x(4), 2, x(3), 1, x(4), 2, 1) },
		"columns that overflow": func() { s.AddDots([]Group{{}}, 5, 1, 16, x(16), 16, x(99), 1, x(99), 16, 1<<61) },
		"negative group":        func() { s.AddDots([]Group{{-1, 0}}, 1, 1, 2, x(2), 2, x(2), 1, x(4), 2, 1) },
		"negative stride":       func() { s.AddDots([]Group{{1, 0}}, 2, 1, 2, x(2), 2, x(3), -1, x(4), 2, 1) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: no panic", name)
				}
			}()
			f()
		}()
	}
}
