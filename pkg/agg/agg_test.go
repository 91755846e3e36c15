package agg

import (
	"fmt"
	"math/rand/v2"
	"slices"
)

type variant struct {
	name  string
	build func() Aggregator
}

// someOptions suit eight rows and more. Every rule that has f is in it.
var someOptions = map[string]Options{
	"krum": {F: 2}, "multi-krum": {F: 2}, "bulyan": {F: 1}, "trimmed-mean": {F: 3}, "meamed": {F: 3}, "norm-clipping": {F: 3},
	"mda": {F: 3}, "monna": {F: 3, Pivot: 7}, "smea": {F: 2}, "caf": {F: 3}, "spectral-filter": {F: 1}, "centred-clipping": {Tau: 10},
}

// variants is every rule and every solver, selection and memory.
func variants() []variant {
	var all []variant
	add := func(build func() Aggregator) {
		all = append(all, variant{fmt.Sprint(build()), build})
	}
	for _, rule := range Rules() {
		o := someOptions[rule.Name]
		if slices.Contains(rule.Options, "f") && o.F == 0 {
			panic(rule.Name + " has no f in someOptions")
		}
		add(func() Aggregator { return must(New(rule.Name, o)) })
	}
	for _, pre := range PreNames() {
		add(func() Aggregator {
			return must(NewPre(pre, must(New("gm", Options{})), Options{F: 3, Radius: 1}))
		})
	}
	for _, solver := range Solvers()[1:] {
		add(func() Aggregator { return must(New("gm", Options{Solver: solver})) })
	}
	for _, memory := range Memories() {
		add(func() Aggregator {
			return must(NewBlock(must(New("gm", Options{})), BlockOptions{Fraction: 0.1, Memory: memory}))
		})
	}
	for _, selection := range Selections()[1:] {
		add(func() Aggregator {
			return must(NewBlock(must(New("gm", Options{})), BlockOptions{Fraction: 0.1, Select: selection}))
		})
	}
	for _, inner := range []string{"mean", "cm"} {
		add(func() Aggregator { return must(NewBlock(must(New(inner, Options{})), BlockOptions{Fraction: 0.1})) })
	}
	return all
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func newRand(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 1)) }
