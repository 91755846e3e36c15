package agg

import (
	"fmt"
	"math"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/bgmd/bgmd/internal/racing"
)

func TestNewNamesWhatIsWrong(t *testing.T) {
	for want, c := range map[string]struct {
		name string
		o    Options
	}{
		`agg: unknown rule "krun" (have ` + strings.Join(Names(), ", ") + `)`:          {"krun", Options{}},
		`agg: rule "gm": solver is "newton", want one of gram, weiszfeld, vardi-zhang`: {"gm", Options{Solver: "newton"}},
		`agg: rule "gm": stop is "never", want one of residual, step`:                  {"gm", Options{Stop: "never"}},
		`agg: rule "gm": on_fail is "panic", want one of last, zero`:                   {"gm", Options{OnFail: "panic"}},
		`agg: rule "krum": f is -1, want ≥ 0`:                                          {"krum", Options{F: -1, Eps: -1}},
		`agg: rule "trimmed-mean": beta is 0.5, want [0, 0.5) (0 means f rows)`:        {"trimmed-mean", Options{Beta: 0.5}},
		`agg: rule "centred-clipping": tau is 0, want a finite number > 0`:             {"centred-clipping", Options{}},
		`agg: rule "krum": f is 4611686018427387904, want at most 1073741824`:          {"krum", Options{F: 1 << 62}},
		`agg: rule "monna": pivot is -2, want ≥ 0`:                                     {"monna", Options{Pivot: -2}},
		`agg: rule "gm": max_iter is -1, want ≥ 0 (0 means the default)`:               {"gm", Options{MaxIter: -1}},
		`agg: rule "gm": eps is NaN, want a finite number ≥ 0 (0 means the default)`:   {"gm", Options{Eps: math.NaN()}},
		"agg: rule \"gm\": stop is \"x\", want one of residual, step\n" +
			"agg: rule \"gm\": eps is -1, want a finite number ≥ 0 (0 means the default)": {"gm", Options{Stop: "x", Eps: -1}},
	} {
		if _, err := New(c.name, c.o); err == nil || err.Error() != want {
			t.Errorf("error %v, want %s", err, want)
		}
	}
}

func TestStrings(t *testing.T) {
	block := func(inner string, o Options, b BlockOptions) Aggregator {
		return must(NewBlock(must(New(inner, o)), b))
	}
	authors := Options{Solver: "vardi-zhang", Stop: "step", MaxIter: 50, OnFail: "zero"}
	for want, rule := range map[string]Aggregator{
		"mean":            must(New("mean", Options{})),
		"gm":              must(New("gm", Options{Solver: "gram", Eps: 1e-8})),
		"gm(eps=1e-06)":   must(New("gm", Options{Eps: 1e-6})),
		"gm(weiszfeld)":   must(New("gm", Options{Solver: "weiszfeld", Eps: 1e-6})),
		"block(0.1, gm)":  block("gm", Options{}, BlockOptions{Fraction: 0.1}),
		"block(0.05, cm)": block("cm", Options{}, BlockOptions{Fraction: 0.05, Select: "top-k", Memory: "mean"}),
		"block(1, mean, select=random, memory=client)":                      block("mean", Options{}, BlockOptions{Fraction: 1, Select: "random", Memory: "client"}),
		"block(0.1, gm(vardi-zhang, stop=step, max_iter=50, on_fail=zero))": block("gm", authors, BlockOptions{Fraction: 0.1}),
	} {
		if got := fmt.Sprint(rule); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}

// TestSteadyStateAllocation bounds what a call allocates once the scratch has
// grown: goroutines and their closures, whatever d is.
func TestSteadyStateAllocation(t *testing.T) {
	if racing.Enabled {
		t.Skip("the race detector makes pools of memory forget")
	}
	G := rows(8, 60_000, 1, 1, 2, 10, 1)
	dst := make([]float32, G.Cols)
	r := newRand(1)
	for _, v := range variants() {
		rule := v.build()
		run := func() {
			if _, err := rule.Aggregate(dst, G, Step{Gamma: 0.1, Rand: r}); err != nil {
				t.Fatal(err)
			}
		}
		for range 20 { // until lists have grown
			run()
		}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		const calls = 5
		for range calls {
			run()
		}
		runtime.ReadMemStats(&after)
		if bytes := (after.TotalAlloc - before.TotalAlloc) / calls; bytes > 16<<10 {
			t.Errorf("%s allocates %d bytes a call, want at most %d", v.name, bytes, 16<<10)
		}
	}
}

// TestMaxCorrupt holds MaxCorrupt to what the rules take and refuse.
func TestMaxCorrupt(t *testing.T) {
	for _, rule := range Rules() {
		most := 70
		if rule.Name == "smea" {
			most = 12 // its subsets are many
		}
		for n := 1; n <= most; n++ {
			takes := func(f int) bool {
				o := someOptions[rule.Name]
				o.F, o.Pivot = f, 0
				_, err := must(New(rule.Name, o)).Aggregate(make([]float32, 1), NewMatrix(n, 1), Step{})
				return err == nil
			}
			f := rule.MaxCorrupt(n)
			if f < 0 == takes(0) {
				t.Errorf("%s: MaxCorrupt(%d) is %d, and with f = 0 it runs: %v", rule.Name, n, f, takes(0))
			}
			if f >= 0 && !takes(f) {
				t.Errorf("%s: MaxCorrupt(%d) is %d, which it refuses", rule.Name, n, f)
			}
			if slices.Contains(rule.Options, "f") && takes(f+1) {
				t.Errorf("%s: MaxCorrupt(%d) is %d, but it takes one more", rule.Name, n, f)
			}
		}
	}
}
