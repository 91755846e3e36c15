package agg

import (
	"errors"
	"fmt"
	"testing"
)

// TestTooManyRows: whatever compares all pairs of rows refuses more than it can before
// it takes memory for them, and all else takes them.
func TestTooManyRows(t *testing.T) {
	G := NewMatrix(300_000, 2)
	for i := range G.Data {
		G.Data[i] = float32(i % 7)
	}
	compares := map[string]bool{"gm": true, "krum": true, "multi-krum": true, "bulyan": true, "medoid": true, "monna": true,
		"caf": true, "spectral-filter": true, "nnm": true}
	check := func(name string, rule Aggregator) {
		_, err := rule.Aggregate(make([]float32, 2), G, Step{Rand: newRand(1)})
		if !compares[name] {
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
			return
		}
		if !errors.Is(err, ErrTooManyRows) {
			t.Errorf("%s: error is %v, want ErrTooManyRows", name, err)
		}
	}
	for _, r := range Rules() {
		if r.Name == "mda" || r.Name == "smea" { // have less room
			continue
		}
		check(r.Name, must(New(r.Name, Options{F: 1, Tau: 1})))
	}
	check("weiszfeld", must(New("gm", Options{Solver: "weiszfeld", MaxIter: 3})))
	for _, name := range PreNames() {
		check(name, must(NewPre(name, must(New("mean", Options{})), Options{F: 1, Radius: 1})))
	}
	_, err := must(New("gm", Options{})).Aggregate(make([]float32, 2), G, Step{})
	want := `agg: rule "gm": 300000 rows (clients) of 2: transposed? all pairs of rows are compared, want at most 10000, or solver weiszfeld, which takes any number`
	if fmt.Sprint(err) != want {
		t.Errorf("error is %v, want %s", err, want)
	}
}
