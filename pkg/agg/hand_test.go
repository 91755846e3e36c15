package agg

import (
	"errors"
	"math"
	"slices"
	"strings"
	"testing"
)

// TestByHand has every rule work on numbers that a person can follow.
func TestByHand(t *testing.T) {
	missing := Names()
	line := func(x ...float32) Matrix { return Matrix{Data: x, Rows: len(x), Cols: 1} }
	for _, c := range []struct {
		rule string
		o    Options
		G    Matrix
		want []float32
	}{
		{"mean", Options{}, line(1, 2, 6), []float32{3}},
		{"cm", Options{}, line(9, 1, 2), []float32{2}},
		{"cm", Options{}, line(9, 1, 2, 4), []float32{3}},
		{"trimmed-mean", Options{F: 1}, line(100, 1, 2, 6, -50), []float32{3}},
		{"trimmed-mean", Options{Beta: 0.25}, line(100, 1, 2, -50), []float32{1.5}}, // ⌈0.25·4⌉ = 1
		{"trimmed-mean", Options{Beta: 0.26}, line(100, 0, 1, 2, 3, -50), []float32{1.5}},
		// Of norms 1, 2, 3, 10 the largest goes.
		{"norm-clipping", Options{F: 1}, line(1, -2, 10, 3), []float32{2. / 3}},
		{"norm-clipping", Options{Beta: 0.25}, line(1, -2, 10, 3), []float32{2. / 3}},
		// The three values nearest to the median 3 are 2, 3 and 5; of 1 and 5,
		// equally near, the smaller counts.
		{"meamed", Options{F: 2}, line(3, 2, 5, 100, -100), []float32{10. / 3}},
		{"meamed", Options{F: 2}, line(1, 5, 3, 2, 90), []float32{2}},
		// Sums of distances: 0: 1+3+9 = 13, 1: 1+2+8 = 11, 3: 3+2+6 = 11, 9: 23.
		{"medoid", Options{}, line(0, 1, 3, 9), []float32{1}},
		// n − f − 2 = 2 nearest squared distances: 0: 1+4, 1: 1+1, 2: 1+1,
		// 3: 1+4, 50: 47²+48². 1 wins over 2 as the lower index.
		{"krum", Options{F: 1}, line(0, 1, 2, 3, 50), []float32{1}},
		{"multi-krum", Options{F: 1}, line(0, 1, 2, 3, 50), []float32{1.5}},
		{"multi-krum", Options{F: 1, Keep: 4}, line(0, 1, 2, 3, 50), []float32{1.5}},
		{"krum", Options{}, line(0, 1, 5), []float32{0}}, // 1² each for 0 and 1
		// With f = 1 of 7, Krum picks 5: 50 and −40 are never nearest. The mean
		// of the three of 0, 1, 2, 3, 4 nearest to their median is 2.
		{"bulyan", Options{F: 1}, line(0, 1, 2, 50, 3, 4, -40), []float32{2}},
		// {0, 1, 2} has diameter 2, every other three have more.
		{"mda", Options{F: 2}, line(0, 9, 1, 12, 2), []float32{1}},
		// {0, 1, 2} and {1, 2, 3} are equally good.
		{"mda", Options{F: 1}, line(0, 1, 2, 3), []float32{1}},
		// The diameter is 10 whoever goes, and a 0 is farthest from the rest.
		{"mda", Options{F: 1}, line(0, 0, 10, 10, 9), []float32{7.25}},
		{"monna", Options{F: 1, Pivot: 2}, line(0, 9, 1), []float32{0.5}},
		{"monna", Options{F: 1, Pivot: 1}, line(0, 9, 1), []float32{5}},
		// The least variance of three of four is that of 1, 2, 3.
		{"smea", Options{F: 1}, line(1, 2, 3, 9), []float32{2}},
		// μ = 3, τ = 9, 1, 1, 81/… : see TestFiltersByHand.
		{"caf", Options{}, line(1, 2, 6), []float32{3}},
		{"spectral-filter", Options{}, line(1, 2, 6), []float32{3}},
		// From 0 with τ = 2: steps of 1, 2 and −2, a third each.
		{"centred-clipping", Options{Tau: 2}, line(1, 50, -3), []float32{1. / 3}},
		// The crossing of the diagonals of a square.
		{"gm", Options{}, Matrix{Data: []float32{0, 0, 2, 2, 0, 2, 2, 0}, Rows: 4, Cols: 2}, []float32{1, 1}},
	} {
		rule := must(New(c.rule, c.o))
		missing = slices.DeleteFunc(missing, func(name string) bool { return name == c.rule })
		dst := make([]float32, c.G.Cols)
		if _, err := rule.Aggregate(dst, c.G, Step{}); err != nil {
			t.Errorf("%v of %v: %v", rule, c.G.Data, err)
			continue
		}
		for j, want := range c.want {
			if math.Abs(float64(dst[j]-want)) > 1e-6 {
				t.Errorf("%v of %v is %v, want %v", rule, c.G.Data, dst, c.want)
			}
		}
	}
	if len(missing) > 0 {
		t.Errorf("no example of %s", strings.Join(missing, ", "))
	}
}

