package agg

import (
	"fmt"
	"slices"

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

// State implements [Memory]: d floats, n×d row by row for the memory
// "client", and always nil for "none".
func (b *Block) State() []float32 {
	if b.perRow() && b.memory != nil && len(b.keep) > 0 {
		b.settle()
	}
	return b.memory
}

// settle writes the zeros that keep stands for.
func (b *Block) settle() {
	d := len(b.keep)
	par.For(len(b.memory)/d, 1, func(i, _, _ int) {
		row := b.memory[i*d:][:d]
		for j, k := range b.keep {
			row[j] *= k
		}
	})
}

// perRow reports whether every row has a memory of its own.
func (b *Block) perRow() bool { return b.options.Memory == memoryClient }

// Restore implements [Memory]. An empty state forgets everything, sizes too.
// After a first Aggregate the length must fit its G; before, it is checked then.
func (b *Block) Restore(state []float32) error {
	if len(state) == 0 {
		b.memory = nil
		fill(b.keep, 1)
		return nil
	}
	if b.options.Memory == memoryNone {
		return fmt.Errorf("agg: rule %q: cannot restore %d elements of memory, memory is %q", "block", len(state), memoryNone)
	}
	if b.memory != nil && len(state) != len(b.memory) {
		return fmt.Errorf("agg: rule %q: cannot restore %d elements of memory, want %d", "block", len(state), len(b.memory))
	}
	memory, err := restored("block", state, b.memory)
	if err != nil {
		return err
	}
	b.memory = memory
	fill(b.keep, 1)
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

func (b *Block) memorySize(G Matrix) int {
	switch b.options.Memory {
	case memoryNone:
		return 0
	case memoryClient:
		return G.Rows * G.Cols
	default:
		return G.Cols
	}
}

// reserve makes room for P, in the first call of zeros.
func (b *Block) reserve(G Matrix) {
	if size := G.Rows * G.Cols; b.memory == nil || len(b.next) != size {
		b.next = huge.Make[float32](size)
	}
	if len(b.keep) != G.Cols {
		b.keep = make([]float32, G.Cols)
		fill(b.keep, 1)
	}
	if b.memory == nil { // nothing that is in next already counts, should it be written twice
		fill(b.keep, 0)
	}
}

// remember computes the next memory, which commit puts in place; it uses dst as
// scratch.
func (b *Block) remember(dst []float32, G Matrix, gamma float64, w []float64) error {
	switch b.options.Memory {
	case memoryMean: // next is there already, from scoreColumns
	case memoryGMWeighted:
		if len(w) != G.Rows {
			return fmt.Errorf("agg: rule %q: memory is %q, but the inner rule %v gave %d weights for %d rows",
				"block", memoryGMWeighted, b.inner, len(w), G.Rows)
		}
		_ = weightedSum(dst, G, w) // carry finds what is not finite
		par.For(len(dst), columnGrain, func(_, lo, hi int) { b.carry(dst[lo:hi], gamma, lo) })
	default:
		return nil
	}
	if b.overflow.Load() {
		return overflows("block", "memory")
	}
	par.For(len(b.index), columnGrain, func(_, lo, hi int) {
		for _, j := range b.index[lo:hi] {
			b.next[j] = 0
		}
	})
	return nil
}

// carry sets columns [lo, lo+len(part)) of next to γ·part + m, and overflow where
// that is not finite.
func (b *Block) carry(part []float32, gamma float64, lo int) {
	next, memory := b.next[lo:][:len(part)], zeros[:len(part)]
	if b.memory != nil {
		memory = b.memory[lo:][:len(part)]
	}
	for j, v := range part {
		next[j] = float32(gamma*float64(v) + float64(memory[j]))
	}
	if !simd.Finite(next) {
		b.overflow.Store(true)
	}
}

// commit replaces the memory.
func (b *Block) commit() {
	if b.options.Memory == memoryNone {
		return
	}
	b.memory, b.next = b.next, b.memory
	if b.perRow() {
		fill(b.keep, 1)
		for _, j := range b.index {
			b.keep[j] = 0
		}
	}
}
