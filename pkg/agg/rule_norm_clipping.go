package agg

var normClippingRule = Rule{
	Name: "norm-clipping", Title: "norm clipping NC_β, comparative gradient elimination",
	Options: []string{"f", "beta"}, Needs: "n > 2⌈βn⌉",
	Cost: "O(nd)", Breakdown: "β", MaxCorrupt: minority,
	Source: "Gupta et al. 2020; [bgmd, Table 1]",
	build:  func(o Options) core { return &normClipping{trim: trim{"norm-clipping", o.F, o.Beta}} },
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

func (c *normClipping) Traits() Traits { return Traits{Weights: true} }

func (c *normClipping) Scratch(n, d int) float64 { return sumsSize(n, d) }

func (c *normClipping) aggregate(rows Space, step Step) (Stats, error) {
	n, _ := rows.Size()
	c.norms, c.weights = grown(c.norms, n), grown(c.weights, n)
	if err := rows.Norms(c.norms); err != nil {
		return Stats{}, err
	}
	for _, v := range c.norms {
		if !finite(v) {
			return Stats{}, ErrNotFinite
		}
	}
	c.index = smallest(c.index, c.norms, n-c.count(n, step))
	clear(c.weights)
	average(c.weights, c.index)
	return Stats{Weights: c.weights}, rows.Combine(c.weights)
}