// TestFiltersByHand filters 0, 0, 0, 0, 10 with f = 1: μ = 2, τ = 4, 4, 4, 4, 64,
// so that weights become 15/16 and 0 and the mean 0. The filter has then removed
// 1 + 4/16 and stops, as the covariance is zero; with σ = 5 it does not begin,
// the standard deviation being 4.
func TestFiltersByHand(t *testing.T) {
	G := Matrix{Data: []float32{0, 0, 0, 0, 10}, Rows: 5, Cols: 1}
	for _, c := range []struct {
		rule    string
		o       Options
		weights []float64
	}{
		{"spectral-filter", Options{F: 1, Sigma: 1}, []float64{0.25, 0.25, 0.25, 0.25, 0}},
		{"spectral-filter", Options{F: 1, Sigma: 3.99}, []float64{0.25, 0.25, 0.25, 0.25, 0}},
		{"spectral-filter", Options{F: 1, Sigma: 4.01}, []float64{0.2, 0.2, 0.2, 0.2, 0.2}},
		{"caf", Options{F: 1}, []float64{0.25, 0.25, 0.25, 0.25, 0}},
	} {
		rule := must(New(c.rule, c.o))
		stats := must(rule.Aggregate(make([]float32, 1), G, Step{}))
		for i, w := range c.weights {
			if math.Abs(stats.Weights[i]-w) > 1e-9 {
				t.Errorf("%v: weights are %v, want %v", rule, stats.Weights, c.weights)
				break
			}
		}
	}
}

// TestCentredClippingRemembers: the second call starts where the first ended.
func TestCentredClippingRemembers(t *testing.T) {
	rule := must(New("centred-clipping", Options{Tau: 3}))
	G := Matrix{Data: []float32{30, 30}, Rows: 2, Cols: 1}
	dst := make([]float32, 1)
	for _, want := range []float32{3, 6, 9} {
		if must(rule.Aggregate(dst, G, Step{})); dst[0] != want {
			t.Errorf("got %v, want %v", dst[0], want)
		}
	}
	twice := must(New("centred-clipping", Options{Tau: 3, Iterations: 2}))
	if must(twice.Aggregate(dst, G, Step{})); dst[0] != 6 {
		t.Errorf("two iterations give %v, want 6", dst[0])
	}
}

func TestPresByHand(t *testing.T) {
	G := Matrix{Data: []float32{0, 3, 1, 20}, Rows: 4, Cols: 1}
	dst := make([]float32, 1)
	// Rows become (0+1+3)/3, (3+1+0)/3, (1+0+3)/3 and (20+3+1)/3.
	nnm := must(NewPre("nnm", must(New("mean", Options{})), Options{F: 1}))
	stats := must(nnm.Aggregate(dst, G, Step{}))
	if want := float32(3); dst[0] != want {
		t.Errorf("nnm: %v, want %v", dst, want)
	}
	if want := []float64{3. / 12, 4. / 12, 4. / 12, 1. / 12}; !near(stats.Weights, want) {
		t.Errorf("nnm: weights are %v, want %v", stats.Weights, want)
	}
	// Rows become 0, 2, 1 and 2.
	clip := must(NewPre("clip", must(New("mean", Options{})), Options{Radius: 2}))
	if must(clip.Aggregate(dst, G, Step{})); dst[0] != 1.25 {
		t.Errorf("clip: %v, want 1.25", dst)
	}
	// The mean of buckets of two is the mean; the row maximum is not above any
	// pair's mean.
	bucketing := must(NewPre("bucketing", must(New("mean", Options{})), Options{}))
	if must(bucketing.Aggregate(dst, G, Step{Rand: newRand(1)})); dst[0] != 6 {
		t.Errorf("bucketing: %v, want 6", dst)
	}
	if _, err := bucketing.Aggregate(dst, G, Step{}); err == nil {
		t.Error("bucketing without a generator: no error")
	}
	if got := nnm.String(); got != "nnm(f=1) + mean" {
		t.Errorf("nnm is named %q", got)
	}
}

