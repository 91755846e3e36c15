package gemm

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	"gonum.org/v1/gonum/blas"

	"github.com/bgmd/bgmd/internal/racing"
)

// each runs f with all kernels that this processor can run.
func each(t *testing.T, f func(t *testing.T, s *Kernels)) {
	for _, s := range all() {
		t.Run(s.name, func(t *testing.T) { f(t, s) })
	}
}

// A problem is a product with all that it works on.
type problem struct {
	tA, tB        blas.Transpose
	m, n, k       int
	alpha, beta   float32
	a, b, c       []float32
	lda, ldb, ldc int
}

func (p problem) String() string {
	return fmt.Sprintf("%c%c %d×%d×%d, strides %d, %d and %d, alpha %g, beta %g", p.tA, p.tB, p.m, p.n, p.k, p.lda, p.ldb, p.ldc, p.alpha, p.beta)
}

// newProblem fills matrices with normal values and what lies between their rows
// with NaN, so that an element that is read in error shows in the result. Slices
// begin anywhere and end with the last element.
func newProblem(rng *rand.Rand, tA, tB blas.Transpose, m, n, k int, alpha, beta float32) problem {
	p := problem{tA: tA, tB: tB, m: m, n: n, k: k, alpha: alpha, beta: beta}
	p.a, p.lda = matrix(rng, tA, m, k)
	p.b, p.ldb = matrix(rng, tB, k, n)
	p.c, p.ldc = matrix(rng, blas.NoTrans, m, n)
	return p
}

var nan = float32(math.NaN())

func matrix(rng *rand.Rand, t blas.Transpose, rows, cols int) (x []float32, ld int) {
	if t != blas.NoTrans {
		rows, cols = cols, rows
	}
	ld = max(1, cols) + rng.IntN(20)*rng.IntN(2)
	offset := rng.IntN(17)
	x = make([]float32, offset+max(0, (rows-1)*ld+cols))
	for i := range x {
		x[i] = nan
	}
	x = slices.Clip(x[offset:])
	for i := range rows {
		for j := range cols {
			x[i*ld+j] = float32(rng.NormFloat64())
		}
	}
	return x, ld
}

func at(t blas.Transpose, i, j, ld int) int {
	if t == blas.NoTrans {
		return i*ld + j
	}
	return j*ld + i
}

// check multiplies and compares every element with a float64 sum. Of n terms tᵢ
// added in float32 in whatever order, with or without fused multiply-adds, the
// error is at most (n+2)·u·Σ|tᵢ| [Higham, Accuracy and Stability of Numerical
// Algorithms, §3.1]; α and β add a rounding each. Between C's rows nothing may
// change.
func (p problem) check(t *testing.T, s *Kernels) []float32 {
	t.Helper()
	const u = 1.0 / (1 << 24)
	c := slices.Clone(p.c)
	s.Mul(p.tA, p.tB, p.m, p.n, p.k, p.alpha, p.a, p.lda, p.b, p.ldb, p.beta, c, p.ldc)
	for at0, got := range c {
		i, j := at0/p.ldc, at0%p.ldc
		if j >= p.n {
			if got == got {
				t.Fatalf("%v: wrote %g behind row %d", p, got, i)
			}
			continue
		}
		var want, size float64
		if p.beta != 0 {
			want = float64(p.beta) * float64(p.c[at0])
			size = math.Abs(want)
		}
		for l := range p.k {
			term := float64(p.alpha) * float64(p.a[at(p.tA, i, l, p.lda)]) * float64(p.b[at(p.tB, l, j, p.ldb)])
			want += term
			size += math.Abs(term)
		}
		if bound := float64(p.k+4) * u * size * 1.001; !(math.Abs(float64(got)-want) <= bound) {
			t.Fatalf("%v: element (%d, %d) is %g, want %g within %.1g", p, i, j, got, want, bound)
		}
	}
	return c
}

