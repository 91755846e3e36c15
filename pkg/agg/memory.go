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

// State implements [Stateful]: d floats, n×d row by row for the memory
// "client", and always nil for "none".
func (b *Block) State() []float32 {
	if b.perRow() && b.memory != nil {
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

// Restore implements [Stateful]. An empty state forgets everything, sizes too.
// After a first Aggregate the length must fit its G; before, it is checked then.
func (b *Block) Restore(state []float32) error {
	fill(b.keep, 1)
	if len(state) == 0 {
		b.memory = nil
		return nil
	}
	if b.options.Memory == memoryNone {
		return fmt.Errorf("agg: rule %q: cannot restore %d elements of memory, memory is %q", "block", len(state), memoryNone)
	}
	if b.memory != nil && len(state) != len(b.memory) {
		return fmt.Errorf("agg: rule %q: cannot restore %d elements of memory, want %d", "block", len(state), len(b.memory))
	}
	var err error
	b.memory, err = restored("block", state, b.memory)
	return err
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

// score sets scores[j] to Σᵢ Pᵢⱼ² and returns their sum, in one pass over G.
// One vector of memory m needs the column sums of G and its squares only:
//
//	Σᵢ (γgᵢⱼ + mⱼ)² = γ² Σ gᵢⱼ² + 2γmⱼ Σ gᵢⱼ + n mⱼ².
func (b *Block) score(G Matrix, gamma float64) (total float64) {
	d := G.Cols
	b.scores, b.sums = grown(b.scores, d), grown(b.sums, d)
	chunks := par.Chunks(d, columnGrain)
	b.totals = grown(b.totals, chunks)
	if b.perRow() {
		b.reserve(G)
	}
	par.For(d, columnGrain, func(chunk, lo, hi int) {
		sum := 0.0
		for ; lo < hi; lo += columnBlock {
			scores := b.scores[lo:min(lo+columnBlock, hi)]
			if b.perRow() {
				b.scoreRows(scores, G, gamma, lo)
			} else {
				b.scoreColumns(scores, G, gamma, lo)
			}
			sum += total4(scores)
		}
		b.totals[chunk] = sum
	})
	for _, t := range b.totals {
		total += t
	}
	return total
}

// total4 adds up x in four sums, which do not wait for each other.
func total4(x []float64) float64 {
	var s0, s1, s2, s3 float64
	for ; len(x) >= 4; x = x[4:] {
		s0, s1, s2, s3 = s0+x[0], s1+x[1], s2+x[2], s3+x[3]
	}
	return (s0 + s1) + (s2 + s3) + sum(x)
}

// scoreColumns scores columns [lo, lo+len(scores)) for one vector of memory.
func (b *Block) scoreColumns(scores []float64, G Matrix, gamma float64, lo int) {
	sums := b.sums[lo:][:len(scores)]
	sumColumns(sums, scores, G, lo)
	if b.memory == nil {
		for j := range scores {
			scores[j] *= gamma * gamma
		}
		return
	}
	memory, n := b.memory[lo:][:len(scores)], float64(G.Rows)
	for j, v := range memory {
		m := float64(v)
		if scores[j] = gamma*gamma*scores[j] + m*(2*gamma*sums[j]+n*m); scores[j] < 0 {
			scores[j] = 0
		}
	}
}

// scoreRows writes columns [lo, lo+len(scores)) of P to next and scores them.
func (b *Block) scoreRows(scores []float64, G Matrix, gamma float64, lo int) {
	clear(scores)
	n, keep := len(scores), b.keep[lo:][:len(scores)]
	at := func(data []float32, i int) []float32 { return data[i*G.Cols+lo:][:n] }
	before := b.memory
	if before == nil {
		before = b.next // zeros
	}
	for i := range G.Rows {
		var memory, x []float32 // of the next row
		if i+1 < G.Rows {
			memory, x = at(before, i+1), at(G.Data, i+1)
		}
		simd.Accumulate(at(b.next, i), at(before, i), keep, at(G.Data, i), scores, gamma, memory, x)
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
}

// remember computes the next memory, which commit puts in place; it uses dst as
// scratch.
func (b *Block) remember(dst []float32, G Matrix, gamma float64, w []float64) error {
	switch b.options.Memory {
	case memoryMean:
		scale := gamma / float64(G.Rows)
		return rememberShared(b, b.sums, scale)
	case memoryGMWeighted:
		if len(w) != G.Rows {
			return fmt.Errorf("agg: rule %q: memory is %q, but the inner rule %v gave %d weights for %d rows",
				"block", memoryGMWeighted, b.inner, len(w), G.Rows)
		}
		weightedSum(dst, G, w)
		return rememberShared(b, dst, gamma)
	}
	return nil
}

// rememberShared sets b.next to scale·part + m, zero on the block.
func rememberShared[T float32 | float64](b *Block, part []T, scale float64) error {
	b.next = grown(b.next, len(part))
	var bad atomic.Bool
	par.For(len(part), columnGrain, func(_, lo, hi int) {
		next := b.next[lo:hi]
		if b.memory == nil {
			for j, v := range part[lo:hi] {
				next[j] = float32(scale * float64(v))
			}
		} else {
			m := b.memory[lo:hi]
			for j, v := range part[lo:hi] {
				next[j] = float32(scale*float64(v) + float64(m[j]))
			}
		}
		if !simd.Finite(next) {
			bad.Store(true)
		}
	})
	if bad.Load() {
		return overflows("block", "memory")
	}
	for _, j := range b.index {
		b.next[j] = 0
	}
	return nil
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
