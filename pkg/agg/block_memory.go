package agg

import (
	"fmt"
	"slices"
	"sync/atomic"

	"github.com/bgmd/bgmd/internal/huge"
	"github.com/bgmd/bgmd/internal/par"
	"github.com/bgmd/bgmd/internal/simd"
)

const (
	memoryMean       = "mean"
	memoryClient     = "client"
	memoryGMWeighted = "gm-weighted"
	memoryNone       = "none"
)

// Memories returns the allowed values of [BlockOptions] Memory, the default
// first. A memory is zero on the last block I; outside of it
//
//	mean         m = (1/n) Σ Pᵢ, one vector for all rows [bgmd, Alg. 1]
//	client       mᵢ = Pᵢ, a vector for each row: n×d floats
//	gm-weighted  m = Σ wᵢ Pᵢ with the inner rule's Stats.Weights
//	none         nothing is remembered
//
// "mean" averages corrupt residuals into the memory and returns them later, on
// every row, where no rule can tell them apart.
func Memories() []string {
	return []string{memoryMean, memoryClient, memoryGMWeighted, memoryNone}
}

// memory is what a [Block] remembers.
type memory struct {
	kind      string      // one of Memories
	now, next []float32   // d, or n×d for "client"; next is scratch, P for "client"
	mask      []float32   // for "client", d: 0 on the last block, where now stands for zeros; 1 elsewhere
	overflow  atomic.Bool // next is not finite
}

// state returns the memory with all zeros in place.
func (m *memory) state() []float32 {
	if m.perRow() && m.now != nil && len(m.mask) > 0 {
		m.settle()
	}
	return m.now
}

// settle writes to now the zeros that mask stands for.
func (m *memory) settle() {
	d := len(m.mask)
	par.For(len(m.now)/d, 1, func(i, _, _ int) {
		row := m.now[i*d:][:d]
		for j, k := range m.mask {
			row[j] *= k
		}
	})
}

// perRow reports whether every row has a memory of its own.
func (m *memory) perRow() bool { return m.kind == memoryClient }

// restore replaces the memory, as [Block.Restore] says.
func (m *memory) restore(state []float32) error {
	if len(state) == 0 {
		m.now = nil
		fill(m.mask, 1)
		return nil
	}
	if m.kind == memoryNone {
		return fmt.Errorf("agg: rule %q: cannot restore %d elements of memory, memory is %q", "block", len(state), memoryNone)
	}
	if m.now != nil && len(state) != len(m.now) {
		return fmt.Errorf("agg: rule %q: cannot restore %d elements of memory, want %d", "block", len(state), len(m.now))
	}
	now, err := restored("block", state, m.now)
	if err != nil {
		return err
	}
	m.now = now
	fill(m.mask, 1)
	return nil
}

// restored returns a copy of state, or kept where an element is not finite.
func restored(rule string, state, kept []float32) ([]float32, error) {
	for i, v := range state {
		if v-v != 0 {
			return kept, fmt.Errorf("agg: rule %q: cannot restore a state with %v at element %d: %w", rule, v, i, ErrNotFinite)
		}
	}
	return slices.Clone(state), nil
}

// size is the number of elements of the memory for an n×d matrix.
func (m *memory) size(G Matrix) int {
	switch m.kind {
	case memoryNone:
		return 0
	case memoryClient:
		return G.Rows * G.Cols
	default:
		return G.Cols
	}
}

// reserve makes room for the next memory. A memory for each row takes the room of P.
func (m *memory) reserve(G Matrix) error {
	if want := m.size(G); m.now != nil && len(m.now) != want {
		return fmt.Errorf("agg: rule %q: the memory has %d elements, want %d for a G of %d×%d and memory %q",
			"block", len(m.now), want, G.Rows, G.Cols, m.kind)
	}
	m.overflow.Store(false)
	if !m.perRow() {
		m.next = grown(m.next, m.size(G))
		return nil
	}
	if size := G.Rows * G.Cols; m.now == nil || len(m.next) != size {
		m.next = huge.Make[float32](size)
	}
	if len(m.mask) != G.Cols {
		m.mask = make([]float32, G.Cols)
		fill(m.mask, 1)
	}
	if m.now == nil { // nothing that is in next already counts, should it be written twice
		fill(m.mask, 0)
	}
	return nil
}

// rows returns what a block is taken from: G, or P where score has written it.
func (m *memory) rows(G Matrix) Matrix {
	if m.perRow() {
		G.Data = m.next
	}
	return G
}

