//go:build gpu && linux

package rows

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"

	"github.com/bgmd/bgmd/internal/cuda"
	"github.com/bgmd/bgmd/pkg/agg"
	"github.com/bgmd/bgmd/pkg/models/device"
)

// Columns implements [agg.Space], for blocks of the columns that score highest or are
// drawn uniformly.
func (s *Space) Columns(o agg.BlockOptions, direct bool) agg.Columns {
	if o.Select != selectTopK && o.Select != selectRandom {
		return nil
	}
	return &columns{space: s, random: o.Select == selectRandom, memory: o.Memory, direct: direct}
}

// Selections and memories of package agg.
const (
	selectTopK   = "top-k"
	selectRandom = "random"

	memoryMean       = "mean"
	memoryClient     = "client"
	memoryGMWeighted = "gm-weighted"
	memoryNone       = "none"
)

// columns are an [agg.Columns] on a device. What they need they take at the first Score
// or Restore.
type columns struct {
	space  *Space
	random bool   // the block is drawn
	memory string // one of agg.Memories
	direct bool   // the block is taken from G itself, not from P

	now, next cuda.Memory[float32] // the memory: d, or n×d for "client"; next is P there
	filled    bool                 // now counts; otherwise it stands for zeros

	gamma     float64
	overflows bool // next has what is not finite
	scores    cuda.Memory[float64]
	sums      cuda.Memory[float64] // of cuda.ScoreSpace
	selection *cuda.Selection
	index     cuda.Memory[uint32] // I, ascending; k
	drawn     []int               // the same, where it is drawn
	hostIndex cuda.Pinned[uint32]
	block     *Space               // the columns I
	inBlock   cuda.Memory[float32] // the memory there, where direct
	failed    error                // the error of State, which cannot return it
}

func (c *columns) stream() *cuda.Stream { return c.space.work.dev.Stream }

// size is the number of the memory's elements.
func (c *columns) size() int {
	n, d := c.space.Size()
	switch c.memory {
	case memoryNone:
		return 0
	case memoryClient:
		return n * d
	}
	return d
}

// reserve takes the memory.
func (c *columns) reserve() error {
	size := c.size()
	if c.now.Len() == size {
		return nil
	}
	var errs [2]error
	c.now, errs[0] = device.Alloc[float32](c.space.work.dev, size)
	c.next, errs[1] = device.Alloc[float32](c.space.work.dev, size)
	return cmp.Or(errs[:]...)
}

// room takes what a block of k columns needs.
func (c *columns) room(k int) (err error) {
	n, d := c.space.Size()
	dev := c.space.work.dev
	if c.selection == nil {
		var errs [3]error
		c.scores, errs[0] = device.Alloc[float64](dev, d)
		c.sums, errs[1] = device.Alloc[float64](dev, cuda.ScoreSpace(d))
		c.selection, errs[2] = device.NewSelection(dev, d)
		if err := cmp.Or(errs[:]...); err != nil {
			return err
		}
	}
	if c.block != nil && c.index.Len() == k {
		return nil
	}
	var errs [4]error
	var gathered cuda.Memory[float32]
	c.index, errs[0] = device.Alloc[uint32](dev, k)
	c.hostIndex, errs[1] = device.AllocPinned[uint32](dev, k)
	c.inBlock, errs[2] = device.Alloc[float32](dev, k)
	gathered, errs[3] = device.Alloc[float32](dev, n*k)
	if err := cmp.Or(errs[:]...); err != nil {
		return err
	}
	c.block, err = c.space.work.space(cuda.Rows{Memory: gathered, N: n, D: k, Stride: k})
	return err
}

// remembered is the memory, none where it stands for zeros.
func (c *columns) remembered() cuda.Memory[float32] {
	if !c.filled {
		return cuda.Memory[float32]{}
	}
	return c.now
}

// total is where the sum of scores goes.
func (c *columns) total() cuda.Memory[float64] { return c.space.work.values.Slice(0, 1) }

// Score implements [agg.Columns].
func (c *columns) Score(gamma float64, k int) (float64, error) {
	w := c.space.work
	if err := cmp.Or(c.failed, c.reserve(), c.room(k), w.clear()); err != nil {
		return 0, err
	}
	c.gamma = gamma
	var err error
	if c.memory == memoryClient {
		err = c.stream().ScoreRows(c.scores, c.total(), c.next, c.space.rows, c.remembered(), gamma, c.sums)
	} else {
		next := cuda.Memory[float32]{}
		if c.memory == memoryMean {
			next = c.next
		}
		err = c.stream().ScoreColumns(c.scores, c.total(), next, w.flag(badMemory), c.space.rows, c.remembered(), gamma, c.sums)
	}
	total, flags, err := c.scored(err)
	c.overflows = flags[badMemory] != 0
	return total, err
}

