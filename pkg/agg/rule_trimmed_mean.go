package agg

var trimmedMeanRule = Rule{
	Name: "trimmed-mean", Title: "coordinate-wise trimmed mean CTM_β",
	Options: []string{"f", "beta"}, Needs: "n > 2⌈βn⌉",
	Cost: "O(nd log² n)", Breakdown: "β", MaxCorrupt: minority,
	Source: "Yin et al. 2018; [bgmd, Table 1]", Separable: true,
	build: func(o Options) Aggregator {
		return &trimmedMean{trim: trim{budget{f: o.F}, o.Beta}}
	},
}

// trimmedMean is the rule "trimmed-mean": in each coordinate the mean of what is
// left of the n values without the ⌈βn⌉ smallest and the ⌈βn⌉ largest. Bounded
// as long as no more than ⌈βn⌉ rows are corrupt: its breakdown point is β. One
// pass over G.
type trimmedMean struct {
	trim
	columnSorter
}

func (m *trimmedMean) String() string { return m.describe("trimmed-mean") }

// Equivariant implements [Equivariant].
func (m *trimmedMean) Equivariant() bool { return true }

func (m *trimmedMean) Aggregate(dst []float32, G Matrix, _ Step) (Stats, error) {
	if err := check("trimmed-mean", dst, G); err != nil {
		return Stats{}, err
	}
	if err := m.fits(G.Rows, G.Cols); err != nil {
		return Stats{}, err
	}
	from := m.count(G.Rows)
	to := G.Rows - from
	if !m.each(dst, G, nil, from, to, func(out []float32, columns sorted) { meanOf(out, columns, from, to) }) {
		return Stats{}, notFinite("trimmed-mean", G)
	}
	return Stats{}, nil
}