// score scores columns [lo, lo+len(scores)) of P, Σᵢ Pᵢⱼ² for column j, and writes what
// the memory needs of them to next.
func (m *memory) score(scores []float64, G Matrix, gamma float64, lo int) {
	if m.perRow() {
		m.scoreRows(scores, G, gamma, lo)
	} else {
		m.scoreColumns(scores, G, gamma, lo)
	}
}

// sample estimates the scores of the sampleLine columns from lo on.
//
// Every row is a cache miss. It copies rows before it does anything with them, so that
// the processor waits for many at a time.
func (m *memory) sample(scores []float64, G Matrix, gamma float64, lo int) {
	clear(scores)
	var memory, mask [sampleLine]float32
	var rows, memories [32][sampleLine]float32
	if m.now != nil && !m.perRow() {
		copy(memory[:], m.now[lo:])
	}
	if m.perRow() {
		copy(mask[:], m.mask[lo:])
	}
	for from := 0; from < G.Rows; from += len(rows) {
		copies := rows[:min(len(rows), G.Rows-from)]
		for i := range copies {
			copy(copies[i][:], G.Data[(from+i)*G.Cols+lo:])
		}
		if m.perRow() && m.now != nil {
			for i := range copies {
				copy(memories[i][:], m.now[(from+i)*G.Cols+lo:])
			}
		}
		for i := range copies {
			for j, v := range copies[i] {
				was := float64(memory[j])
				if m.perRow() {
					was = float64(memories[i][j]) * float64(mask[j])
				}
				t := gamma*float64(v) + was
				scores[j] += t * t
			}
		}
	}
}

// scoreColumns scores columns [lo, lo+len(scores)) for one vector of memory. What
// the memory "mean" will hold of them, if they are not selected, goes to next.
func (m *memory) scoreColumns(scores []float64, G Matrix, gamma float64, lo int) {
	var block [columnBlock]float64
	sums := block[:len(scores)]
	sumColumns(sums, scores, G, lo)
	if m.kind == memoryNone {
		for j := range scores {
			scores[j] *= gamma * gamma
		}
		return
	}
	memory, next := zeros[:len(scores)], m.next[lo:][:len(scores)]
	if m.now != nil {
		memory = m.now[lo:][:len(scores)]
	}
	simd.Score(scores, next, sums, memory, gamma, float64(G.Rows))
	if m.kind == memoryMean && !simd.Finite(next) {
		m.overflow.Store(true)
	}
}

// scoreRows writes columns [lo, lo+len(scores)) of P to next and scores them.
func (m *memory) scoreRows(scores []float64, G Matrix, gamma float64, lo int) {
	clear(scores)
	n, mask := len(scores), m.mask[lo:][:len(scores)]
	at := func(data []float32, i int) []float32 { return data[i*G.Cols+lo:][:n] }
	before := m.now
	if before == nil {
		before = m.next // zeros
	}
	for i := range G.Rows {
		var memory, x []float32 // of the next row
		if i+1 < G.Rows {
			memory, x = at(before, i+1), at(G.Data, i+1)
		}
		simd.Accumulate(at(m.next, i), at(before, i), mask, at(G.Data, i), scores, gamma, memory, x)
	}
}

// weigh sets next to what the memory "gm-weighted" will be, Σ wᵢ Pᵢ; dst is scratch.
func (m *memory) weigh(dst []float32, G Matrix, gamma float64, w []float64) {
	_ = weightedSum(dst, G, w) // what is not finite shows in next
	par.For(len(dst), columnGrain, func(_, lo, hi int) { m.carry(dst[lo:hi], gamma, lo) })
}

// carry sets columns [lo, lo+len(part)) of next to γ·part + m, and overflow where
// that is not finite.
func (m *memory) carry(part []float32, gamma float64, lo int) {
	next, memory := m.next[lo:][:len(part)], zeros[:len(part)]
	if m.now != nil {
		memory = m.now[lo:][:len(part)]
	}
	for j, v := range part {
		next[j] = float32(gamma*float64(v) + float64(memory[j]))
	}
	if !simd.Finite(next) {
		m.overflow.Store(true)
	}
}

// forget sets next to zero on the block, and reports what of it is not finite.
func (m *memory) forget(index []int) error {
	switch {
	case m.kind == memoryNone || m.perRow():
		return nil
	case m.overflow.Load():
		return overflows("block", "memory")
	}
	par.For(len(index), columnGrain, func(_, lo, hi int) {
		for _, j := range index[lo:hi] {
			m.next[j] = 0
		}
	})
	return nil
}

// commit replaces the memory by next, which is zero on the block.
func (m *memory) commit(index []int) {
	if m.kind == memoryNone {
		return
	}
	m.now, m.next = m.next, m.now
	if m.perRow() {
		fill(m.mask, 1)
		for _, j := range index {
			m.mask[j] = 0
		}
	}
}
