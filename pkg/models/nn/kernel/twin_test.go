package kernel

import (
	"math"
	"math/rand/v2"
	"testing"
)

// roundoff is float32's unit roundoff.
const roundoff = 1.0 / (1 << 24)

// sum is a naive float64 sum that knows how far a float32 one may be from it.
type sum struct {
	value, size float64 // Σ tᵢ and Σ |tᵢ|
	terms       int
}

func (s *sum) add(t float64) {
	s.value += t
	s.size += math.Abs(t)
	s.terms++
}

// bound is the largest error of the same sum in float32, in whatever order it
// is added and with or without fused multiply-adds: n roundings each of at
// most u·Σ|tᵢ|, and one for the products [Higham, Accuracy and Stability of
// Numerical Algorithms, §3.1].
func (s *sum) bound() float64 { return float64(s.terms+1) * roundoff * s.size * 1.001 }

// compare fails unless every element is within its sum's bound.
func compare(t *testing.T, what string, got []float32, want []sum) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s: %d elements, want %d", what, len(got), len(want))
	}
	for i, w := range want {
		if err := math.Abs(float64(got[i]) - w.value); !(err <= w.bound()) {
			t.Fatalf("%s: element %d is %g, want %g within %.1g", what, i, got[i], w.value, w.bound())
		}
	}
}

// compareExactly fails unless the elements are equal; NaN equals NaN and
// −0 equals 0.
func compareExactly(t *testing.T, what string, got, want []float32) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s: %d elements, want %d", what, len(got), len(want))
	}
	for i, w := range want {
		if got[i] != w && (got[i] == got[i] || w == w) {
			t.Fatalf("%s: element %d of %v is %g, want %g", what, i, got, got[i], w)
		}
	}
}

func source(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 1)) }

// normal returns n standard normal values.
func normal(rng *rand.Rand, n int) []float32 {
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(rng.NormFloat64())
	}
	return x
}

// stale returns n NaNs: what a kernel overwrites must not shine through.
func stale(n int) []float32 {
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(math.NaN())
	}
	return x
}
