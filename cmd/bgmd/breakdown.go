package main

import (
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/bgmd/bgmd/internal/stream"
	"github.com/bgmd/bgmd/internal/whole"
	"github.com/bgmd/bgmd/pkg/agg"
	"github.com/bgmd/bgmd/pkg/corrupt"
	"github.com/bgmd/bgmd/pkg/plots"
)

func newBreakdownCommand() *cobra.Command {
	var b breakdown
	var out string
	cmd := &cobra.Command{
		Use:   "breakdown",
		Short: "Measure how far corrupt rows move every rule",
		Long: text(`
Measure how far corrupt rows move every rule, as their share ψ grows from 0 to
1/2. Rows are a common N(0, 1) vector plus N(0, 1) noise of their own; f of them
become corrupt, and every rule is told that f, or the most that it can stand.
The distance between a rule's result and the mean of the honest rows is in units
of the honest rows' own distance from it: below 1 a rule is nearer than a row.

Written to OUT: breakdown.csv, a plot an attack, and toy.png, a cloud of 14
points in the plane of which 6 are corrupt, with the mean and two medians of it.`),
		Example: text(`
  bgmd breakdown --out results/breakdown
  bgmd breakdown --rules cm,gm,krum --attacks alie,ipm --n 20 --d 100 --seeds 20`),
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := b.check(); err != nil {
				return &configError{err}
			}
			points, err := b.run(cmd.Context())
			if errors.Is(err, agg.ErrTooManyRows) {
				return &configError{err}
			}
			if err != nil {
				return err
			}
			paths, err := b.write(out, points)
			for _, path := range paths {
				fmt.Fprintln(cmd.OutOrStdout(), path)
			}
			return err
		},
	}
	f := cmd.Flags()
	f.StringSliceVar(&b.rules, "rules", nil, "`names` of rules, comma-separated, or all (default: those of the paper's Table 1)")
	f.StringSliceVar(&b.attacks, "attacks", []string{"bitflip", "sign-flip", "gaussian", "alie", "ipm", "mimic"}, "`names` of gradient corruptions")
	f.IntVar(&b.n, "n", 32, "rows")
	f.IntVar(&b.d, "d", 1000, "coordinates of a row")
	f.IntVar(&b.seeds, "seeds", 5, "matrices to average over")
	f.StringVarP(&out, "out", "o", "breakdown", "`folder` to write to; what is there is replaced")
	return cmd
}

// breakdown says what to measure.
type breakdown struct {
	rules, attacks []string
	n, d, seeds    int
}

// breakdownPoint is a rule under an attack by f of n rows.
type breakdownPoint struct {
	rule, attack string
	f, told      int
	mean, worst  float64 // distance over the seeds
}

func (b *breakdown) check() error {
	errs := outOfRange([]count{{"n", b.n, 3}, {"d", b.d, 1}, {"seeds", b.seeds, 1}})
	switch {
	case len(b.rules) == 0:
		for _, r := range agg.Rules()[:7] { // the paper's
			b.rules = append(b.rules, r.Name)
		}
		b.rules = append(b.rules, "block")
	case slices.Equal(b.rules, []string{"all"}):
		b.rules = append(agg.Names(), "block")
	}
	for _, name := range b.rules {
		if name != "block" && !slices.Contains(agg.Names(), name) {
			errs = append(errs, fmt.Errorf("--rules has %q, want some of %s, block, or all", name, strings.Join(agg.Names(), ", ")))
		}
	}
	known := slices.DeleteFunc(corrupt.GradientNames(), func(name string) bool { return name == "none" || name == "not-finite" })
	for _, name := range b.attacks {
		if !slices.Contains(known, name) {
			errs = append(errs, fmt.Errorf("--attacks has %q, want some of %s", name, strings.Join(known, ", ")))
		}
	}
	return errors.Join(errs...)
}

// run measures everything, attack by attack, rule by rule.
func (b *breakdown) run(ctx context.Context) ([]breakdownPoint, error) {
	for _, name := range b.rules {
		rule, _, err := ruleFor(name, b.n, 0)
		if err == nil {
			err = rule.Fits(b.n, b.d, agg.Step{})
		}
		if err == nil {
			err = checkMatrix(b.n, b.d, rule.Scratch(b.n, b.d))
		}
		if err != nil {
			return nil, err
		}
	}
	var points []breakdownPoint
	for _, kind := range b.attacks {
		attack, err := corrupt.NewGradient(kind, corrupt.GradientOptions{Std: 200, Scale: 100, Epsilon: 0.1})
		if err != nil {
			return nil, err
		}
		for _, rule := range b.rules {
			for f := range b.n/2 + 1 {
				if err := ctx.Err(); err != nil {
					return nil, err
				}
				p := breakdownPoint{rule: rule, attack: kind, f: f}
				for seed := range b.seeds {
					if err := b.measure(&p, attack, stream.Root(seed+1)); err != nil {
						return nil, fmt.Errorf("%s under %s by %d of %d rows: %w", rule, kind, f, b.n, err)
					}
				}
				p.mean /= float64(b.seeds)
				points = append(points, p)
			}
		}
	}
	return points, nil
}

