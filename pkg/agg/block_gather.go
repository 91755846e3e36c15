package agg

import (
	"slices"
	"sync/atomic"

	"github.com/bgmd/bgmd/internal/par"
)

// gather returns the columns of the block: those of P or, where the inner rule may run on
// them, of G.
func (c *columns) gather(G Matrix, gamma float64) Matrix {
	k := len(c.index)
	c.gathered, c.out = grown(c.gathered, G.Rows*k), grown(c.out, k)
	block := Matrix{Data: c.gathered, Rows: G.Rows, Cols: k}
	if c.picked {
		c.selector.Gather(block.Data, block.Rows)
	} else {
		from := c.memory.rows(G)
		par.For(G.Rows, 1, func(i, _, _ int) {
			row, out := from.Row(i), block.Row(i)
			for p, j := range c.index {
				out[p] = row[j]
			}
		})
	}
	if !c.direct && !c.memory.perRow() {
		c.shift(block, gamma)
	}
	return block
}

// shift turns the columns of the block from G's to P's.
func (c *columns) shift(block Matrix, gamma float64) {
	par.For(block.Rows, 1, func(i, _, _ int) {
		row := block.Row(i)
		for p, j := range c.index {
			t := gamma * float64(row[p])
			if c.memory.now != nil {
				t += float64(c.memory.now[j])
			}
			row[p] = float32(t)
		}
	})
}

// scatter writes out, the inner rule's result, to the block of dst, zero elsewhere.
func (c *columns) scatter(dst []float32, gamma float64) error {
	var overflow atomic.Bool
	par.For(len(dst), columnGrain, func(_, lo, hi int) {
		clear(dst[lo:hi])
		zero := float32(0)
		for p, _ := slices.BinarySearch(c.index, lo); p < len(c.index) && c.index[p] < hi; p++ {
			j := c.index[p]
			t := float64(c.out[p])
			if !c.direct {
				t /= gamma
			} else if c.memory.now != nil {
				t += float64(c.memory.now[j]) / gamma
			}
			dst[j] = float32(t)
			zero += dst[j] - dst[j]
		}
		if zero != 0 {
			overflow.Store(true)
		}
	})
	if overflow.Load() {
		return overflows("block", "result")
	}
	return nil
}
