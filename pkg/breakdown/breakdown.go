// Package breakdown measures what corrupt rows do to aggregation rules.
//
// Rows are a common N(0, 1) vector plus N(0, 1) noise of their own; f of them become
// corrupt, and a rule is told that f, or the most that it can stand. What counts is the
// distance between its result and the mean h of the honest rows,
//
//	‖A(G) − h‖ / √d,
//
// which is in units of an honest row's own distance from h: below 1 the rule is nearer
// than a row. [Table1] sets what comes of it beside the costs and breakdown points of
// [bgmd, Table 1].
package breakdown

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/bgmd/bgmd/internal/bounds"
	"github.com/bgmd/bgmd/internal/ram"
	"github.com/bgmd/bgmd/internal/stream"
	"github.com/bgmd/bgmd/pkg/agg"
	"github.com/bgmd/bgmd/pkg/corrupt"
)

// block is the geometric median on a tenth of the coordinates, as BGMD takes it.
const block = "block"

// paperRules are the rules of [bgmd, Table 1].
var paperRules = []string{"mean", "cm", "gm", "krum", "trimmed-mean", "norm-clipping", "spectral-filter", block}

// Experiment says what to measure.
type Experiment struct {
	Rules   []string // of [agg.Names], or block; none for those of [bgmd, Table 1], all for every one
	Attacks []string // of [corrupt.GradientNames], but none and not-finite
	N, D    int      // rows and coordinates
	Seeds   int      // matrices to average over
}

// Point is a rule under an attack by some of the rows.
type Point struct {
	Attack, Rule string
	N, D         int
	Corrupt      int     // rows
	Told         int     // rows that the rule was told are corrupt
	Mean, Max    float64 // distance, over the seeds
}

// names returns the rules to measure.
func (e Experiment) names() []string {
	switch {
	case len(e.Rules) == 0:
		return paperRules
	case slices.Equal(e.Rules, []string{"all"}):
		return append(agg.Names(), block)
	}
	return e.Rules
}

// Check reports all that [Experiment.Run] cannot do, a line each that begins with the
// field's name in lower case.
func (e Experiment) Check() error {
	errs := []error{bounds.Check(bounds.Count{Name: "n", Value: e.N, Least: 3}, bounds.Count{Name: "d", Value: e.D, Least: 1},
		bounds.Count{Name: "seeds", Value: e.Seeds, Least: 1})}
	for _, name := range e.names() {
		if name != block && !slices.Contains(agg.Names(), name) {
			errs = append(errs, fmt.Errorf("rules has %q, want some of %s, block, or all", name, strings.Join(agg.Names(), ", ")))
		}
	}
	known := slices.DeleteFunc(corrupt.GradientNames(), func(name string) bool { return name == "none" || name == "not-finite" })
	for _, name := range e.Attacks {
		if !slices.Contains(known, name) {
			errs = append(errs, fmt.Errorf("attacks has %q, want some of %s", name, strings.Join(known, ", ")))
		}
	}
	return errors.Join(errs...)
}

// Run measures every rule under every attack by 0 to n/2 rows, in this order. Before
// anything else it refuses what [Experiment.Check] reports, rules that do not take so
// many rows ([agg.ErrTooManyRows]) and more numbers than there is memory for
// ([ram.Error]).
func (e Experiment) Run(ctx context.Context) ([]Point, error) {
	if err := e.fits(); err != nil {
		return nil, err
	}
	var points []Point
	for _, kind := range e.Attacks {
		attack, err := corrupt.NewGradient(kind, corrupt.GradientOptions{Std: 200, Scale: 100, Epsilon: 0.1})
		if err != nil {
			return nil, err
		}
		for _, rule := range e.names() {
			for f := range e.N/2 + 1 {
				if err := ctx.Err(); err != nil {
					return nil, err
				}
				p := Point{Attack: kind, Rule: rule, N: e.N, D: e.D, Corrupt: f}
				for seed := range e.Seeds {
					if err := p.add(attack, stream.Root(seed+1)); err != nil {
						return nil, fmt.Errorf("%s under %s by %d of %d rows: %w", rule, kind, f, e.N, err)
					}
				}
				p.Mean /= float64(e.Seeds)
				points = append(points, p)
			}
		}
	}
	return points, nil
}

// fits reports what stands against the experiment.
func (e Experiment) fits() error {
	if err := e.Check(); err != nil {
		return err
	}
	for _, name := range e.names() {
		rule, _, err := ruleFor(name, e.N, 0)
		if err == nil {
			err = rule.Fits(e.N, e.D, agg.Step{})
		}
		if err == nil {
			err = ram.CheckMatrix(e.N, e.D, rule.Scratch(e.N, e.D))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// add adds the distance for one seed to p's, whose mean is a sum so far.
func (p *Point) add(attack corrupt.Gradient, root stream.Root) error {
	G, honest := cloud(p.N, p.D, p.Corrupt, root.At(stream.Init))
	rows := make([]int, p.Corrupt)
	for i := range rows {
		rows[i] = i
	}
	attack.Apply(G, rows, root.At(stream.Corrupt, p.Corrupt))

	rule, told, err := ruleFor(p.Rule, p.N, p.Corrupt)
	if err != nil {
		return err
	}
	p.Told = told
	dst := make([]float32, p.D)
	if _, err := rule.Aggregate(dst, G, agg.Step{Gamma: 1, Rand: root.At(stream.Aggregate)}); err != nil {
		return err
	}
	var square float64
	for j, v := range dst {
		square += (float64(v) - honest[j]) * (float64(v) - honest[j])
	}
	distance := math.Sqrt(square / float64(p.D))
	p.Mean += distance
	p.Max = max(p.Max, distance)
	return nil
}

// cloud draws n×d rows and returns them with the mean of those after the first f.
func cloud(n, d, f int, noise *rand.Rand) (G agg.Matrix, honest []float64) {
	G = agg.NewMatrix(n, d)
	common := make([]float64, d)
	for j := range common {
		common[j] = noise.NormFloat64()
	}
	for i := range n {
		for j, c := range common {
			G.Row(i)[j] = float32(c + noise.NormFloat64())
		}
	}
	honest = make([]float64, d)
	for i := f; i < n; i++ {
		for j, v := range G.Row(i) {
			honest[j] += float64(v) / float64(n-f)
		}
	}
	return G, honest
}

// ruleFor builds a rule for f corrupt ones of n rows, or as many as it can stand.
func ruleFor(name string, n, f int) (rule agg.Aggregator, told int, err error) {
	chain := agg.Chain{Rule: name, Options: agg.DefaultOptions()}
	if name == block {
		chain.Rule, chain.Block = "gm", &agg.BlockOptions{Fraction: 0.1, Memory: "none"}
		rule, err = chain.New()
		return rule, f, err
	}
	if r, ok := agg.Lookup(name); ok {
		told = max(0, min(f, r.MaxCorrupt(n)))
	}
	// The last row is honest; τ is an honest row's distance from the others' mean.
	chain.F, chain.Pivot, chain.Tau = told, n-1, 30
	rule, err = chain.New()
	return rule, told, err
}