// random returns a random problem of up to most rows and columns each way.
func random(rng *rand.Rand, most int) problem {
	trans := []blas.Transpose{blas.NoTrans, blas.Trans, blas.ConjTrans}
	alphas, betas := []float32{1, 1, 1, -0.5, 0}, []float32{0, 1, 1, 0, 2.5}
	size := func() int {
		if rng.IntN(2) == 0 { // whole vectors are a path of their own
			return 8 * rng.IntN(most/8+1)
		}
		return rng.IntN(most + 1)
	}
	return newProblem(rng, trans[rng.IntN(3)], trans[rng.IntN(3)], size(), size(), size(), alphas[rng.IntN(5)], betas[rng.IntN(5)])
}

func TestMulRandom(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	rounds := 600
	if testing.Short() {
		rounds = 60
	}
	for range rounds {
		p := random(rng, 130)
		if p.beta == 0 {
			for i := range p.c {
				p.c[i] = nan
			}
		}
		for _, s := range all() {
			p.check(t, s)
		}
	}
}

// TestMulSizes goes through all small sizes, and longer ones about the borders
// of blocks.
func TestMulSizes(t *testing.T) {
	each(t, func(t *testing.T, s *Kernels) {
		rng := rand.New(rand.NewPCG(3, 4))
		for _, tA := range []blas.Transpose{blas.NoTrans, blas.Trans} {
			for _, tB := range []blas.Transpose{blas.NoTrans, blas.Trans} {
				for m := range 20 {
					for n := range 20 {
						newProblem(rng, tA, tB, m, n, (m+3*n)%35, 1, float32(n&1)).check(t, s)
					}
				}
				for _, k := range []int{maxK - 1, maxK, maxK + 1, 2*maxK + 1, 700} {
					newProblem(rng, tA, tB, tailRows+9, 3*maxWidth+17, k, 1, 1).check(t, s)
				}
			}
		}
	})
}

// TestSameBits: AVX2 and AVX-512 add in the same order and round alike.
func TestSameBits(t *testing.T) {
	list := all()
	if len(list) < 3 {
		t.Skip("this processor has no AVX-512")
	}
	rng := rand.New(rand.NewPCG(5, 6))
	for range 100 {
		p := random(rng, 400)
		a, b := p.check(t, list[0]), p.check(t, list[1])
		for i := range a {
			if math.Float32bits(a[i]) != math.Float32bits(b[i]) {
				t.Fatalf("%v: element %d is %g with %v and %g with %v", p, i, a[i], list[0], b[i], list[1])
			}
		}
	}
}

// TestMulByHand: [1 2; 3 4]·[5 6; 7 8] = [19 22; 43 50].
func TestMulByHand(t *testing.T) {
	each(t, func(t *testing.T, s *Kernels) {
		c := []float32{1, 1, 1, 1}
		s.Mul(blas.NoTrans, blas.NoTrans, 2, 2, 2, 2, []float32{1, 2, 3, 4}, 2, []float32{5, 6, 7, 8}, 2, -1, c, 2)
		if want := []float32{37, 43, 85, 99}; !slices.Equal(c, want) {
			t.Errorf("2·A·B − C is %v, want %v", c, want)
		}
	})
}

// TestMulAlone: a product's bits do not depend on what runs beside it.
func TestMulAlone(t *testing.T) {
	each(t, func(t *testing.T, s *Kernels) {
		rng := rand.New(rand.NewPCG(7, 8))
		problems := make([]problem, 64)
		want := make([][]float32, len(problems))
		for i := range problems {
			problems[i] = random(rng, 100)
			want[i] = problems[i].check(t, s)
		}
		got := make([][]float32, len(problems))
		var group sync.WaitGroup
		for w := range 4 {
			group.Go(func() {
				for i := w; i < len(problems); i += 4 {
					p := problems[i]
					got[i] = slices.Clone(p.c)
					s.Mul(p.tA, p.tB, p.m, p.n, p.k, p.alpha, p.a, p.lda, p.b, p.ldb, p.beta, got[i], p.ldc)
				}
			})
		}
		group.Wait()
		for i, p := range problems {
			for j := range got[i] {
				if math.Float32bits(got[i][j]) != math.Float32bits(want[i][j]) {
					t.Fatalf("%v: element %d is %g beside other products and %g alone", p, j, got[i][j], want[i][j])
				}
			}
		}
	})
}

