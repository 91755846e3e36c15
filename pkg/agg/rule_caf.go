package agg

import (
	"fmt"
	"math"
)

var cafRule = Rule{
	Name: "caf", Title: "covariance-bound agnostic filter",
	Options: []string{"f"}, Needs: "n > 2f",
	Cost: "O(n²d + f n³)", Breakdown: "f/n → 1/2", MaxCorrupt: minority,
	Source: "Allouah et al. 2025",
	build: func(o Options) core {
		return &weighing{name: "caf", label: fmt.Sprintf("caf(f=%d)", o.F), f: o.F, magnifies: true, rule: new(caf)}
	},
}

// caf is the rule "caf": the spectral filter without a bound on the
// covariance to stop at. It takes weight from rows that stick out along the
// direction of the largest spread until less than n − 2f is left, and returns
// the weighted mean that it met with the smallest largest spread. Bounded for
// f < n/2.
type caf struct {
	spectrum spectrum
	c        []float64
}

func (c *caf) check(n, f int, _ Step) error { return majority("caf", n, f) }

func (c *caf) scratch(n, _ int) float64 { return c.spectrum.scratch(n) }

func (c *caf) weigh(w []float64, rows *distances, f int, _ Step) {
	n := rows.n
	c.c = grown(c.c, n)
	fill(c.c, 1)
	least := math.Inf(1)
	for left := float64(n); ; {
		if lambda := c.spectrum.top(rows, c.c); lambda < least {
			least = lambda
			normalise(w, c.c)
		}
		loss, _ := downweight(c.c, c.c, c.spectrum.score)
		if left -= loss; loss == 0 || left <= float64(n-2*f) {
			return
		}
	}
}
