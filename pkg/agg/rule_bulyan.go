package agg

import (
	"fmt"
	"math"
)

var bulyanRule = Rule{
	Name: "bulyan", Title: "Bulyan of Krum",
	Options: []string{"f"}, Needs: "n ≥ 4f + 3",
	Cost: "O(n²d + n³ log n)", Breakdown: "f/n → 1/4", MaxCorrupt: bulyanMost,
	Source: "El-Mhamdi, Guerraoui and Rouault 2018",
	build:  func(o Options) core { return &bulyan{f: o.F} },
}

// bulyanMost is the largest f ≥ 0 with n ≥ 4f + 3, −1 where there is none.
func bulyanMost(n int) int {
	if n < 3 {
		return -1
	}
	return (n - 3) / 4
}

// bulyan is the rule "bulyan": Krum, run θ = n − 2f times and each time without
// the rows that it took before, selects θ rows; the result is in each
// coordinate the mean of the θ − 2f selected values nearest to their median.
// Krum's score of m rows left sums the m − f − 2 least squared distances, at
// least one; of equal scores, which two nearest neighbours have when it is one,
// the row with the least sum over all n rows wins, those already taken among them.
// Bounded for n ≥ 4f + 3. Two passes over G.
type bulyan struct {
	f         int
	distances distances
	sorter    columnSorter
	near      []float64
	taken     []bool
	rows      []int
}

func (b *bulyan) String() string { return fmt.Sprintf("bulyan(f=%d)", b.f) }

func (b *bulyan) Traits() Traits { return Traits{Equivariant: true} }

func (b *bulyan) Fits(n, d int, step Step) error {
	if f := step.budget(b.f); n < 4*f+3 {
		return tooMany("bulyan", n, f, "n ≥ 4f + 3")
	}
	return checkPairs(`rule "bulyan"`, n, d)
}

func (b *bulyan) Scratch(n, d int) float64 {
	return b.distances.scratch(n, d) + sorterSize(n, d)
}

func (b *bulyan) aggregate(rows Space, step Step) (Stats, error) {
	n, _ := rows.Size()
	f := step.budget(b.f)
	if err := b.distances.measure(rows); err != nil {
		return Stats{}, err
	}
	dst, G, err := rows.Host()
	if err != nil {
		return Stats{}, err
	}
	b.pick(n, f)
	err = b.sorter.each(dst, G, b.rows, 0, n-2*f, func(out []float32, columns sorted) { meanAround(out, columns, n-2*f, n-4*f) })
	if err != nil {
		return Stats{}, err
	}
	return Stats{}, rows.Put(dst)
}

// pick sets rows to the n − 2f that Krum selects one after another.
func (b *bulyan) pick(n, f int) {
	b.taken = grown(b.taken, n)
	clear(b.taken)
	b.rows = b.rows[:0]
	for m := n; m > 2*f; m-- {
		best, least, all := -1, math.Inf(1), 0.0
		for i := range n {
			if b.taken[i] {
				continue
			}
			b.near = b.near[:0]
			for j, square := range b.distances.to(i) {
				if j != i && !b.taken[j] {
					b.near = append(b.near, square)
				}
			}
			s := sumOfSmallest(b.near, min(len(b.near), max(1, m-f-2)))
			if s > least {
				continue
			}
			if total := sum(b.distances.to(i)); s < least || total < all {
				best, least, all = i, s, total
			}
		}
		b.taken[best] = true
		b.rows = append(b.rows, best)
	}
}
