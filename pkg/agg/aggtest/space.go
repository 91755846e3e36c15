package aggtest

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/bgmd/bgmd/pkg/agg"
)

// Space is an agg.Space that a test can fill and read.
type Space interface {
	agg.Space
	// Load replaces the rows by those of G, whose sizes are always the same.
	Load(G agg.Matrix)
	// Result returns a copy of the result.
	Result() []float32
	// Copies is the number of calls of Host.
	Copies() int
}

// resident are the rules that run where the rows are.
var resident = []string{"mean", "cm", "gm", "krum", "trimmed-mean", "norm-clipping", "spectral-filter", "multi-krum",
	"medoid", "mda", "monna", "smea", "caf"}

// RunSpace holds what every rule does in a space, alone, dropping rows and in blocks, to
// what it does in memory: the results and memories of several steps, relative to their
// largest entries, to the tolerance; the weights to a hundred times that, as a median's
// are less well known than it; and the errors. It checks that rules stay in the space
// that can. newSpace returns a space for n×d matrices.
func RunSpace(t *testing.T, newSpace func(n, d int) Space, tolerance float64) {
	for _, rule := range agg.Rules() {
		build := func() (agg.Aggregator, error) { return agg.New(rule.Name, agg.Options{F: 2, Tau: 10}) }
		in := func(o agg.BlockOptions) func() (agg.Aggregator, error) {
			return func() (agg.Aggregator, error) {
				inner, err := build()
				if err != nil {
					return nil, err
				}
				return agg.NewBlock(inner, o)
			}
		}
		drop := func() (agg.Aggregator, error) {
			inner, err := build()
			if err != nil {
				return nil, err
			}
			return agg.DropNonFinite(inner)
		}
		runs := map[string]func() (agg.Aggregator, error){rule.Name: build, rule.Name + ", dropping rows": drop}
		for _, memory := range agg.Memories() {
			if traits := rule.Traits(); traits.Memory == nil && (traits.Weights || memory != "gm-weighted") {
				runs[rule.Name+" in a block with memory "+memory] = in(agg.BlockOptions{Fraction: 0.3, Memory: memory})
				runs[rule.Name+" in a random block with memory "+memory] = in(agg.BlockOptions{Fraction: 0.3, Memory: memory, Select: "random"})
			}
		}
		for name, build := range runs {
			t.Run(name, func(t *testing.T) {
				inSpace(t, build, newSpace, tolerance, slices.Contains(resident, rule.Name) && !strings.Contains(name, "random"))
			})
		}
	}
}

// inSpace runs two rules that are equal, one in memory and one in a space.
func inSpace(t *testing.T, build func() (agg.Aggregator, error), newSpace func(n, d int) Space, tolerance float64, stays bool) {
	const n, d = 11, 301
	here, err := build()
	if err != nil {
		t.Fatal(err)
	}
	there, _ := build()
	space := newSpace(n, d)
	for step := range 5 {
		G := Random(n, d, uint64(step))
		for j := range d {
			G.Row(1)[j] += 1e3
		}
		copies := space.Copies()
		if step == 3 {
			G.Row(4)[17] = float32(math.NaN())
		}
		space.Load(G)
		want := make([]float32, d)
		wantStats, wantErr := here.Aggregate(want, G, at(step))
		stats, err := agg.AggregateIn(there, space, at(step))
		if fmt.Sprint(err) != fmt.Sprint(wantErr) || errors.Is(err, agg.ErrNotFinite) != errors.Is(wantErr, agg.ErrNotFinite) {
			t.Fatalf("step %d: error %v, want %v", step, err, wantErr)
		}
		if err != nil {
			continue
		}
		nearly(t, fmt.Sprintf("step %d: the result", step), space.Result(), want, tolerance)
		if gap := distance(stats.Weights, wantStats.Weights); !(gap <= 100*tolerance) {
			t.Fatalf("step %d: weights are %v, want %v", step, stats.Weights, wantStats.Weights)
		}
		if got := space.Copies(); stays && stats.Dropped == 0 && got != copies {
			t.Errorf("step %d: the rows are copied %d times", step, got-copies)
		}
		if memory := here.Traits().Memory; memory != nil {
			nearly(t, fmt.Sprintf("step %d: the memory", step), there.Traits().Memory.State(), memory.State(), tolerance)
		}
	}
}

// nearly compares two vectors.
func nearly(t *testing.T, what string, got, want []float32, tolerance float64) {
	t.Helper()
	largest := 0.0
	for _, v := range want {
		largest = max(largest, math.Abs(float64(v)))
	}
	if len(got) != len(want) {
		t.Fatalf("%s has %d elements, want %d", what, len(got), len(want))
	}
	for j, v := range want {
		if gap := math.Abs(float64(got[j]) - float64(v)); !(gap <= tolerance*largest) {
			t.Fatalf("%s is %v at %d, want %v", what, got[j], j, v)
		}
	}
}

// distance is the largest difference, +Inf where lengths differ.
func distance(a, b []float64) (most float64) {
	if len(a) != len(b) {
		return math.Inf(1)
	}
	for i := range a {
		most = max(most, math.Abs(a[i]-b[i]))
	}
	return most
}
