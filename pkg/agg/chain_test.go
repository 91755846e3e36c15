package agg

import (
	"fmt"
	"math"
	"slices"
	"testing"
)

func TestChain(t *testing.T) {
	block := &BlockOptions{Fraction: 0.5, Memory: "none"}
	for want, c := range map[string]Chain{
		"krum(f=1)":            {Rule: "krum", Options: Options{F: 1}, Pre: NoPre},
		"nnm(f=1) + krum(f=1)": {Rule: "krum", Options: Options{F: 1}, Pre: "nnm"},
		"block(0.5, bucketing(2) + cm, memory=none)": {Rule: "cm", Pre: "bucketing", Block: block, DropNonFinite: true},
	} {
		rule, err := c.New()
		if err != nil || fmt.Sprint(rule) != want {
			t.Errorf("%v, %v, want %s", rule, err, want)
		}
	}
	nan := float32(math.NaN())
	rule := must(Chain{Rule: "mean", DropNonFinite: true}.New())
	if stats, err := rule.Aggregate(make([]float32, 1), Matrix{Data: []float32{1, nan}, Rows: 2, Cols: 1}, Step{}); err != nil || stats.Dropped != 1 {
		t.Errorf("with a row of NaN: %d dropped, %v, want 1", stats.Dropped, err)
	}
	for _, c := range []Chain{{Rule: "krun"}, {Rule: "cm", Pre: "nmn"}, {Rule: "cm", Block: &BlockOptions{Fraction: 2}}, {Rule: "clip"}} {
		if rule, err := c.New(); rule != nil || err == nil {
			t.Errorf("%+v: %v, %v, want an error", c, rule, err)
		}
	}
	if got, want := (Chain{Rule: "multi-krum", Pre: "bucketing"}).Reads(), []string{"f", "keep", "bucket"}; !slices.Equal(got, want) {
		t.Errorf("reads %v, want %v", got, want)
	}
}
