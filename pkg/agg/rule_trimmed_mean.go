package agg

var trimmedMeanRule = Rule{
	Name: "trimmed-mean", Title: "coordinate-wise trimmed mean CTM_β",
	Options: []string{"f", "beta"}, Needs: "n > 2⌈βn⌉",
	Cost: "O(nd log² n)", Breakdown: "β", MaxCorrupt: minority,
	Source: "Yin et al. 2018; [bgmd, Table 1]",
	build:  func(o Options) core { return &trimmedMean{trim: trim{"trimmed-mean", o.F, o.Beta}} },
}

// trimmedMean is the rule "trimmed-mean": in each coordinate the mean of what is
// left of the n values without the ⌈βn⌉ smallest and the ⌈βn⌉ largest. Bounded
// as long as no more than ⌈βn⌉ rows are corrupt: its breakdown point is β. One
// pass over G.
type trimmedMean struct {
	trim
	columnSorter
}

func (m *trimmedMean) Traits() Traits { return Traits{Equivariant: true, Separable: true} }

func (m *trimmedMean) aggregate(dst []float32, G Matrix, step Step) (Stats, error) {
	from := m.count(G.Rows, step)
	to := G.Rows - from
	return Stats{}, m.each(dst, G, nil, from, to, func(out []float32, columns sorted) { meanOf(out, columns, from, to) })
}
