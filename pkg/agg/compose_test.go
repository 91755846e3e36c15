package agg

import (
	"math"
	"slices"
	"testing"
)

// wrapper is a way to put something around a rule that assumes f corrupt rows.
type wrapper struct {
	name string
	wrap func(inner Aggregator, f int) (Aggregator, error)
}

func wrappers() []wrapper {
	all := []wrapper{{"drop", func(inner Aggregator, _ int) (Aggregator, error) { return DropNonFinite(inner) }}}
	for _, name := range PreNames() {
		all = append(all, wrapper{name, func(inner Aggregator, f int) (Aggregator, error) {
			return NewPre(name, inner, Options{F: f, Radius: 5})
		}})
	}
	for _, memory := range Memories() {
		all = append(all, wrapper{memory, func(inner Aggregator, _ int) (Aggregator, error) {
			return NewBlock(inner, BlockOptions{Fraction: 0.5, Memory: memory})
		}})
	}
	return all
}

// composed is a rule in two wrappers.
type composed struct {
	rule  string
	parts []string // the wrappers' names, the inner one first
}

// build builds it for f corrupt rows and a pivot, where the rule has those.
func (c composed) build(f, pivot int) (Aggregator, error) {
	o := someOptions[c.rule]
	if rule, _ := Lookup(c.rule); slices.Contains(rule.Options, "f") {
		o.F = f
	}
	o.Pivot = pivot
	rule, err := New(c.rule, o)
	for _, part := range c.parts {
		for _, w := range wrappers() {
			if w.name == part && err == nil {
				rule, err = w.wrap(rule, f)
			}
		}
	}
	return rule, err
}

// eachComposed calls f for every rule in every two wrappers.
func eachComposed(f func(c composed)) {
	for _, rule := range Rules() {
		for _, inner := range wrappers() {
			for _, outer := range wrappers() {
				f(composed{rule.Name, []string{inner.name, outer.name}})
			}
		}
	}
}

// refused says whether a composition makes no sense, from what its parts are: rows
// with names must not be shuffled nor, where each is remembered, dropped; a block
// goes around what has no memory, and with gm-weighted around what has weights.
func (c composed) refused() bool {
	named, remembers := c.rule == "monna", c.rule == "centred-clipping"
	weighted := slices.Contains([]string{"mean", "gm", "krum", "multi-krum", "norm-clipping", "medoid", "mda", "monna",
		"smea", "caf", "spectral-filter"}, c.rule)
	everyRow := false
	for _, part := range c.parts {
		switch {
		case part == "bucketing" && named, part == "drop" && everyRow:
			return true
		case slices.Contains(Memories(), part):
			if remembers || part == memoryGMWeighted && !weighted {
				return true
			}
			remembers = true
			everyRow = part == memoryClient
			named = named || everyRow
		case part == "clip":
			weighted = false
		}
	}
	return false
}

// TestWrappersKnowWhatIsInside: every rule in every two wrappers is refused where it
// must be, and only there.
func TestWrappersKnowWhatIsInside(t *testing.T) {
	eachComposed(func(c composed) {
		if _, err := c.build(1, 4); (err != nil) != c.refused() {
			t.Errorf("%v: error %v, want one: %v", c, err, c.refused())
		}
	})
	for want, c := range map[string]composed{
		`agg: pre-aggregator "bucketing": it shuffles the rows, but nnm(f=1) + monna(f=1, pivot=4) knows one by its number`: {"monna", []string{"nnm", "bucketing"}},
		`agg: rows of clip(5) + block(0.5, gm, memory=client) cannot be dropped: its memory is "client"`:                    {"gm", []string{"client", "clip", "drop"}},
	} {
		if _, err := c.build(1, 4); err == nil || err.Error() != want {
			t.Errorf("error %v, want %s", err, want)
		}
	}
}

