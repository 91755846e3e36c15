package agg_test

import (
	"testing"

	"github.com/bgmd/bgmd/pkg/agg"
	"github.com/bgmd/bgmd/pkg/agg/aggtest"
)

// properties has an entry for every name in the map of rules.
var properties = map[string]aggtest.Properties{
	"mean": {Breakdown: 0, Translation: true, Scale: true, Tolerance: 1e-6},
	"cm":   {Breakdown: 0.5, Translation: true, Scale: true, Tolerance: 1e-6},
	"gm":   {Breakdown: 0.5, Translation: true, Scale: true, Tolerance: 1e-6},
}

func TestRules(t *testing.T) {
	for _, name := range agg.Names() {
		props, ok := properties[name]
		if !ok {
			t.Errorf("rule %q has no entry in properties", name)
		}
		aggtest.Run(t, name, build(name, agg.Options{}), props)
	}
}

func TestSolvers(t *testing.T) {
	// The textbook solvers stop at 1e-6, relative to the spread.
	props := aggtest.Properties{Breakdown: 0.5, Translation: true, Scale: true, Tolerance: 1e-5}
	for _, solver := range agg.Solvers()[1:] {
		aggtest.Run(t, solver, build("gm", agg.Options{Solver: solver}), props)
	}
}

func TestBlocks(t *testing.T) {
	for _, name := range agg.Names() {
		props := properties[name]
		props.Translation, props.Sparse = false, true
		for _, memory := range agg.Memories() {
			if name == "cm" && memory == "gm-weighted" {
				continue // NewBlock refuses it
			}
			for _, selection := range agg.Selections() {
				o := agg.BlockOptions{Fraction: 0.2, Select: selection, Memory: memory}
				aggtest.Run(t, name+"/"+memory+"/"+selection, func() agg.Aggregator {
					block, err := agg.NewBlock(build(name, agg.Options{})(), o)
					if err != nil {
						panic(err)
					}
					return block
				}, props)
			}
		}
	}
}

func build(name string, o agg.Options) func() agg.Aggregator {
	return func() agg.Aggregator {
		rule, err := agg.New(name, o)
		if err != nil {
			panic(err)
		}
		return rule
	}
}
