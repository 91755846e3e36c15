package agg

import (
	"fmt"
	"math"
	"testing"
)

// told returns the options with which a rule is told of f corrupt rows.
func told(f int) Options { return Options{F: f, Tau: 50, Pivot: 20} }

// gap builds a cloud of 21 honest rows of N(0, 1), replaces the first corrupt of
// them by one far point, and returns the distance of the rule's result from the
// honest mean in units of the honest rows' typical norm.
func gap(t *testing.T, rule Aggregator, corrupt int) float64 {
	t.Helper()
	const n, d = 21, 64
	G := rows(n, d, 0, 1, 0, 0, uint64(corrupt))
	centre := make([]float64, d)
	for i := range n {
		if i < corrupt {
			for j := range d {
				G.Row(i)[j] = 1e6
			}
			continue
		}
		for j, v := range G.Row(i) {
			centre[j] += float64(v) / float64(n-corrupt)
		}
	}
	dst := make([]float32, d)
	if _, err := rule.Aggregate(dst, G, Step{Gamma: 1}); err != nil {
		t.Fatalf("%v with %d corrupt rows: %v", rule, corrupt, err)
	}
	return distance(centre, toFloat64(dst)) / math.Sqrt(d)
}

// TestBreakdown takes every rule through all numbers of corrupt rows: up to
// MaxCorrupt, told of them, the result stays near the honest mean; with one more
// than it is told of, or with a majority, it goes where the corrupt rows are,
// for the rules of which the theory says so.
func TestBreakdown(t *testing.T) {
	const n, bound, broken = 21, 4, 1e3
	for _, r := range rules {
		t.Run(r.Name, func(t *testing.T) {
			most := min(r.MaxCorrupt(n), minority(n))
			for f := range most + 1 {
				rule := must(New(r.Name, told(f)))
				if got := gap(t, rule, f); !(got <= bound) {
					t.Errorf("%v: %d of %d rows corrupt move the result by %.3g, want at most %d", rule, f, n, got, bound)
				}
			}
			over := minority(n) + 1
			switch r.Name {
			case "mean":
				over = 1
			case "trimmed-mean", "norm-clipping": // one more than is trimmed
				most, over = 4, 5
			case "centred-clipping":
				return // a call moves by τ at most; see TestBreakdownOverManySteps
			case "monna":
				return // follows its pivot, whoever else is corrupt
			}
			rule := must(New(r.Name, told(most)))
			if got := gap(t, rule, over); !(got >= broken) {
				t.Errorf("%v: %d of %d rows corrupt move the result by only %.3g", rule, over, n, got)
			}
		})
	}
}

// TestBreakdownOverManySteps runs rules with memory 100 steps against rows that
// are corrupt in the same way every step. One call of a block of the geometric
// median stands any minority; its memory does not: what the block leaves out is
// averaged with the corrupt rows, without defence, and comes back. A memory
// weighted as the median weighted the rows stays bounded; so does centred
// clipping for a minority, while a majority moves it by τ every step.
func TestBreakdownOverManySteps(t *testing.T) {
	block := func(memory string) Aggregator {
		return must(NewBlock(must(New("gm", Options{})), BlockOptions{Fraction: 0.1, Memory: memory}))
	}
	for _, c := range []struct {
		rule    Aggregator
		corrupt int
		bounded bool
	}{
		{block("none"), 8, true},
		{block("gm-weighted"), 8, true},
		{block("client"), 8, true}, // the same clients are corrupt at every step
		{block("mean"), 8, false},
		{must(New("centred-clipping", Options{Tau: 10})), 8, true},
		{must(New("centred-clipping", Options{Tau: 10})), 13, false},
	} {
		t.Run(fmt.Sprintf("%v, %d corrupt", c.rule, c.corrupt), func(t *testing.T) {
			worst := 0.0
			for range 100 {
				worst = max(worst, gap(t, c.rule, c.corrupt))
			}
			if c.bounded != (worst <= 30) {
				t.Errorf("the result is off by up to %.3g, want bounded %v", worst, c.bounded)
			}
		})
	}
}