// measure adds one seed to p.
func (b *breakdown) measure(p *breakdownPoint, attack corrupt.Gradient, root stream.Root) error {
	G := agg.NewMatrix(b.n, b.d)
	noise := root.At(stream.Init)
	common := make([]float64, b.d)
	for j := range common {
		common[j] = noise.NormFloat64()
	}
	for i := range b.n {
		for j, c := range common {
			G.Row(i)[j] = float32(c + noise.NormFloat64())
		}
	}
	honest := make([]float64, b.d)
	rows := make([]int, p.f)
	for i := range rows {
		rows[i] = i
	}
	for i := p.f; i < b.n; i++ {
		for j, v := range G.Row(i) {
			honest[j] += float64(v) / float64(b.n-p.f)
		}
	}
	attack.Apply(G, rows, root.At(stream.Corrupt, p.f))

	rule, told, err := ruleFor(p.rule, b.n, p.f)
	if err != nil {
		return err
	}
	p.told = told
	dst := make([]float32, b.d)
	if _, err := rule.Aggregate(dst, G, agg.Step{Gamma: 1, Rand: root.At(stream.Aggregate)}); err != nil {
		return err
	}
	var square float64
	for j, v := range dst {
		square += (float64(v) - honest[j]) * (float64(v) - honest[j])
	}
	distance := math.Sqrt(square / float64(b.d))
	p.mean += distance
	p.worst = max(p.worst, distance)
	return nil
}

// ruleFor builds a rule for f corrupt ones of n rows, or as many as it can stand.
func ruleFor(name string, n, f int) (rule agg.Aggregator, told int, err error) {
	chain := agg.Chain{Rule: name, Options: agg.DefaultOptions()}
	if name == "block" {
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

// write writes the table and the plots and returns their paths.
func (b *breakdown) write(dir string, points []breakdownPoint) ([]string, error) {
	if err := whole.MkdirAll(dir); err != nil {
		return nil, err
	}
	table := filepath.Join(dir, "breakdown.csv")
	if err := whole.Write(table, b.csv(points)); err != nil {
		return nil, err
	}
	paths := []string{table}
	for _, attack := range b.attacks {
		plot, err := b.plot(attack, points)
		if err != nil {
			return paths, err
		}
		path := filepath.Join(dir, attack+".png")
		if err := plot.Save(path); err != nil {
			return paths, err
		}
		paths = append(paths, path)
	}
	toy, err := toyPlot()
	if err != nil {
		return paths, err
	}
	path := filepath.Join(dir, "toy.png")
	return append(paths, path), toy.Save(path)
}

var breakdownColumns = []string{"attack", "rule", "n", "d", "corrupt", "told", "fraction", "distance_mean", "distance_max"}

func (b *breakdown) csv(points []breakdownPoint) []byte {
	var buf bytes.Buffer
	w := csv.NewWriter(&buf)
	rows := [][]string{breakdownColumns}
	number := func(x float64) string { return strconv.FormatFloat(x, 'g', 6, 64) }
	for _, p := range points {
		rows = append(rows, []string{p.attack, p.rule, strconv.Itoa(b.n), strconv.Itoa(b.d), strconv.Itoa(p.f), strconv.Itoa(p.told),
			number(float64(p.f) / float64(b.n)), number(p.mean), number(p.worst)})
	}
	_ = w.WriteAll(rows) // to memory
	return buf.Bytes()
}

// leastShown is the least distance that a plot shows: what a rule does without
// corrupt rows would stretch it by five powers of ten.
const leastShown = 1e-3

func (b *breakdown) plot(attack string, points []breakdownPoint) (*plots.Plot, error) {
	var lines []plots.Line
	for _, rule := range b.rules {
		line := plots.Line{Label: rule}
		for _, p := range points {
			if p.rule == rule && p.attack == attack {
				line.X = append(line.X, float64(p.f)/float64(b.n))
				line.Y = append(line.Y, max(p.mean, leastShown))
			}
		}
		lines = append(lines, line)
	}
	return plots.LinePlot(plots.Frame{
		Title:  fmt.Sprintf("%s, n = %d, d = %d", attack, b.n, b.d),
		XLabel: "share of corrupt rows ψ", YLabel: "distance to the honest mean", LogY: true,
	}, lines)
}

// toyPlot is the experiment of [bgmd, Fig. 5]: points in the plane, some corrupt,
// and what the mean and two medians make of them.
func toyPlot() (*plots.Plot, error) {
	const n, bad = 14, 6
	rng := stream.Root(5).At(stream.Init)
	G := agg.NewMatrix(n, 2)
	honest, wrong := plots.Line{Label: "honest", Points: true}, plots.Line{Label: "corrupt", Points: true}
	for i := range n {
		x, y := 1+0.5*rng.NormFloat64(), 1+0.5*rng.NormFloat64()
		to := &honest
		if i < bad {
			x, y, to = 9+0.7*rng.NormFloat64(), 3.5+0.7*rng.NormFloat64(), &wrong
		}
		copy(G.Row(i), []float32{float32(x), float32(y)})
		to.X, to.Y = append(to.X, x), append(to.Y, y)
	}
	sets := []plots.Line{honest, wrong}
	for _, name := range []string{"mean", "cm", "gm"} {
		rule, err := agg.New(name, agg.Options{})
		if err != nil {
			return nil, err
		}
		var y [2]float32
		if _, err := rule.Aggregate(y[:], G, agg.Step{}); err != nil {
			return nil, err
		}
		sets = append(sets, plots.Line{Label: name, X: []float64{float64(y[0])}, Y: []float64{float64(y[1])}, Points: true})
	}
	return plots.LinePlot(plots.Frame{
		Title:  fmt.Sprintf("%d of %d points corrupt", bad, n),
		XLabel: "x", YLabel: "y",
	}, sets)
}
