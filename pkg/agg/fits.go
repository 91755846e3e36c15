package agg

import "fmt"

// Fits reports why a rule cannot aggregate n rows of d values, nil where it can: what
// Aggregate would say of their number and of the corrupt ones among them. Where d is
// not known it is 0. It takes no memory and costs nothing.
func Fits(rule Aggregator, n, d int) error { return fitting(rule, n, d) }

// demanding is implemented by rules and transforms that do not take any number of
// rows.
type demanding interface{ fits(n, d int) error }

func fitting(rule any, n, d int) error {
	if r, ok := rule.(demanding); ok {
		return r.fits(n, d)
	}
	return nil
}

func (r *weighing) fits(n, d int) error {
	if err := r.rule.check(n, r.left()); err != nil {
		return err
	}
	return checkPairs(`rule "`+r.name+`"`, n, d)
}

func (g *gm) fits(n, d int) error {
	if g.options.Solver != solverGram {
		return nil
	}
	if err := checkPairs(`rule "gm"`, n, d); err != nil {
		return fmt.Errorf("%w, or solver %s, which takes any number", err, solverWeiszfeld)
	}
	return nil
}

func (m *trimmedMean) fits(n, _ int) error { return m.check("trimmed-mean", n) }

func (c *normClipping) fits(n, _ int) error { return c.check("norm-clipping", n) }

func (b *bulyan) fits(n, d int) error {
	if f := b.left(); n < 4*f+3 {
		return tooMany("bulyan", n, f, "n ≥ 4f + 3")
	}
	return checkPairs(`rule "bulyan"`, n, d)
}

func (m *meamed) fits(n, _ int) error {
	if f := m.left(); n <= 2*f {
		return tooMany("meamed", n, f, "n > 2f")
	}
	return nil
}

func (m *nnm) fits(n, d int) error {
	if f := m.left(); n <= 2*f {
		return fmt.Errorf("agg: pre-aggregator %q: n = %d clients and f = %d corrupt, want n > 2f", "nnm", n, f)
	}
	return checkPairs(`pre-aggregator "nnm"`, n, d)
}

func (b *Block) fits(n, d int) error {
	return Fits(b.inner, n, min(d, blockSize(b.options.Fraction, d)))
}

func (d *dropping) fits(n, cols int) error { return Fits(d.inner, n, cols) }

func (p *preceded) fits(n, d int) error {
	if err := fitting(p.transform, n, d); err != nil {
		return err
	}
	m := p.transform.makes(n)
	return p.behind(Fits(p.inner, m, d), n, m)
}

// behind says of an error about m changed rows of n that they are fewer.
func (p *preceded) behind(err error, n, m int) error {
	if err != nil && m != n {
		return fmt.Errorf("agg: behind %v, which makes %d rows of %d: %w", p.transform, m, n, err)
	}
	return err
}
