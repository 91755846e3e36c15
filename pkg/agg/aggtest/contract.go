package aggtest

import (
	"errors"
	"math"
	"runtime"
	"slices"
	"testing"

	"github.com/bgmd/bgmd/pkg/agg"
)

func (s suite) aliasing(t *testing.T) {
	first, second := Random(9, 300, 8), Random(9, 300, 9)
	before := clone(first)
	rule, twin := s.newRule(), s.newRule()
	dst := aggregate(t, rule, first, 0)
	if !slices.Equal(first.Data, before.Data) {
		t.Error("Aggregate changed G")
	}
	result := slices.Clone(dst)
	aggregate(t, twin, before, 0)
	clear(first.Data) // a rule that kept G, or dst below, would now go wrong
	got := aggregate(t, rule, second, 1)
	if !slices.Equal(dst, result) {
		t.Error("the second call changed the first call's dst")
	}
	clear(dst)
	want := aggregate(t, twin, second, 1)
	if !slices.Equal(got, want) {
		t.Error("the second result depends on what happened to the first call's G")
	}
	if !slices.Equal(aggregate(t, rule, before, 2), aggregate(t, twin, before, 2)) {
		t.Error("the third result depends on what happened to the first call's dst")
	}
}

func (s suite) notFinite(t *testing.T) {
	nan := float32(math.NaN())
	inf := float32(math.Inf(1))
	for _, bad := range []float32{nan, inf, -inf} {
		rule, twin := s.newRule(), s.newRule()
		good := Random(9, 300, 10)
		aggregate(t, rule, good, 0)
		aggregate(t, twin, good, 0)
		G := clone(good)
		G.Row(4)[123] = bad
		dst := make([]float32, G.Cols)
		_, err := rule.Aggregate(dst, G, at(1))
		if !errors.Is(err, agg.ErrNotFinite) {
			t.Errorf("a row with %v: error is %v, want ErrNotFinite", bad, err)
		}
		if !slices.Equal(aggregate(t, rule, good, 1), aggregate(t, twin, good, 1)) {
			t.Errorf("a refused row with %v changed the next result", bad)
		}
	}
}

func (s suite) sizes(t *testing.T) {
	for name, c := range map[string]struct {
		dst int
		G   agg.Matrix
	}{
		"dst too short":  {9, agg.NewMatrix(3, 10)},
		"dst too long":   {11, agg.NewMatrix(3, 10)},
		"no rows":        {10, agg.NewMatrix(0, 10)},
		"no columns":     {0, agg.NewMatrix(3, 0)},
		"data too short": {10, agg.Matrix{Data: make([]float32, 29), Rows: 3, Cols: 10}},
	} {
		if _, err := s.newRule().Aggregate(make([]float32, c.dst), c.G, at(0)); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func (s suite) workers(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	G := Random(9, 40_000, 11)
	one := s.newRule()
	first, second := aggregate(t, one, G, 0), aggregate(t, one, G, 1)
	runtime.GOMAXPROCS(2)
	two := s.newRule()
	if !slices.Equal(aggregate(t, two, G, 0), first) || !slices.Equal(aggregate(t, two, G, 1), second) {
		t.Error("results on one and two cores differ")
	}
}

func (s suite) changingSizes(t *testing.T) {
	rule := s.newRule()
	for _, size := range [][2]int{{9, 300}, {4, 17}, {12, 2500}, {1, 1}} {
		if size[0] < s.props.MinRows {
			continue
		}
		if memory := rule.Traits().Memory; memory != nil {
			if err := memory.Restore(nil); err != nil {
				t.Fatalf("Restore(nil): %v", err)
			}
		}
		G := Random(size[0], size[1], 12)
		if !slices.Equal(aggregate(t, rule, G, 0), aggregate(t, s.newRule(), G, 0)) {
			t.Errorf("%d×%d: a used rule differs from a new one", size[0], size[1])
		}
	}
}

func (s suite) state(t *testing.T) {
	rule := s.newRule()
	memory := rule.Traits().Memory
	if memory == nil {
		t.Skip("no memory")
	}
	if memory.State() != nil {
		t.Error("State is not nil before the first call")
	}
	G := Random(9, 300, 13)
	aggregate(t, rule, G, 0)
	aggregate(t, rule, Random(9, 300, 14), 1)
	twin := s.newRule()
	resumed := twin.Traits().Memory
	saved := slices.Clone(memory.State())
	if err := resumed.Restore(saved); err != nil {
		t.Fatalf("Restore: %v", err)
	}
	for i := range saved {
		saved[i] = -1 // Restore must have copied it
	}
	for step := 2; step < 5; step++ {
		if !slices.Equal(aggregate(t, twin, G, step), aggregate(t, rule, G, step)) {
			t.Fatalf("step %d after Restore differs", step)
		}
	}
	if !slices.Equal(resumed.State(), memory.State()) {
		t.Error("states differ after equal steps")
	}
	// From here on nobody asks the twin for its state between the steps.
	if err := memory.Restore(make([]float32, len(memory.State())+1)); err == nil {
		t.Error("Restore of one element too many: no error")
	}
	aggregate(t, twin, G, 5)
	if err := resumed.Restore(make([]float32, len(memory.State())+1)); err == nil {
		t.Error("Restore of one element too many: no error")
	}
	aggregate(t, rule, G, 5)
	if !slices.Equal(aggregate(t, twin, G, 6), aggregate(t, rule, G, 6)) {
		t.Error("a refused Restore changed the state")
	}
	kept := slices.Clone(memory.State())
	if kept == nil {
		return // remembers nothing
	}
	late := s.newRule()
	if err := late.Traits().Memory.Restore(kept[:len(kept)-1]); err == nil {
		if _, err := late.Aggregate(make([]float32, G.Cols), G, at(0)); err == nil {
			t.Error("Aggregate with a restored memory of the wrong length: no error")
		}
	}
}
