package main

import (
	"fmt"
	"math"

	. "github.com/mmcloughlin/avo/reg"
)

// algorithm is F(4, r) on the points 0, ±a for each a of pairs, and ∞. The package's
// matrices say the same; a test compares the two.
type algorithm struct {
	r     int
	pairs []float64
}

var algorithms = []algorithm{
	{5, []float64{1, 2, 0.5}},
	{3, []float64{2.0 / 3, 1.5}},
}

// outputs is the number of outputs of a tile along an axis.
const outputs = 4

// points is the size of a tile.
func (a algorithm) points() int { return outputs + a.r - 1 }

// polynomial returns the coefficients, in powers of x², of Π (x² − b²) over all
// pairs but the one with number without.
func (a algorithm) polynomial(without int) []float64 {
	p := []float64{1}
	for k, b := range a.pairs {
		if k == without {
			continue
		}
		q := make([]float64, len(p)+1)
		for i, c := range p {
			q[i+1] += c
			q[i] -= b * b * c
		}
		p = q
	}
	for i, c := range p { // of 2/3 and 3/2 the squares' product is 1
		if math.Abs(c-math.Round(c)) < 1e-12 {
			p[i] = math.Round(c)
		}
	}
	return p
}

// zero is the polynomial of point 0, with 1 for x⁰.
func (a algorithm) zero() []float64 {
	p := a.polynomial(-1)
	first := p[0]
	for i := range p {
		p[i] /= first
	}
	return p
}

// norm is what row ±a of G is divided by: Π (±a − b) over all other points.
func (a algorithm) norm(k int) float64 {
	n := 2 * a.pairs[k] * a.pairs[k]
	for l, b := range a.pairs {
		if l != k {
			n *= a.pairs[k]*a.pairs[k] - b*b
		}
	}
	return n
}

// transforms lists the five that there are, named by the matrix and r.
func (a algorithm) transforms() []transform {
	n := a.points()
	list := []transform{
		{name: "bt", in: n, out: n, program: a.bt, loads: true},
		{name: "at", in: n, out: outputs, program: a.at, stores: true},
		{name: "a", in: outputs, out: n, program: a.a, loads: true},
		{name: "b", in: n, out: n, program: a.b, stores: true},
		{name: "gt", in: n, out: a.r, program: a.gt},
	}
	for i := range list {
		list[i].name = fmt.Sprintf("%s%d", list[i].name, a.r)
	}
	return list
}

// sums returns x₊ + x₋ and x₊ − x₋ of every pair of points.
func (a algorithm) sums(m *machine, x []VecVirtual) (sum, difference []VecVirtual) {
	for k := range a.pairs {
		sum = append(sum, m.add(x[2*k+1], x[2*k+2]))
		difference = append(difference, m.sub(x[2*k+1], x[2*k+2]))
	}
	return sum, difference
}

// pair puts e + c·f and e − c·f at points ±a of pair k.
func pair(m *machine, k int, c float64, e, f VecVirtual, put func(int, VecVirtual)) {
	plus := m.copy(e)
	m.more(plus, c, f)
	put(2*k+1, plus)
	m.more(e, -c, f)
	put(2*k+2, e)
}

// bt is Bᵀ, n inputs to n points.
func (a algorithm) bt(m *machine, x []VecVirtual, put func(int, VecVirtual)) {
	n, all, zero := a.points(), a.polynomial(-1), a.zero()
	first, last := m.copy(x[0]), m.copy(x[n-1])
	for j := len(zero) - 1; j > 0; j-- {
		m.more(first, zero[j], x[2*j])
		m.more(last, all[j-1], x[2*j-1])
	}
	put(0, first)
	put(n-1, last)
	for k := range a.pairs {
		q := a.polynomial(k)
		top := len(q) - 1
		e, f := m.copy(x[2*top+2]), m.copy(x[2*top+1])
		for j := top - 1; j >= 0; j-- {
			m.more(e, q[j], x[2*j+2])
			m.more(f, q[j], x[2*j+1])
		}
		pair(m, k, a.pairs[k], e, f, put)
	}
}

// b is B, n points to n inputs.
func (a algorithm) b(m *machine, x []VecVirtual, put func(int, VecVirtual)) {
	n, all, zero := a.points(), a.polynomial(-1), a.zero()
	sum, difference := a.sums(m, x)
	for j := range all[1:] {
		even, odd := m.mul(zero[j+1], x[0]), m.mul(all[j], x[n-1])
		for k := range a.pairs {
			q := a.polynomial(k)
			m.more(even, q[j], sum[k])
			m.more(odd, q[j]*a.pairs[k], difference[k])
		}
		put(2*j+2, even)
		put(2*j+1, odd)
	}
	put(0, x[0])
	put(n-1, x[n-1])
}

// at is Aᵀ, n points to the outputs.
func (a algorithm) at(m *machine, x []VecVirtual, put func(int, VecVirtual)) {
	sum, difference := a.sums(m, x)
	for i := range outputs {
		from := sum
		if i%2 == 1 {
			from = difference
		}
		var y VecVirtual
		for k, b := range a.pairs {
			if k == 0 {
				y = m.mul(math.Pow(b, float64(i)), from[k])
			} else {
				m.more(y, math.Pow(b, float64(i)), from[k])
			}
		}
		switch i {
		case 0:
			m.more(y, 1, x[0])
		case outputs - 1:
			m.more(y, 1, x[a.points()-1])
		}
		put(i, y)
	}
}

// a is A, the outputs' gradients to n points.
func (a algorithm) a(m *machine, x []VecVirtual, put func(int, VecVirtual)) {
	put(0, x[0])
	put(a.points()-1, x[3])
	for k, b := range a.pairs {
		e, f := m.copy(x[0]), m.copy(x[1])
		m.more(e, b*b, x[2])
		m.more(f, b*b, x[3])
		pair(m, k, b, e, f, put)
	}
}

// gt is Gᵀ, n points to r weights.
func (a algorithm) gt(m *machine, x []VecVirtual, put func(int, VecVirtual)) {
	sum, difference := a.sums(m, x)
	for i := range a.r {
		from := sum
		if i%2 == 1 {
			from = difference
		}
		var w VecVirtual
		for k, b := range a.pairs {
			c := math.Pow(b, float64(i)) / a.norm(k)
			if k == 0 {
				w = m.mul(c, from[k])
			} else {
				m.more(w, c, from[k])
			}
		}
		if i == 0 {
			m.more(w, 1, x[0])
		}
		if i == a.r-1 {
			m.more(w, 1, x[a.points()-1])
		}
		put(i, w)
	}
}