// TestNotFinite: NaN and ∞ go through a product as arithmetic has it.
func TestNotFinite(t *testing.T) {
	each(t, func(t *testing.T, s *Kernels) {
		inf := float32(math.Inf(1))
		c := make([]float32, 3)
		s.Mul(blas.NoTrans, blas.NoTrans, 1, 3, 2, 1, []float32{0, 1}, 2, []float32{nan, inf, 1, 2, 3, -inf}, 3, 0, c, 3)
		if c[0] == c[0] || c[1] == c[1] || c[2] != -inf {
			t.Errorf("[0 1]·[NaN ∞ 1; 2 3 −∞] is %v, want [NaN NaN −∞]", c)
		}
	})
}

// TestMulRefuses: a wrong shape panics before anything is read or written.
func TestMulRefuses(t *testing.T) {
	const n, huge = blas.NoTrans, math.MaxInt/2 + 1
	four := make([]float32, 4)
	for name, f := range map[string]func(s *Kernels){
		"A is short":        func(s *Kernels) { s.Mul(n, n, 2, 2, 2, 1, four[:3], 2, four, 2, 0, four, 2) },
		"B is short":        func(s *Kernels) { s.Mul(n, n, 2, 2, 2, 1, four, 2, four[:3], 2, 0, four, 2) },
		"C is short":        func(s *Kernels) { s.Mul(n, n, 2, 2, 2, 1, four, 2, four, 2, 0, four[:3], 2) },
		"rows overlap":      func(s *Kernels) { s.Mul(n, n, 2, 2, 2, 1, four, 1, four, 2, 0, four, 2) },
		"a negative size":   func(s *Kernels) { s.Mul(n, n, 2, -2, 2, 1, four, 2, four, 2, 0, four, 2) },
		"a huge stride":     func(s *Kernels) { s.Mul(n, n, 3, 2, 2, 1, four, huge, four, 2, 0, four, 2) },
		"a huge size":       func(s *Kernels) { s.Mul(n, n, huge, 2, 2, 1, four, 2, four, 2, 0, four, 2) },
		"no such transpose": func(s *Kernels) { s.Mul('X', n, 2, 2, 2, 1, four, 2, four, 2, 0, four, 2) },
	} {
		t.Run(name, func(t *testing.T) {
			each(t, func(t *testing.T, s *Kernels) {
				defer func() {
					if text, ok := recover().(string); !ok || !strings.HasPrefix(text, "gemm: ") {
						t.Errorf("no panic of gemm's own, got %q", text)
					}
				}()
				f(s)
			})
		})
	}
}

func TestMulAllocatesNothing(t *testing.T) {
	if racing.Enabled {
		t.Skip("the race detector makes pools of memory forget")
	}
	each(t, func(t *testing.T, s *Kernels) {
		p := newProblem(rand.New(rand.NewPCG(9, 10)), blas.Trans, blas.Trans, 50, 75, 200, 1, 0)
		allocs := testing.AllocsPerRun(100, func() {
			s.Mul(p.tA, p.tB, p.m, p.n, p.k, p.alpha, p.a, p.lda, p.b, p.ldb, p.beta, p.c, p.ldc)
		})
		if allocs != 0 {
			t.Errorf("a product allocates %v times", allocs)
		}
	})
}

func TestPeak(t *testing.T) {
	each(t, func(t *testing.T, s *Kernels) {
		if got := s.Peak(1e6); got < 9e5 || got > 1e6 {
			t.Errorf("Peak(1e6) did %d operations", got)
		}
	})
}

func FuzzMul(f *testing.F) {
	f.Add(uint64(1), uint64(2))
	f.Fuzz(func(t *testing.T, a, b uint64) {
		p := random(rand.New(rand.NewPCG(a, b)), 1+int(a%200))
		for _, s := range all() {
			p.check(t, s)
		}
	})
}
