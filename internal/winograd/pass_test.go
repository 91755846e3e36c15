package winograd

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/bgmd/bgmd/internal/gemm"
)

// available lists the instruction sets that this processor has, the last of them
// plain Go.
func available() (list []*gemm.Kernels) {
	for _, name := range []string{"avx512", "avx2", "generic"} {
		if g, err := gemm.Choose(name); err == nil {
			list = append(list, g)
		}
	}
	return list
}

// matrices lists an algorithm's matrices in an instruction set.
func (k *kernels) matrices() map[string]matrix {
	return map[string]matrix{"bt": k.bt, "at": k.at, "a": k.a, "b": k.b, "gt": k.gt}
}

func normal(rng *rand.Rand, n int) []float32 {
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(rng.NormFloat64())
	}
	return x
}

// TestTransformsAreTheirMatrices feeds unit vectors to the assembly: what comes out is
// a column of the table, rounded to float32, or off by a rounding where a factor is
// made of two.
func TestTransformsAreTheirMatrices(t *testing.T) {
	for _, g := range available() {
		for _, a := range []*Algorithm{f43, f45} {
			for name, m := range a.in(g).matrices() {
				in, out := len(m.rows[0]), len(m.rows)
				src, dst := make([]float32, in*Lanes), make([]float32, out*Lanes)
				for l := range in {
					clear(src)
					for i := range Lanes {
						src[l*Lanes+i] = float32(i + 1)
					}
					m.run(pass{dst: dst, src: src, dstStep: Lanes, srcStep: Lanes, outer: 1, inner: 1, load: all(in), store: all(out)})
					for k, row := range m.rows {
						for i := range Lanes {
							want := row[l] * float64(i+1)
							if got := float64(dst[k*Lanes+i]); math.Abs(got-want) > 3e-7*math.Abs(want) {
								t.Errorf("%s, F(4, %d), %s: row %d, column %d times %d is %v, want %v", g, a.R, name, k, l, i+1, got, want)
							}
						}
					}
				}
			}
		}
	}
}

// TestPasses runs passes of all kinds, vectors missing, left out and added to, on
// all instruction sets: plain Go's results within roundings, AVX-512's and AVX2's
// equal, and nothing written between.
func TestPasses(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	list := available()
	for _, a := range []*Algorithm{f43, f45} {
		for name, m := range a.in(list[len(list)-1]).matrices() {
			for round := range 40 {
				in, out := len(m.rows[0]), len(m.rows)
				p := pass{outer: 1 + rng.IntN(3), inner: 1 + rng.IntN(3), load: all(in), store: all(out)}
				if round%2 == 1 && (name == "bt" || name == "a") {
					p.load = 1 + rng.Uint32N(all(in))
				}
				if round%2 == 1 && (name == "at" || name == "b") {
					p.store, p.add = 1+rng.Uint32N(all(out)), rng.Uint32()
				}
				gap := rng.IntN(9)
				p.srcInner, p.dstInner = Lanes+gap, Lanes+gap
				p.srcStep, p.dstStep = p.inner*p.srcInner+gap, p.inner*p.dstInner+gap
				p.srcOuter, p.dstOuter = in*p.srcStep, out*p.dstStep
				p.src = normal(rng, p.outer*p.srcOuter)
				before := normal(rng, p.outer*p.dstOuter)
				what := fmt.Sprintf("F(4, %d), %s, %d×%d, load %b, store %b, add %b", a.R, name, p.outer, p.inner, p.load, p.store, p.add)
				var results [][]float32
				for _, g := range list {
					p.dst = slices.Clone(before)
					a.in(g).matrices()[name].run(p)
					results = append(results, p.dst)
				}
				want := results[len(results)-1]
				for i, g := range list[:len(list)-1] {
					for e, v := range results[i] {
						if math.Abs(float64(v-want[e])) > 2e-5 || (want[e] == before[e]) != (v == before[e]) {
							t.Fatalf("%s: element %d is %v by %s and %v in Go, and was %v", what, e, v, g, want[e], before[e])
						}
					}
					if !slices.Equal(results[i], results[0]) {
						t.Fatalf("%s: %s and %s differ", what, g, list[0])
					}
				}
			}
		}
	}
}

// TestPassesStayInTheirSlices: a pass that would leave them panics.
func TestPassesStayInTheirSlices(t *testing.T) {
	x := make([]float32, 8*Lanes)
	good := pass{dst: x, src: x, dstStep: Lanes, srcStep: Lanes, outer: 1, inner: 1, load: all(8), store: all(8)}
	for name, spoil := range map[string]func(*pass){
		"reads behind":  func(p *pass) { p.srcAt = 1 },
		"writes behind": func(p *pass) { p.dst = x[:len(x)-1] },
		"reads before":  func(p *pass) { p.srcAt = -1 },
		"no vector":     func(p *pass) { p.load = 0 },
		"no transform":  func(p *pass) { p.inner = 0 },
	} {
		bad := good
		spoil(&bad)
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: no panic", name)
				}
			}()
			f45.in(gemm.Default).bt.run(bad)
		}()
	}
	good.srcAt, good.load = -Lanes, all(8)&^1 // its first vector is missing
	f45.in(gemm.Default).bt.run(good)
}
