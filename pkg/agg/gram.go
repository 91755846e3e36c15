package agg

// gram is the Gram matrix of a space's rows, as precise as need be.
type gram struct {
	K     []float64 // n×n, symmetric
	norms []float64 // scratch
}

// scratch includes what the host holds for it, except copies of rows less a centre or in
// float64, which are at most a 20th of the matrix.
func (g *gram) scratch(n, d int) float64 {
	_, slabs := gramSlabsOf(d)
	tiles := square(n+4) / 2 // they are up to 4×4
	return square(n) + float64(slabs)*(square(n)+tiles)
}

// fast sets K to the Gram matrix of the rows less the given one (none if negative) and
// returns its error relative to ‖gᵢ‖‖gⱼ‖.
func (g *gram) fast(rows Space, centre int) (precision float64, err error) {
	n, _ := rows.Size()
	g.K = grown(g.K, n*n)
	return rows.Gram(g.K, centre, false)
}

// exact does what fast does, in float64.
func (g *gram) exact(rows Space, centre int) (precision float64, err error) {
	n, _ := rows.Size()
	g.K = grown(g.K, n*n)
	_, err = rows.Gram(g.K, centre, true)
	return exactError, err
}

// form sets K by fast, or by exact where float32 products overflow or vanish, and
// returns its error; ErrNotFinite where a row is not finite.
func (g *gram) form(rows Space) (precision float64, err error) {
	precision, err = g.fast(rows, -1)
	if err != nil {
		return 0, err
	}
	if safe, err := g.safe(rows, -1); safe || err != nil {
		return precision, err
	}
	precision, err = g.exact(rows, -1)
	n, _ := rows.Size()
	for i := range n {
		if !finite(g.K[i*n+i]) {
			return 0, ErrNotFinite
		}
	}
	return precision, err
}

// about sets K to the Gram matrix of the rows less the given one, by fast if that
// is precise enough or else by exact, and returns its error.
func (g *gram) about(rows Space, row int) (precision float64, err error) {
	precision, err = g.fast(rows, row)
	if err != nil {
		return 0, err
	}
	if safe, err := g.safe(rows, row); safe || err != nil {
		return precision, err
	}
	return g.exact(rows, row)
}

// safe reports whether no product that counts has overflowed or vanished in fast. Row
// centre is zero there; of none, if it is negative, a row may be as well.
func (g *gram) safe(rows Space, centre int) (bool, error) {
	n, d := rows.Size()
	tiny := false
	for i := range n {
		square := g.K[i*n+i]
		if !finite(square) {
			return false, nil
		}
		tiny = tiny || square <= 1e-34*float64(d) && i != centre
	}
	if !tiny || centre >= 0 {
		return !tiny, nil
	}
	g.norms = grown(g.norms, n)
	err := rows.Norms(g.norms)
	for i, norm := range g.norms {
		if g.K[i*n+i] <= 1e-34*float64(d) && norm != 0 {
			return false, err
		}
	}
	return true, err
}
