package agg

var cmRule = Rule{
	Name: "cm", Title: "coordinate-wise median",
	Cost: "O(nd log² n)", Breakdown: "1/2", MaxCorrupt: minority,
	Source: "Yin et al. 2018; [bgmd, Table 1]", Separable: true,
	build: func(Options) Aggregator { return new(cm) },
}

// cm is the rule "cm", the coordinate-wise median
//
//	dst[j] = median(G[0, j], …, G[n−1, j]),
//
// for even n the average of the two middle values. Its breakdown point is 1/2
// in each coordinate [Yin et al. 2018]. One pass over G.
type cm struct {
	columnSorter
}

func (c *cm) String() string { return "cm" }

// Equivariant implements [Equivariant].
func (c *cm) Equivariant() bool { return true }

func (c *cm) Aggregate(dst []float32, G Matrix, _ Step) (Stats, error) {
	if err := check("cm", dst, G); err != nil {
		return Stats{}, err
	}
	from, to := (G.Rows-1)/2, G.Rows/2+1
	if !c.each(dst, G, nil, from, to, func(out []float32, columns sorted) { meanOf(out, columns, from, to) }) {
		return Stats{}, notFinite("cm", G)
	}
	return Stats{}, nil
}
