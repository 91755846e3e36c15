package agg

import (
	"slices"
	"sync/atomic"

	"github.com/bgmd/bgmd/internal/par"
)

// Gather implements [Columns].
func (c *hostColumns) Gather() (Space, error) {
	n, k := c.rows.G.Rows, len(c.index)
	c.gathered, c.out = grown(c.gathered, n*k), grown(c.out, k)
	block := Matrix{Data: c.gathered, Rows: n, Cols: k}
	if c.selected {
		c.selector.Gather(block.Data, block.Rows)
	} else {
		from := c.memory.rows(c.rows.G)
		par.For(n, 1, func(i, _, _ int) {
			row, out := from.Row(i), block.Row(i)
			for p, j := range c.index {
				out[p] = row[j]
			}
		})
	}
	if !c.direct && !c.memory.perRow() {
		c.shift(block)
	}
	c.block.G, c.block.dst = block, c.out
	return &c.block, nil
}

// shift turns the columns of the block from G's to P's.
func (c *hostColumns) shift(block Matrix) {
	par.For(block.Rows, 1, func(i, _, _ int) {
		row := block.Row(i)
		for p, j := range c.index {
			t := c.gamma * float64(row[p])
			if c.memory.now != nil {
				t += float64(c.memory.now[j])
			}
			row[p] = float32(t)
		}
	})
}

// Finish implements [Columns].
func (c *hostColumns) Finish(w []float64) error {
	if c.memory.kind == memoryGMWeighted {
		c.memory.weigh(c.rows.dst, c.rows.G, c.gamma, w)
	}
	if err := c.memory.forget(c.index); err != nil {
		return err
	}
	if err := c.scatter(c.rows.dst, c.gamma); err != nil {
		return err
	}
	c.memory.commit(c.index)
	return nil
}

// State implements [Memory].
func (c *hostColumns) State() []float32 { return c.memory.state() }

// Restore implements [Memory].
func (c *hostColumns) Restore(state []float32) error { return c.memory.restore(state) }

// scatter writes out, the inner rule's result, to the block of dst, zero elsewhere.
func (c *hostColumns) scatter(dst []float32, gamma float64) error {
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
