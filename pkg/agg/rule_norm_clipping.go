package agg

var normClippingRule = Rule{
	Name: "norm-clipping", Title: "norm clipping NC_β, comparative gradient elimination",
	Options: []string{"f", "beta"}, Needs: "n > 2⌈βn⌉",
	Cost: "O(nd)", Breakdown: "β", MaxCorrupt: minority,
	Source: "Gupta et al. 2020; [bgmd, Table 1]", Weights: true,
	build: func(o Options) Aggregator {
		return &normClipping{trim: trim{budget{f: o.F}, o.Beta}}
	},
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
	if err := c.fits(G.Rows, G.Cols); err != nil {
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