func near(got, want []float64) bool {
	return slices.EqualFunc(got, want, func(a, b float64) bool { return math.Abs(a-b) < 1e-12 })
}

// TestRulesRefuse names what a rule cannot do.
func TestRulesRefuse(t *testing.T) {
	for _, c := range []struct {
		rule string
		o    Options
		n    int
		want string
	}{
		{"krum", Options{F: 2}, 6, `agg: rule "krum": n = 6 clients and f = 2 corrupt, want n > 2f + 2`},
		{"multi-krum", Options{F: 1, Keep: 9}, 8, `agg: rule "multi-krum": keep is 9, want at most n = 8`},
		{"bulyan", Options{F: 2}, 10, `agg: rule "bulyan": n = 10 clients and f = 2 corrupt, want n ≥ 4f + 3`},
		{"mda", Options{F: 2}, 4, `agg: rule "mda": n = 4 clients and f = 2 corrupt, want n > 2f`},
		{"mda", Options{F: 2}, 65, `agg: rule "mda": n = 65 clients and f = 2 corrupt, want n ≤ 64`},
		{"meamed", Options{F: 2}, 4, `agg: rule "meamed": n = 4 clients and f = 2 corrupt, want n > 2f`},
		{"monna", Options{F: 1, Pivot: 5}, 5, `agg: rule "monna": pivot is row 5, want below n = 5`},
		{"smea", Options{F: 10}, 32, `agg: rule "smea": n = 32 clients and f = 10 corrupt make 6.45e+07 subsets, want at most 20000 (caf has no such limit)`},
		{"spectral-filter", Options{F: 2}, 8, `agg: rule "spectral-filter": n = 8 clients and f = 2 corrupt, want n > 4f`},
		{"trimmed-mean", Options{Beta: 0.3}, 4, `agg: rule "trimmed-mean": n = 4 clients of which 2 are dropped, want n > 2·2`},
	} {
		G := rows(c.n, 3, 1, 1, 0, 0, 1)
		if _, err := must(New(c.rule, c.o)).Aggregate(make([]float32, 3), G, Step{}); err == nil || err.Error() != c.want {
			t.Errorf("error is %v, want %s", err, c.want)
		}
	}
}

// TestMDAIsExact compares with all subsets.
func TestMDAIsExact(t *testing.T) {
	for seed := range uint64(30) {
		n := 5 + int(seed%6)
		f := (n - 1) / 2
		G := rows(n, 3, 0, 1, f/2, 5, seed)
		rule := must(New("mda", Options{F: f}))
		stats := must(rule.Aggregate(make([]float32, 3), G, Step{}))
		var kept []int
		for i, w := range stats.Weights {
			if w > 0 {
				kept = append(kept, i)
			}
		}
		diameter := func(rows []int) (largest float64) {
			for _, i := range rows {
				for _, j := range rows {
					largest = max(largest, rule.(*framed).core.(*weighing).distances.to(i)[j])
				}
			}
			return largest
		}
		least := math.Inf(1)
		subset := make([]int, n-f)
		for i := range subset {
			subset[i] = i
		}
		for more := true; more; more = nextSubset(subset, n) {
			least = min(least, diameter(subset))
		}
		if got := diameter(kept); len(kept) != n-f || got != least {
			t.Errorf("n = %d, f = %d: %d rows of squared diameter %g, the least is %g", n, f, len(kept), got, least)
		}
	}
}

