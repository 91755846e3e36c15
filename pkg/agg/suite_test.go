package agg_test

import (
	"slices"
	"testing"

	"github.com/bgmd/bgmd/pkg/agg"
	"github.com/bgmd/bgmd/pkg/agg/aggtest"
)

// claim is the options that a rule is tested with and what it claims then.
type claim struct {
	options agg.Options
	props   aggtest.Properties
}

// claims has an entry for every rule.
var claims = map[string]claim{
	"mean":             {agg.Options{}, aggtest.Properties{Translation: true, Scale: true, Tolerance: 1e-6}},
	"cm":               {agg.Options{}, aggtest.Properties{Corrupt: 5, Translation: true, Scale: true, Tolerance: 1e-6}},
	"gm":               {agg.Options{}, aggtest.Properties{Corrupt: 5, Translation: true, Scale: true, Tolerance: 1e-6}},
	"krum":             {agg.Options{F: 3}, aggtest.Properties{Corrupt: 3, MinRows: 9, Translation: true, Scale: true, Tolerance: 1e-6}},
	"multi-krum":       {agg.Options{F: 3}, aggtest.Properties{Corrupt: 3, MinRows: 9, Translation: true, Scale: true, Tolerance: 1e-6}},
	"bulyan":           {agg.Options{F: 1}, aggtest.Properties{Corrupt: 1, MinRows: 7, Translation: true, Scale: true, Tolerance: 1e-6}},
	"medoid":           {agg.Options{}, aggtest.Properties{Corrupt: 5, Translation: true, Scale: true, Tolerance: 1e-6}},
	"trimmed-mean":     {agg.Options{F: 4}, aggtest.Properties{Corrupt: 4, MinRows: 9, Translation: true, Scale: true, Tolerance: 1e-6}},
	"meamed":           {agg.Options{F: 4}, aggtest.Properties{Corrupt: 4, MinRows: 9, Translation: true, Scale: true, Tolerance: 1e-6}},
	"norm-clipping":    {agg.Options{Beta: 0.3}, aggtest.Properties{Corrupt: 4, MinRows: 9, Scale: true, Tolerance: 1e-6}},
	"mda":              {agg.Options{F: 4}, aggtest.Properties{Corrupt: 4, MinRows: 9, Translation: true, Scale: true, Tolerance: 1e-6}},
	"monna":            {agg.Options{F: 3, Pivot: 8}, aggtest.Properties{Corrupt: 3, MinRows: 9, Ordered: true, Translation: true, Scale: true, Tolerance: 1e-6}},
	"smea":             {agg.Options{F: 4}, aggtest.Properties{Corrupt: 4, MinRows: 9, Translation: true, Scale: true, Tolerance: 1e-6}},
	"caf":              {agg.Options{F: 4}, aggtest.Properties{Corrupt: 4, MinRows: 9, Translation: true, Scale: true, Tolerance: 1e-5}},
	"spectral-filter":  {agg.Options{F: 2}, aggtest.Properties{Corrupt: 2, MinRows: 9, Translation: true, Scale: true, Tolerance: 1e-5}},
	"centred-clipping": {agg.Options{Tau: 10}, aggtest.Properties{Corrupt: 5, Tolerance: 1e-6}},
}

func TestRules(t *testing.T) {
	for _, rule := range agg.Rules() {
		c, ok := claims[rule.Name]
		if !ok {
			t.Errorf("rule %q has no entry in claims", rule.Name)
		}
		aggtest.Run(t, rule.Name, build(rule.Name, c.options), c.props)
	}
}

