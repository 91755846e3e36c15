package corrupt

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/mathext/prng"

	"github.com/bgmd/bgmd/pkg/agg"
)

// numpyKinds are the gradient corruptions that [code] has.
var numpyKinds = []string{"additive", "bitflip"}

// NumPyNames returns the kinds of gradient corruption whose members [NumPy] can
// draw, sorted.
func NumPyNames() []string { return slices.Clone(numpyKinds) }

// replay is what [code] does to an n×d matrix at every step, see
// [GradientPlan].
type replay struct {
	corruption Gradient
	n, d       int
	rows       []int
	noise      [][]float32 // one vector of d values a row; nil if it draws none
}

// numpyGradient is a corruption that draws noise from the generator of the tosses.
// Other corruptions draw nothing from it.
type numpyGradient interface {
	numpyNoise(src *numpyRand, d int) []float32
}

// numpySeed is the seed that [code] sets at every step.
const numpySeed = 1

func newReplay(corruption Gradient, fraction float64, n, d int) *replay {
	r := &replay{corruption: corruption, n: n, d: d}
	src := newNumPyRand(numpySeed)
	noisy, draws := corruption.(numpyGradient)
	budget := int(fraction * float64(n)) // in floating point, as there
	for i := 0; i < n && budget > 0; i++ {
		if src.sample() >= fraction {
			continue
		}
		if draws {
			r.noise = append(r.noise, noisy.numpyNoise(src, d))
		}
		r.rows = append(r.rows, i)
		budget--
	}
	return r
}

// fits reports whether the replay was drawn for matrices of n×d.
func (r *replay) fits(n, d int) bool { return r.n == n && r.d == d }

// apply corrupts the given rows of G, one for each that the replay has.
func (r *replay) apply(G agg.Matrix, rows []int) {
	if r.noise == nil {
		r.corruption.Apply(G, rows, nil)
		return
	}
	eachChunk(G, rows, func(_, k, lo int, g []float32) {
		for j, z := range r.noise[k][lo : lo+len(g)] {
			g[j] += z
		}
	})
}

// numpyRand is numpy.random.RandomState, NumPy's legacy generator: MT19937
// seeded by init_genrand.
type numpyRand struct {
	mt    *prng.MT19937
	spare float64 // second value of the last pair, if unused
	kept  bool
}

func newNumPyRand(seed uint32) *numpyRand {
	mt := prng.NewMT19937()
	mt.Seed(uint64(seed))
	return &numpyRand{mt: mt}
}

// sample returns random_sample(): 53 random bits as a value in [0, 1).
func (r *numpyRand) sample() float64 {
	a, b := r.mt.Uint32()>>5, r.mt.Uint32()>>6
	return (float64(a)*(1<<26) + float64(b)) / (1 << 53)
}

// gauss returns standard_normal(): Marsaglia's polar method, whose second
// value is kept for the next call, across calls of sample. The conversions
// keep a compiler from fusing products into sums, which NumPy's does not.
func (r *numpyRand) gauss() float64 {
	if r.kept {
		r.kept = false
		return r.spare
	}
	for {
		x := 2*r.sample() - 1
		y := 2*r.sample() - 1
		s := float64(x*x) + float64(y*y)
		if s >= 1 || s == 0 {
			continue
		}
		f := math.Sqrt(-2 * math.Log(s) / s)
		r.spare, r.kept = f*x, true
		return f * y
	}
}