// TestDropNonFinite: with rows of NaN and Inf dropped, the result is that of the
// other rows for a rule that assumes as many corrupt rows less.
func TestDropNonFinite(t *testing.T) {
	G := rows(9, 40, 1, 1, 1, 100, 4)
	G.Row(2)[5], G.Row(7)[0] = float32(math.NaN()), float32(math.Inf(1))
	rest := NewMatrix(7, 40)
	for r, i := range []int{0, 1, 3, 4, 5, 6, 8} {
		copy(rest.Row(r), G.Row(i))
	}
	build := map[string]func(f int) Aggregator{
		"krum": func(f int) Aggregator { return must(New("krum", Options{F: f})) },
		"gm":   func(int) Aggregator { return must(New("gm", Options{})) },
		"clip + trimmed-mean": func(f int) Aggregator {
			return must(NewPre("clip", must(New("trimmed-mean", Options{F: f})), Options{Radius: 1e6}))
		},
		"nnm + gm": func(f int) Aggregator { return must(NewPre("nnm", must(New("gm", Options{})), Options{F: f})) },
		"block": func(f int) Aggregator {
			return must(NewBlock(must(New("trimmed-mean", Options{F: f})), BlockOptions{Fraction: 0.5}))
		},
	}
	whole := rows(9, 40, 1, 1, 1, 100, 4)
	for name, rule := range build {
		got, want := make([]float32, 40), make([]float32, 40)
		dropping := must(DropNonFinite(rule(3)))
		stats := must(dropping.Aggregate(got, G, Step{Gamma: 1}))
		must(rule(1).Aggregate(want, rest, Step{Gamma: 1}))
		if !slices.Equal(got, want) || stats.Dropped != 2 {
			t.Errorf("%s: %d rows dropped, result\n%v, want\n%v", name, stats.Dropped, got, want)
		}
		// What was dropped once is not remembered.
		all := must(DropNonFinite(rule(3)))
		must(all.Aggregate(want, G, Step{Gamma: 1}))
		if memory := all.Traits().Memory; memory != nil {
			if err := memory.Restore(nil); err != nil {
				t.Fatal(err)
			}
		}
		must(all.Aggregate(got, whole, Step{Gamma: 1}))
		must(rule(3).Aggregate(want, whole, Step{Gamma: 1}))
		if !slices.Equal(got, want) {
			t.Errorf("%s: after a call that dropped rows, the result of whole rows is\n%v, want\n%v", name, got, want)
		}
		if w := stats.Weights; w != nil && (len(w) != 9 || w[2] != 0 || w[7] != 0) {
			t.Errorf("%s: weights are %v", name, w)
		}
	}
	all := NewMatrix(3, 2)
	for i := range all.Data {
		all.Data[i] = float32(math.NaN())
	}
	_, err := must(DropNonFinite(must(New("gm", Options{})))).Aggregate(make([]float32, 2), all, Step{})
	if want := "agg: each of the 3 rows of G is not finite"; !errors.Is(err, ErrNotFinite) || !strings.Contains(err.Error(), want) {
		t.Errorf("error %v, want %s", err, want)
	}
}

func TestSetOptions(t *testing.T) {
	var o Options
	for name, value := range map[string]string{"f": "3", "beta": "0.2", "solver": "weiszfeld", "eps": "1e-7"} {
		if err := o.Set(name, value); err != nil {
			t.Error(err)
		}
	}
	if want := (Options{F: 3, Beta: 0.2, Solver: "weiszfeld", Eps: 1e-7}); o != want {
		t.Errorf("options are %+v, want %+v", o, want)
	}
	for want, pair := range map[string][2]string{
		`agg: option f is "three", want an integer`:                                {"f", "three"},
		`agg: option tau is "x", want a number`:                                    {"tau", "x"},
		`agg: unknown option "g" (have ` + strings.Join(OptionNames(), ", ") + `)`: {"g", "1"},
	} {
		if err := o.Set(pair[0], pair[1]); err == nil || err.Error() != want {
			t.Errorf("error is %v, want %s", err, want)
		}
	}
}

// TestDropKeepsNumbers: what a rule says of rows by number or number of rows holds
// for G as it was.
func TestDropKeepsNumbers(t *testing.T) {
	nan := float32(math.NaN())
	G := Matrix{Data: []float32{nan, 1, 1000, 1, 1, 1}, Rows: 6, Cols: 1}
	for _, c := range []struct {
		rule string
		o    Options
		want float32
		err  string
	}{
		{"monna", Options{F: 2, Pivot: 1}, 1, ""},
		{"monna", Options{F: 2, Pivot: 5}, 1, ""},
		{"monna", Options{F: 2, Pivot: 2}, 250.75, ""}, // three of 1 beside it
		{"monna", Options{F: 2, Pivot: 0}, 0, "row 0, the pivot, is not finite"},
		{"monna", Options{F: 2, Pivot: 6}, 0, "pivot is row 6, want below n = 6"},
		{"multi-krum", Options{F: 1, Keep: 6}, 1004. / 5, ""}, // all that are left
		{"multi-krum", Options{F: 1, Keep: 7}, 0, "keep is 7, want at most n = 6"},
	} {
		rule := must(DropNonFinite(must(New(c.rule, c.o))))
		dst := make([]float32, 1)
		for range 2 { // what is dropped once must not be remembered
			_, err := rule.Aggregate(dst, G, Step{})
			switch {
			case c.err != "" && (err == nil || !strings.Contains(err.Error(), c.err)):
				t.Errorf("%v: error %v, want %s", rule, err, c.err)
			case c.err == "" && (err != nil || dst[0] != c.want):
				t.Errorf("%v: %v, %v, want %v", rule, dst, err, c.want)
			}
		}
	}
}

