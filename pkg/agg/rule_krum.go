package agg

import "fmt"

var krumRule = Rule{
	Name: "krum", Title: "Krum",
	Options: []string{"f"}, Needs: "n > 2f + 2",
	Cost: "O(n²d)", Breakdown: "f/n → 1/2", MaxCorrupt: func(n int) int { return minority(n - 2) },
	Source: "Blanchard et al. 2017",
	build: func(o Options) core {
		return &weighing{name: "krum", label: fmt.Sprintf("krum(f=%d)", o.F), f: o.F, rule: &krum{name: "krum", keep: 1}}
	},
}

var multiKrumRule = Rule{
	Name: "multi-krum", Title: "multi-Krum",
	Options: []string{"f", "keep"}, Needs: "n > 2f + 2, n ≥ keep",
	Cost: "O(n²d)", Breakdown: "f/n → 1/2", MaxCorrupt: func(n int) int { return minority(n - 2) },
	Source: "Blanchard et al. 2017; keep: Damaskinos et al. 2019",
	build: func(o Options) core {
		label := fmt.Sprintf("multi-krum(f=%d)", o.F)
		if o.Keep != 0 {
			label = fmt.Sprintf("multi-krum(f=%d, keep=%d)", o.F, o.Keep)
		}
		return &weighing{name: "multi-krum", label: label, f: o.F, rule: &krum{name: "multi-krum", keep: o.Keep}}
	},
}

// krum is the rules "krum" and "multi-krum". The score of a row is the sum of
// the squared distances to its nearest others,
//
//	sᵢ = Σ_{j in N(i)} ‖gᵢ − gⱼ‖²,  N(i) the n − f − 2 rows nearest to row i;
//
// krum returns the row with the least score, multi-krum the mean of the keep
// rows with the least, by default n − f − 2. Ties go to the lowest index.
// Bounded for f < (n − 2)/2, of 1/2 as n grows [Blanchard et al. 2017]; the
// result of multi-krum is bounded as long as keep ≤ n − f.
type krum struct {
	name string
	keep int // 0 is the default

	scores, near []float64
	index        []int
}

func (k *krum) check(n, f int, step Step) error {
	if n <= 2*f+2 {
		return tooMany(k.name, n, f, "n > 2f + 2")
	}
	if all := n + step.Dropped; k.keep > all {
		return fmt.Errorf("agg: rule %q: keep is %d, want at most n = %d", k.name, k.keep, all)
	}
	return nil
}

func (k *krum) scratch(int, int) float64 { return 0 }

func (k *krum) weigh(w []float64, rows *distances, f int, _ Step) {
	n := rows.n
	k.scores = grown(k.scores, n)
	for i := range n {
		k.near = append(append(k.near[:0], rows.to(i)[:i]...), rows.to(i)[i+1:]...)
		k.scores[i] = sumOfSmallest(k.near, n-f-2)
	}
	keep := k.keep
	if keep == 0 {
		keep = n - f - 2
	}
	k.index = smallest(k.index, k.scores, min(keep, n)) // fewer where rows were dropped
	average(w, k.index)
}
