package agg

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/bgmd/bgmd/internal/par"
	"github.com/bgmd/bgmd/internal/simd"
)

// preAggregators is every pre-aggregator. A new one is one new file and one line here.
var preAggregators = []Pre{
	nnmPre,
	bucketingPre,
	clipPre,
}

// Pre describes a pre-aggregator, which changes the rows before a rule sees
// them.
type Pre struct {
	Name    string   // what [NewPre] takes
	Title   string   // what the field calls it
	Options []string // the options it reads, a subset of [OptionNames]
	Needs   string   // what n and f must satisfy, empty for nothing
	Cost    string
	Source  string

	shuffles bool // new row i is not row i of G, changed
	mixes    bool // every new row is a mean of rows of G: its weights sum to one
	build    func(Options) transform
}

// transform changes rows.
type transform interface {
	// makes is the number of rows that it makes of n.
	makes(n int) int
	// fits is Aggregator's Fits, and scratch its Scratch.
	fits(n, d int, step Step) error
	scratch(n, d int) float64
	// prepare looks at G, of which it is to make so many rows.
	prepare(G Matrix, step Step) error
	// sources returns the rows of G, ascending, of which new row i is the sum, times a
	// weight. They are valid until the next call.
	sources(i int) (rows []int, weight float64)
	String() string
}

// PreAggregators returns every pre-aggregator.
func PreAggregators() []Pre { return slices.Clone(preAggregators) }

// PreNames returns the names that [NewPre] knows, sorted.
func PreNames() []string {
	var names []string
	for _, p := range preAggregators {
		names = append(names, p.Name)
	}
	slices.Sort(names)
	return names
}

// LookupPre returns the description of the pre-aggregator called name, and whether
// there is one.
func LookupPre(name string) (pre Pre, ok bool) {
	i := slices.IndexFunc(preAggregators, func(p Pre) bool { return p.Name == name })
	if i < 0 {
		return Pre{}, false
	}
	return preAggregators[i], true
}

// NewPre returns a rule that runs inner on rows which the named pre-aggregator, one of
// [PreNames], has changed. It keeps a matrix of the changed rows, up to n×d. It refuses
// to shuffle the rows of a rule that knows rows by their numbers.
func NewPre(name string, inner Aggregator, o Options) (Aggregator, error) {
	pre, ok := LookupPre(name)
	if !ok {
		return nil, fmt.Errorf("agg: unknown pre-aggregator %q (have %s)", name, strings.Join(PreNames(), ", "))
	}
	o, err := o.checked("pre-aggregator", name, pre.Options)
	if err != nil {
		return nil, err
	}
	if pre.shuffles && inner.Traits().Numbered {
		return nil, fmt.Errorf("agg: pre-aggregator %q: it shuffles the rows, but %v knows one by its number", name, inner)
	}
	return &withPre{pre: pre, transform: pre.build(o), inner: inner}, nil
}

// withPre runs a rule on changed rows.
type withPre struct {
	pre       Pre
	transform transform
	inner     Aggregator
	rows      []float32
	weights   []float64
}

// String returns "pre + rule".
func (p *withPre) String() string { return fmt.Sprintf("%v + %v", p.transform, p.inner) }

// Traits implements [Aggregator].
func (p *withPre) Traits() Traits {
	t := p.inner.Traits()
	t.Equivariant = t.Equivariant && p.pre.mixes
	t.Weights = t.Weights && p.pre.mixes
	t.Separable = false
	return t
}

// Fits implements [Aggregator].
func (p *withPre) Fits(n, d int, step Step) error {
	if err := p.transform.fits(n, d, step); err != nil {
		return err
	}
	m := p.transform.makes(n)
	return p.about(p.inner.Fits(m, d, step), n, m)
}

// about adds to an error about m changed rows, if they are fewer than the n rows of G,
// that it is about these.
func (p *withPre) about(err error, n, m int) error {
	if err != nil && m != n {
		return fmt.Errorf("agg: behind %v, which makes %d rows of %d: %w", p.transform, m, n, err)
	}
	return err
}

// Scratch implements [Aggregator].
func (p *withPre) Scratch(n, d int) float64 {
	m := p.transform.makes(n)
	return of32*float64(m)*float64(d) + p.transform.scratch(n, d) + p.inner.Scratch(m, d)
}

// Aggregate implements [Aggregator]. Stats.Weights are those of G's rows, or
// nil where the changed rows are not means of them.
func (p *withPre) Aggregate(dst []float32, G Matrix, step Step) (Stats, error) {
	if err := check(p.pre.Name, dst, G); err != nil {
		return Stats{}, err
	}
	if err := p.transform.prepare(G, step); err != nil {
		return Stats{}, err
	}
	m := p.transform.makes(G.Rows)
	changed := Matrix{Rows: m, Cols: G.Cols}
	p.rows = grown(p.rows, m*G.Cols)
	changed.Data = p.rows
	p.mix(changed, G)
	if p.pre.shuffles {
		step.Numbers = nil
	}
	stats, err := p.inner.Aggregate(dst, changed, step)
	if errors.Is(err, ErrNotFinite) {
		err = p.blame(G, err)
	}
	if err != nil {
		return Stats{}, p.about(err, G.Rows, m)
	}
	stats.Weights = p.compose(stats.Weights, G.Rows)
	return stats, nil
}

// blame names the row of G that is to blame for an error about changed rows.
func (p *withPre) blame(G Matrix, err error) error {
	for i := range G.Rows {
		if !finiteRow(G.Row(i)) {
			return notFinite(p.pre.Name, G)
		}
	}
	return err
}

// mix sets the rows of changed to the sums that they are, formed in float64.
func (p *withPre) mix(changed, G Matrix) {
	par.For(G.Cols, columnGrain, func(_, lo, hi int) {
		var acc [columnBlock]float64
		for ; lo < hi; lo += columnBlock {
			sum := acc[:min(columnBlock, hi-lo)]
			for i := range changed.Rows {
				clear(sum)
				rows, w := p.transform.sources(i)
				for _, j := range rows {
					simd.AddScaled(sum, G.Row(j)[lo:lo+len(sum)], w)
				}
				out := changed.Row(i)[lo:][:len(sum)]
				for k, v := range sum {
					out[k] = float32(v)
				}
			}
		}
	})
}

// compose turns weights of the changed rows into weights of n rows of G.
func (p *withPre) compose(changed []float64, n int) []float64 {
	if changed == nil || !p.pre.mixes {
		return nil
	}
	p.weights = grown(p.weights, n)
	clear(p.weights)
	for i, w := range changed {
		rows, share := p.transform.sources(i)
		for _, j := range rows {
			p.weights[j] += w * share
		}
	}
	return p.weights
}
