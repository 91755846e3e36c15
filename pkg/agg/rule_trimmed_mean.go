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
}

func (m *trimmedMean) Traits() Traits { return Traits{Equivariant: true, Separable: true} }

func (m *trimmedMean) Scratch(n, d int) float64 { return sorterSize(n, d) }

func (m *trimmedMean) aggregate(rows Space, step Step) (Stats, error) {
	n, _ := rows.Size()
	drop := m.count(n, step)
	return Stats{}, rows.Middle(drop, n-drop)
}
