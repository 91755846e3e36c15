package agg

import (
	"fmt"
	"math"

	"github.com/bgmd/bgmd/internal/par"
)

var centredClippingRule = Rule{
	Name: "centred-clipping", Title: "centred clipping",
	Options: []string{"tau", "iterations"},
	Cost:    "O(nd) an iteration", Breakdown: "1: a call moves by at most τ an iteration; many calls move anywhere",
	MaxCorrupt: func(n int) int { return n },
	Source:     "Karimireddy, He and Jaggi 2021",
	build:      func(o Options) core { return &centredClipping{tau: o.Tau, iterations: o.Iterations} },
}

// centredClipping is the rule "centred-clipping". From the last call's result
// y, at first zero, it takes iterations steps
//
//	y ← y + (1/n) Σ (gᵢ − y) min(1, τ/‖gᵢ − y‖),
//
// one by default, of length at most τ whatever the rows are. Two passes over G
// each. Its state is y.
type centredClipping struct {
	anyRows
	tau        float64
	iterations int

	last    []float32 // nil at first
	y       []float32
	weights []float64
	squares []float64
}

func (c *centredClipping) String() string {
	if c.iterations == 1 {
		return fmt.Sprintf("centred-clipping(tau=%g)", c.tau)
	}
	return fmt.Sprintf("centred-clipping(tau=%g, iterations=%d)", c.tau, c.iterations)
}

func (c *centredClipping) Traits() Traits { return Traits{Memory: c} }

func (c *centredClipping) Scratch(n, d int) float64 { return 2*of32*float64(d) + sumsSize(n, d) }

// State implements [Memory]: d floats.
func (c *centredClipping) State() []float32 { return c.last }

// Restore implements [Memory]. An empty state forgets everything.
func (c *centredClipping) Restore(state []float32) error {
	if len(state) == 0 {
		c.last = nil
		return nil
	}
	if c.last != nil && len(state) != len(c.last) {
		return fmt.Errorf("agg: rule %q: cannot restore a centre of %d elements, want %d", "centred-clipping", len(state), len(c.last))
	}
	var err error
	c.last, err = restored("centred-clipping", state, c.last)
	return err
}

func (c *centredClipping) aggregate(rows Space, _ Step) (Stats, error) {
	dst, G, err := rows.Host()
	if err != nil {
		return Stats{}, err
	}
	if c.last != nil && len(c.last) != G.Cols {
		return Stats{}, fmt.Errorf("agg: rule %q: the last result has %d elements, want %d", "centred-clipping", len(c.last), G.Cols)
	}
	c.y = grown(c.y, G.Cols)
	clear(c.y)
	copy(c.y, c.last)
	for range c.iterations {
		if err := c.step(dst, G); err != nil {
			return Stats{}, err
		}
		copy(c.y, dst)
	}
	if err := rows.Put(dst); err != nil {
		return Stats{}, err
	}
	c.last, c.y = c.y, c.last
	return Stats{}, nil
}

// step sets dst to the next iterate from y.
func (c *centredClipping) step(dst []float32, G Matrix) error {
	n := float64(G.Rows)
	c.squares = squaredDistances(c.squares, G, c.y)
	c.weights = grown(c.weights, G.Rows)
	stay := 1.0
	for i, square := range c.squares[:G.Rows] {
		if !finite(square) {
			return ErrNotFinite
		}
		c.weights[i] = 1 / n
		if dist := math.Sqrt(square); dist > c.tau {
			c.weights[i] *= c.tau / dist
		}
		stay -= c.weights[i]
	}
	if err := weightedSum(dst, G, c.weights); err != nil {
		return err
	}
	par.For(G.Cols, columnGrain, func(_, lo, hi int) {
		y, out := c.y[lo:hi], dst[lo:hi]
		for j, v := range y {
			out[j] = float32(float64(out[j]) + stay*float64(v))
		}
	})
	return nil
}
