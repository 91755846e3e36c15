package agg

import (
	"fmt"
	"math"

	"github.com/bgmd/bgmd/internal/par"
	"github.com/bgmd/bgmd/internal/simd"
)

var normClippingRule = Rule{
	Name: "norm-clipping", Title: "norm clipping NC_β, comparative gradient elimination",
	Options: []string{"f", "beta"}, Needs: "n > 2⌈βn⌉",
	Cost: "O(nd)", Breakdown: "β", MaxCorrupt: minority,
	Source: "Gupta et al. 2020; [bgmd, Table 1]", Weights: true,
	build: func(o Options) Aggregator {
		return &normClipping{trim: trim{budget{f: o.F}, o.Beta}}
	},
}

// trim is a number of rows to drop: ⌈βn⌉, or f for β = 0.
type trim struct {
	budget
	beta float64
}

func (t *trim) count(n int) int {
	if t.beta == 0 {
		return t.left()
	}
	return int(math.Ceil(t.beta*float64(n) - 1e-9)) // 0.1 of 30 is 3
}

func (t *trim) describe(rule string) string {
	if t.beta == 0 {
		return fmt.Sprintf("%s(f=%d)", rule, t.f)
	}
	return fmt.Sprintf("%s(beta=%g)", rule, t.beta)
}

func (t *trim) check(rule string, n int) error {
	if n <= 2*t.count(n) {
		return fmt.Errorf("agg: rule %q: n = %d clients of which %d are dropped, want n > 2·%d", rule, n, t.count(n), t.count(n))
	}
	return nil
}

// normClipping is the rule "norm-clipping", as [bgmd] defines NC_β: it drops
// the ⌈βn⌉ rows with the largest norms and averages those kept, ties kept by
// lowest index. It is bounded by the largest honest norm as long as no more
// rows are corrupt than are dropped; that says nothing about its direction,
// since corrupt rows of small norm are kept. Two passes over G.
type normClipping struct {
	trim
	norms, weights []float64
	index          []int
}

func (c *normClipping) String() string { return c.describe("norm-clipping") }

func (c *normClipping) Aggregate(dst []float32, G Matrix, _ Step) (Stats, error) {
	const name = "norm-clipping"
	if err := check(name, dst, G); err != nil {
		return Stats{}, err
	}
	if err := c.check(name, G.Rows); err != nil {
		return Stats{}, err
	}
	c.norms = squaredNorms(c.norms, G)
	for _, v := range c.norms {
		if !finite(v) {
			return Stats{}, notFinite(name, G)
		}
	}
	c.index = smallest(c.index, c.norms, G.Rows-c.count(G.Rows))
	c.weights = grown(c.weights, G.Rows)
	clear(c.weights)
	average(c.weights, c.index)
	if !weightedSum(dst, G, c.weights) {
		return Stats{}, notFinite(name, G)
	}
	return Stats{Weights: c.weights}, nil
}

// squaredNorms returns ‖gᵢ‖² for every row, in sums grown from the given slice.
func squaredNorms(sums []float64, G Matrix) []float64 {
	return squaredDistances(sums, G, nil)
}

// squaredDistances returns ‖gᵢ − y‖² for every row, for a nil y that of zeros.
// It sums in float64, chunk by chunk.
func squaredDistances(sums []float64, G Matrix, y []float32) []float64 {
	chunks := par.Chunks(G.Cols, columnGrain)
	sums = grown(sums, G.Rows*(chunks+1))
	parts := sums[G.Rows:]
	par.For(G.Rows*chunks, 1, func(part, _, _ int) {
		i, lo := part/chunks, part%chunks*columnGrain
		row := G.Row(i)[lo:min(lo+columnGrain, G.Cols)]
		if y == nil {
			parts[part] = simd.SquaredDistance(row, zeros[:len(row)])
		} else {
			parts[part] = simd.SquaredDistance(row, y[lo:][:len(row)])
		}
	})
	for i := range G.Rows {
		sums[i] = 0
		for _, v := range parts[i*chunks : (i+1)*chunks] {
			sums[i] += v
		}
	}
	return sums[:G.Rows]
}

var zeros [columnGrain]float32