// TestWrappersPassTheStepOn: every rule in every two wrappers, told that three of twelve
// rows were dropped, does what it does where it assumes as many corrupt rows less and
// trusts a row of a smaller number. An outer wrapper that drops rows finds one itself.
func TestWrappersPassTheStepOn(t *testing.T) {
	rest := rows(9, 40, 1, 1, 1, 20, 6)
	numbers := []int{0, 1, 5, 6, 7, 8, 9, 10, 11}
	more := NewMatrix(10, 40) // with row 3
	copy(more.Data, rest.Data[:2*40])
	more.Row(2)[7] = float32(math.NaN())
	copy(more.Data[3*40:], rest.Data[2*40:])
	eachComposed(func(c composed) {
		if c.refused() {
			return
		}
		want, got := make([]float32, 40), make([]float32, 40)
		_, wantErr := must(c.build(0, 5)).Aggregate(want, rest, Step{Gamma: 0.5, Rand: newRand(3)})
		G, step := rest, Step{Gamma: 0.5, Rand: newRand(3), Dropped: 3, Numbers: numbers}
		if c.parts[1] == "drop" && c.parts[0] != "bucketing" { // which would draw twice
			G, step.Dropped, step.Numbers = more, 2, slices.Insert(slices.Clone(numbers), 2, 3)
		}
		_, err := must(c.build(3, 8)).Aggregate(got, G, step)
		if wantErr != nil && err != nil {
			return
		}
		if err != nil || wantErr != nil || !slices.Equal(got, want) {
			t.Errorf("%v: %v, %v, want %v, %v", c, got[:3], err, want[:3], wantErr)
		}
	})
}

// TestWrappersPromiseWhatTheyKeep holds the traits of every rule in every two wrappers
// to what it does.
func TestWrappersPromiseWhatTheyKeep(t *testing.T) {
	const n, d, a, b = 40, 40, 4, 8 // powers of two: no rounding of aG
	G, moved, half := rows(n, d, 1, 1, 1, 20, 6), NewMatrix(n, d), NewMatrix(n, d/2)
	for i := range n {
		copy(half.Row(i), G.Row(i))
		for j, v := range G.Row(i) {
			moved.Row(i)[j] = a*v + b
		}
	}
	eachComposed(func(c composed) {
		if c.refused() {
			return
		}
		run := func(G Matrix) ([]float32, Stats, Aggregator) {
			rule, dst := must(c.build(1, 4)), make([]float32, G.Cols)
			stats, err := rule.Aggregate(dst, G, Step{Gamma: 0.5, Rand: newRand(3)})
			if err != nil {
				t.Fatalf("%v: %v", c, err)
			}
			return dst, stats, rule
		}
		y, stats, rule := run(G)
		traits := rule.Traits()
		if traits.Weights != (stats.Weights != nil) || traits.Weights && math.Abs(sum(stats.Weights)-1) > 1e-9 {
			t.Errorf("%v: Weights is %v, weights are %v", c, traits.Weights, stats.Weights)
		}
		if traits.Equivariant {
			z, _, _ := run(moved)
			for j, v := range z {
				if math.Abs(float64(v-(a*y[j]+b))) > 1e-4 {
					t.Fatalf("%v: Equivariant, but moved rows give %v, want %v", c, v, a*y[j]+b)
				}
			}
		}
		if part, _, _ := run(half); traits.Separable && !slices.Equal(part, y[:d/2]) {
			t.Errorf("%v: Separable, but half of the columns give another result", c)
		}
		remembers := c.rule == "centred-clipping" || slices.ContainsFunc(c.parts, func(part string) bool { return slices.Contains(Memories(), part) })
		if remembers != (traits.Memory != nil) {
			t.Errorf("%v: Memory is %v", c, traits.Memory)
		}
		if traits.Memory != nil && !slices.Contains(c.parts, memoryNone) && traits.Memory.State() == nil {
			t.Errorf("%v: nothing is remembered of a step", c)
		}
	})
}
