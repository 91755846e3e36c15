package agg

import (
	"math"

	"github.com/bgmd/bgmd/internal/par"
	"github.com/bgmd/bgmd/internal/simd"
)

// score sets scores[j] to Σᵢ Pᵢⱼ² and returns their sum, in one pass over G.
// One vector of memory m needs the column sums of G and its squares only:
//
//	Σᵢ (γgᵢⱼ + mⱼ)² = γ² Σ gᵢⱼ² + 2γmⱼ Σ gᵢⱼ + n mⱼ².
//
// On the way it collects, for the selection of the k largest, the scores above a
// bound that a sample gives, and picks their columns while they are in the
// second-level cache, so that neither the selection nor the gathering has to read
// all again.
func (b *Block) score(G Matrix, gamma float64, k int) (total float64) {
	d := G.Cols
	b.scores = grown(b.scores, d)
	chunks := par.Chunks(d, columnGrain)
	b.totals = grown(b.totals, chunks)
	b.overflow.Store(false)
	switch b.options.Memory {
	case memoryClient:
		b.reserve(G)
	case memoryMean, memoryGMWeighted:
		b.next = grown(b.next, d)
	}
	floor, known := b.floor(G, gamma, k)
	b.selector.reset(chunks)
	b.picks.reset(chunks, 2*k)
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
			if known && b.picks.complete() {
				b.picks.add(chunk, b.rowsOf(G), b.selector.collect(chunk, scores, lo, floor))
			}
		}
		b.totals[chunk] = sum
	})
	for _, t := range b.totals {
		total += t
	}
	return total
}

const (
	sampleLines = 256 // of columns, spread over G
	sampleLine  = 16  // columns, a cache line
)

// floor returns a bin which a few more than k scores are in or above, as far as a
// sample tells: the bin of the r-th largest of m scores with
//
//	r = p + 4√p + p/20,  p = mk/d,
//
// and whether it is worth to have one: where k is a good part of d it is not.
// Should fewer than k lie there after all, the selection looks at all scores.
func (b *Block) floor(G Matrix, gamma float64, k int) (bin uint64, known bool) {
	const m = sampleLines * sampleLine
	if b.options.Select != selectTopK || G.Cols < 16*m || k > G.Cols/4 {
		return 0, false
	}
	b.sample = grown(b.sample, m)
	par.For(sampleLines, sampleLines/8, func(_, lo, hi int) {
		for line := lo; line < hi; line++ {
			at := line * (G.Cols / sampleLines)
			b.sampleScores(b.sample[line*sampleLine:][:sampleLine], G, gamma, at)
		}
	})
	p := m * float64(k) / float64(G.Cols)
	bin, _ = b.selector.bin(b.sample, m, int(p+4*math.Sqrt(p)+p/20)+1)
	return bin, true
}

// sampleScores sets scores to about those of the columns from lo on.
func (b *Block) sampleScores(scores []float64, G Matrix, gamma float64, lo int) {
	clear(scores)
	n := len(scores)
	memory := zeros[:n] // of the row
	for i := range G.Rows {
		switch {
		case b.memory == nil:
		case b.perRow():
			memory = b.memory[i*G.Cols+lo:][:n]
		default:
			memory = b.memory[lo:][:n]
		}
		for j, v := range G.Row(i)[lo:][:n] {
			m := float64(memory[j])
			if b.perRow() {
				m *= float64(b.keep[lo+j])
			}
			t := gamma*float64(v) + m
			scores[j] += t * t
		}
	}
}

// total4 adds up x in four sums, which do not wait for each other.
func total4(x []float64) float64 {
	var s0, s1, s2, s3 float64
	for ; len(x) >= 4; x = x[4:] {
		s0, s1, s2, s3 = s0+x[0], s1+x[1], s2+x[2], s3+x[3]
	}
	return (s0 + s1) + (s2 + s3) + sum(x)
}

// scoreColumns scores columns [lo, lo+len(scores)) for one vector of memory. What
// the memory "mean" will hold of them, if they are not selected, goes to next.
func (b *Block) scoreColumns(scores []float64, G Matrix, gamma float64, lo int) {
	var block [columnBlock]float64
	sums := block[:len(scores)]
	sumColumns(sums, scores, G, lo)
	if b.options.Memory == memoryNone {
		for j := range scores {
			scores[j] *= gamma * gamma
		}
		return
	}
	memory, next := zeros[:len(scores)], b.next[lo:][:len(scores)]
	if b.memory != nil {
		memory = b.memory[lo:][:len(scores)]
	}
	simd.Score(scores, next, sums, memory, gamma, float64(G.Rows))
	if b.options.Memory == memoryMean && !simd.Finite(next) {
		b.overflow.Store(true)
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
