package agg

import (
	"math"
	"slices"
	"testing"

	"github.com/bgmd/bgmd/internal/topk"
)

// TestRandomIsUniform counts all ten subsets of three out of five.
func TestRandomIsUniform(t *testing.T) {
	const trials = 20_000
	r := newRand(8)
	var s sampler
	counts := map[[3]int]int{}
	index := make([]int, 3)
	for range trials {
		s.random(index, 5, r)
		if !slices.IsSorted(index) || slices.Max(index) > 4 {
			t.Fatalf("drew %v", index)
		}
		counts[[3]int(index)]++
	}
	if len(counts) != 10 {
		t.Errorf("%d subsets, want 10", len(counts))
	}
	for subset, c := range counts {
		// Five standard deviations of a binomial count with p = 1/10.
		if math.Abs(float64(c)-trials/10) > 5*math.Sqrt(trials*0.1*0.9) {
			t.Errorf("%v drawn %d times, want about %d", subset, c, trials/10)
		}
	}
}

// TestProportionalFollowsNorms compares the frequencies of ordered draws of two
// out of norms 1, 2, 3 and 0 with P(i then j) = wᵢ/6 · wⱼ/(6 − wᵢ).
func TestProportionalFollowsNorms(t *testing.T) {
	const trials = 4000
	scores := []float64{1, 4, 0, 9}
	r := newRand(9)
	var s sampler
	var top topk.Selector
	counts := map[[2]int]int{}
	index := make([]int, 2)
	for range trials {
		s.proportional(index, scores, r, &top)
		counts[[2]int(index)]++
	}
	for pair, p := range map[[2]int]float64{
		{0, 1}: 1./6*2/5 + 2./6*1/4,
		{0, 3}: 1./6*3/5 + 3./6*1/3,
		{1, 3}: 2./6*3/4 + 3./6*2/3,
	} {
		if math.Abs(float64(counts[pair])-p*trials) > 5*math.Sqrt(trials*p*(1-p)) {
			t.Errorf("%v drawn %d times, want about %.0f", pair, counts[pair], p*trials)
		}
	}
	index = make([]int, 4)
	if s.proportional(index, scores, r, &top); !slices.Equal(index, []int{0, 1, 2, 3}) {
		t.Errorf("all columns: %v", index)
	}
}