// TestTinySpectrum: gonum's Dsterf panics at this covariance unless it is scaled.
func TestTinySpectrum(t *testing.T) {
	const a, b = 1.9999999e-38, 1e-38
	G := Matrix{Data: []float32{a, 0, a, a, 0, a, 0, a, a, 0, a, b, b, a}, Rows: 14, Cols: 1}
	for _, name := range []string{"smea", "caf", "spectral-filter"} {
		rule := must(New(name, Options{F: map[string]int{"smea": 6, "caf": 6, "spectral-filter": 3}[name]}))
		dst := make([]float32, 1)
		if _, err := rule.Aggregate(dst, G, Step{}); err != nil || dst[0] < 0 || dst[0] > a {
			t.Errorf("%v: %v, %v", rule, dst, err)
		}
	}
}

// TestMDAManySubsets: of rows in far pairs one of each has to go, in 2³¹ ways, all of
// the same diameter.
func TestMDAManySubsets(t *testing.T) {
	const pairs = 32
	for name, place := range map[string]func(i int) (x, y float64){
		"pairs":  func(i int) (x, y float64) { return float64(i/2) * 1e-3, float64(i % 2) },
		"circle": func(i int) (x, y float64) { return math.Sincos(math.Pi * float64(i) / pairs) },
	} {
		G := NewMatrix(2*pairs, 2)
		for i := range 2 * pairs {
			x, y := place(i)
			G.Row(i)[0], G.Row(i)[1] = float32(x), float32(y)
		}
		for _, f := range []int{10, 25, 31} {
			rule := must(New("mda", Options{F: f}))
			stats := must(rule.Aggregate(make([]float32, 2), G, Step{}))
			kept := 0
			for _, w := range stats.Weights {
				if w != 0 {
					kept++
				}
			}
			if kept != 2*pairs-f {
				t.Errorf("%s, f = %d: %d rows kept, want %d", name, f, kept, 2*pairs-f)
			}
		}
	}
}

// TestEqualRows: the mean of equal rows is rounded, and still is their median.
func TestEqualRows(t *testing.T) {
	G := NewMatrix(7, 30)
	for j := range G.Cols {
		for i := range G.Rows {
			G.Row(i)[j] = float32(math.Sqrt(float64(j + 2)))
		}
	}
	for _, solver := range Solvers() {
		dst := make([]float32, G.Cols)
		stats := must(must(New("gm", Options{Solver: solver})).Aggregate(dst, G, Step{}))
		if !stats.GM.Converged || stats.GM.Residual != 0 || !slices.Equal(dst, G.Row(0)) {
			t.Errorf("%s: %+v, %v", solver, *stats.GM, dst[:3])
		}
	}
}

// TestRowsNearY: a large part in common must not hide what sets rows apart, as it
// would if rows within the rounding of y's norm were taken to equal it.
func TestRowsNearY(t *testing.T) {
	for _, common := range []float32{1 << 30, 1 << 26} {
		G := NewMatrix(5, 2)
		for i, v := range []float32{0, 1, 2, 3, 10} {
			G.Row(i)[0], G.Row(i)[1] = common, v*1e-7
		}
		for _, solver := range Solvers() {
			dst := make([]float32, 2)
			stats := must(must(New("gm", Options{Solver: solver})).Aggregate(dst, G, Step{}))
			if math.Abs(float64(dst[1])-2e-7) > 1e-9 {
				t.Errorf("%s, %v in common: %v, %+v, want 2e-7", solver, common, dst, *stats.GM)
			}
		}
	}
}