// scored is the sum of the scores, and the flags, once they are there.
func (c *columns) scored(err error) (total float64, set []uint32, _ error) {
	var sum [1]float64
	w := c.space.work
	err = cmp.Or(err, cuda.Download(w.dev.Stream, w.hostFlags, w.flags), w.read(sum[:]))
	return sum[0], w.hostFlags.Slice(), err
}

// Choose implements [agg.Columns]. It gathers the block as well, to score it, so that the
// time of Gather counts as Choose's.
func (c *columns) Choose(r *rand.Rand) (inside float64, err error) {
	s, block := c.stream(), c.block.rows
	if err := c.setIndex(r); err != nil {
		return 0, err
	}
	gamma, memory := 1.0, cuda.Memory[float32]{} // of P, in the block
	switch {
	case c.memory == memoryClient:
		n, d := c.space.Size()
		err = s.Gather(block.Memory, cuda.Rows{Memory: c.next, N: n, D: d, Stride: d}, c.index, memory, 0)
	case c.direct:
		gamma = c.gamma
		err = s.Gather(block.Memory, c.space.rows, c.index, memory, 0)
		if c.filled && err == nil {
			memory = c.inBlock
			err = s.Gather(memory, cuda.Rows{Memory: c.now, N: 1, D: c.now.Len(), Stride: c.now.Len()}, c.index, cuda.Memory[float32]{}, 0)
		}
	default:
		err = s.Gather(block.Memory, c.space.rows, c.index, c.remembered(), c.gamma)
	}
	if err != nil {
		return 0, err
	}
	k := c.index.Len()
	err = s.ScoreColumns(c.scores.Slice(0, k), c.total(), cuda.Memory[float32]{}, c.space.work.flag(badResult), block, memory, gamma, c.sums)
	inside, _, err = c.scored(err)
	return inside, err
}

// setIndex queues what sets the index.
func (c *columns) setIndex(r *rand.Rand) error {
	if !c.random {
		return c.stream().Largest(c.index, c.scores, c.selection)
	}
	c.drawn = slices.Grow(c.drawn[:0], c.index.Len())[:c.index.Len()]
	if err := agg.RandomColumns(c.drawn, c.space.rows.D, r); err != nil {
		return err
	}
	for p, j := range c.drawn {
		c.hostIndex.Slice()[p] = uint32(j)
	}
	return cuda.Upload(c.stream(), c.index, c.hostIndex)
}

// Gather implements [agg.Columns].
func (c *columns) Gather() (agg.Space, error) { return c.block, nil }

// Finish implements [agg.Columns].
func (c *columns) Finish(weights []float64) error {
	w, s := c.space.work, c.stream()
	n, d := c.space.Size()
	err := w.clear()
	switch c.memory {
	case memoryGMWeighted:
		err = cmp.Or(err,
			w.combine(c.space.Result, badMemory, c.space.rows, weights),
			s.Carry(c.next, w.flag(badMemory), c.space.Result, c.remembered(), c.gamma),
			s.ClearColumns(c.next, c.index))
	case memoryMean:
		err = cmp.Or(err, s.ClearColumns(c.next, c.index))
	case memoryClient:
		for i := range n {
			err = cmp.Or(err, s.ClearColumns(c.next.Slice(i*d, (i+1)*d), c.index))
		}
	}
	by, over := c.gamma, 0.0
	if c.direct {
		by, over = 0, c.gamma
	}
	if err = cmp.Or(err, s.Scatter(c.space.Result, w.flag(badResult), c.block.Result, c.index, c.remembered(), by, over)); err != nil {
		return err
	}
	bad, err := w.wait()
	switch {
	case err != nil:
		return err
	case c.overflows || bad[badMemory] != 0:
		return overflows("memory")
	case bad[badResult] != 0:
		return overflows("result")
	}
	if c.memory != memoryNone {
		c.now, c.next, c.filled = c.next, c.now, true
	}
	return nil
}

// overflows says that finite rows gave what is not.
func overflows(what string) error {
	return fmt.Errorf("rows: rule \"block\": the %s overflows: %w", what, agg.ErrNotFinite)
}

// State implements [agg.Memory].
func (c *columns) State() []float32 {
	if !c.filled {
		return nil
	}
	state := make([]float32, c.now.Len())
	if err := cuda.Read(c.stream(), state, c.now); err != nil {
		c.failed = err
		return nil
	}
	return state
}

// Restore implements [agg.Memory].
func (c *columns) Restore(state []float32) error {
	if len(state) == 0 {
		c.filled = false
		return nil
	}
	if n, d := c.space.Size(); len(state) != c.size() {
		return fmt.Errorf("rows: rule \"block\": the memory has %d elements, want %d for a G of %d×%d and memory %q", len(state), c.size(), n, d, c.memory)
	}
	for i, v := range state {
		if v-v != 0 {
			return fmt.Errorf("rows: rule \"block\": cannot restore a state with %v at element %d: %w", v, i, agg.ErrNotFinite)
		}
	}
	if err := cmp.Or(c.reserve(), cuda.Write(c.stream(), c.now, state)); err != nil {
		return err
	}
	c.filled = true
	return nil
}
