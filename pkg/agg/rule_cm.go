package agg

var cmRule = Rule{
	Name: "cm", Title: "coordinate-wise median",
	Cost: "O(nd log² n)", Breakdown: "1/2", MaxCorrupt: minority,
	Source: "Yin et al. 2018; [bgmd, Table 1]",
	build:  func(Options) core { return new(cm) },
}

// cm is the rule "cm", the coordinate-wise median
//
//	dst[j] = median(G[0, j], …, G[n−1, j]),
//
// for even n the average of the two middle values. Its breakdown point is 1/2
// in each coordinate [Yin et al. 2018]. One pass over G.
type cm struct {
	anyRows
}

func (c *cm) String() string { return "cm" }

func (c *cm) Traits() Traits { return Traits{Equivariant: true, Separable: true} }

func (c *cm) Scratch(n, d int) float64 { return sorterSize(n, d) }

func (c *cm) aggregate(rows Space, _ Step) (Stats, error) {
	n, _ := rows.Size()
	return Stats{}, rows.Middle((n-1)/2, n/2+1)
}
