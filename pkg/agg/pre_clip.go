package agg

import (
	"fmt"
	"math"
)

var clipPre = Pre{
	Name: "clip", Title: "norm clipping to a radius",
	Options: []string{"radius"}, Cost: "O(nd)",
	Source: "Karimireddy, He and Jaggi 2021; Farhadkhani et al. 2022",
	build:  func(o Options) transform { return &clip{radius: o.Radius} },
}

// clip shortens rows to the radius, gᵢ ← gᵢ min(1, radius/‖gᵢ‖).
type clip struct {
	radius float64
	factor []float64
	rows   []int // 0, 1, …
}

func (c *clip) String() string            { return fmt.Sprintf("clip(%g)", c.radius) }
func (c *clip) makes(n int) int           { return n }
func (c *clip) fits(int, int, Step) error { return nil }
func (c *clip) scratch(n, d int) float64  { return sumsSize(n, d) }

func (c *clip) prepare(G Matrix, _ Step) error {
	c.factor = squaredNorms(c.factor, G)
	c.rows = c.rows[:0]
	for i, square := range c.factor {
		c.rows = append(c.rows, i)
		if !finite(square) {
			return notFinite("clip", G)
		}
		c.factor[i] = 1
		if norm := math.Sqrt(square); norm > c.radius {
			c.factor[i] = c.radius / norm
		}
	}
	return nil
}

func (c *clip) sources(i int) (rows []int, weight float64) {
	return c.rows[i : i+1], c.factor[i]
}