// TestDescriptions checks what a rule's description says against the rule.
func TestDescriptions(t *testing.T) {
	for _, rule := range agg.Rules() {
		if rule.Title == "" || rule.Cost == "" || rule.Breakdown == "" || rule.Source == "" {
			t.Errorf("%s: the description is not complete: %+v", rule.Name, rule)
		}
		G := aggtest.Random(11, 30, 1)
		stats, err := build(rule.Name, claims[rule.Name].options)().Aggregate(make([]float32, 30), G, agg.Step{})
		if err != nil {
			t.Fatal(err)
		}
		traits := build(rule.Name, claims[rule.Name].options)().Traits()
		if traits.Weights != (stats.Weights != nil) {
			t.Errorf("%s: Weights is %v, but Stats.Weights are %v", rule.Name, traits.Weights, stats.Weights)
		}
		if p := claims[rule.Name].props; traits.Equivariant != (p.Translation && p.Scale) {
			t.Errorf("%s: Equivariant is %v, but it claims Translation %v and Scale %v", rule.Name, traits.Equivariant, p.Translation, p.Scale)
		}
		if separable := isSeparable(rule.Name); traits.Separable && !separable {
			t.Errorf("%s: Separable, but the result depends on other columns", rule.Name)
		}
		if got, least := rule.MaxCorrupt(11), claims[rule.Name].props.Corrupt; got < least {
			t.Errorf("%s: MaxCorrupt(11) is %d, but %d are claimed", rule.Name, got, least)
		}
	}
}

// isSeparable reports whether a rule's result of some columns is that of all, there.
func isSeparable(name string) bool {
	G, half := aggtest.Random(11, 30, 1), agg.NewMatrix(11, 15)
	for i := range G.Rows {
		copy(half.Row(i), G.Row(i))
	}
	whole, part := make([]float32, 30), make([]float32, 15)
	must(build(name, claims[name].options)().Aggregate(whole, G, agg.Step{}))
	must(build(name, claims[name].options)().Aggregate(part, half, agg.Step{}))
	return slices.Equal(whole[:15], part)
}

func TestSolvers(t *testing.T) {
	// The textbook solvers stop at 1e-6, relative to the spread.
	props := aggtest.Properties{Corrupt: 5, Translation: true, Scale: true, Tolerance: 1e-5}
	for _, solver := range agg.Solvers()[1:] {
		aggtest.Run(t, solver, build("gm", agg.Options{Solver: solver}), props)
	}
}

func TestBlocks(t *testing.T) {
	for _, rule := range agg.Rules() {
		if rule.Name == "centred-clipping" {
			continue // NewBlock refuses it
		}
		c := claims[rule.Name]
		c.props.Translation, c.props.Sparse = false, true
		if rule.Name == "spectral-filter" || rule.Name == "caf" {
			c.props.Tolerance = 1e-4
		}
		for _, memory := range agg.Memories() {
			if memory == "gm-weighted" && !rule.Traits().Weights {
				continue // NewBlock refuses it
			}
			for _, selection := range agg.Selections() {
				o := agg.BlockOptions{Fraction: 0.2, Select: selection, Memory: memory}
				aggtest.Run(t, rule.Name+"/"+memory+"/"+selection, func() agg.Aggregator {
					return must(agg.NewBlock(build(rule.Name, c.options)(), o))
				}, c.props)
			}
		}
	}
}

// TestPres runs every pre-aggregator before every rule.
func TestPres(t *testing.T) {
	options := map[string]agg.Options{"nnm": {F: 2}, "bucketing": {Bucket: 1}, "clip": {Radius: 1e3}}
	for _, pre := range agg.PreAggregators() {
		o, ok := options[pre.Name]
		if !ok {
			t.Errorf("pre-aggregator %q has no entry in options", pre.Name)
		}
		for _, rule := range agg.Rules() {
			c := claims[rule.Name]
			if rule.Name != "mean" {
				c.props.Corrupt = min(c.props.Corrupt, 2)
			}
			switch pre.Name {
			case "clip":
				c.props.Translation, c.props.Scale = false, false
				if rule.Name == "mean" {
					continue // a radius is no bound on what one row does
				}
			case "nnm":
				c.props.MinRows = max(c.props.MinRows, 5)
				c.props.Tolerance = 1e-5
				switch rule.Name {
				case "mean":
					continue // what one row does depends on its neighbours
				case "meamed", "bulyan": // rows with equal neighbours become equal: ties
					c.props.Ordered, c.props.Translation, c.props.Scale = true, false, false
				}
			case "bucketing":
				c.props.Ordered = true
				if rule.Name == "monna" {
					continue // it shuffles the pivot
				}
			}
			aggtest.Run(t, pre.Name+"/"+rule.Name, func() agg.Aggregator {
				return must(agg.NewPre(pre.Name, build(rule.Name, c.options)(), o))
			}, c.props)
		}
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func build(name string, o agg.Options) func() agg.Aggregator {
	return func() agg.Aggregator { return must(agg.New(name, o)) }
}
