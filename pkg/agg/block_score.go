package agg

import (
	"math"

	"github.com/bgmd/bgmd/internal/par"
	"github.com/bgmd/bgmd/internal/simd"
)

// score scores the columns, Σᵢ Pᵢⱼ² for column j, and returns the sum of all, in one
// pass over G. One vector of memory m needs the column sums of G and its squares
// only:
//
//	Σᵢ (γgᵢⱼ + mⱼ)² = γ² Σ gᵢⱼ² + 2γmⱼ Σ gᵢⱼ + n mⱼ².
//
// For the k largest it holds on to nothing but the scores above a bound that a
// sample gives, and picks their columns while they are in the second-level cache,
// so that neither the selection nor the gathering has to read all again. Where
// that fails, and for other selections, a pass keeps all scores.
func (b *Block) score(G Matrix, gamma float64, k int) (total float64) {
	chunks := par.Chunks(G.Cols, columnGrain)
	b.totals = grown(b.totals, chunks)
	b.overflow.Store(false)
	switch b.options.Memory {
	case memoryClient:
		b.reserve(G)
	case memoryMean, memoryGMWeighted:
		b.next = grown(b.next, G.Cols)
	}
	if least, known := b.floor(G, gamma, k); known {
		b.least = least
		b.selector.reset(chunks)
		b.picks.reset(chunks, 2*k+G.Cols/32)
		b.pass(G, gamma, nil)
		b.picked = b.picks.complete() && b.selector.held() >= k
	} else {
		b.picked = false
	}
	if !b.picked {
		b.scores = grown(b.scores, G.Cols)
		b.pass(G, gamma, b.scores)
	}
	return sum(b.totals)
}

// pass scores all columns: to scores or, where that is nil, to pick from.
func (b *Block) pass(G Matrix, gamma float64, scores []float64) {
	par.For(G.Cols, columnGrain, func(chunk, lo, hi int) {
		var space [columnBlock]float64
		total := 0.0
		for ; lo < hi; lo += columnBlock {
			if scores == nil && !b.picks.complete() {
				return // another pass has to be made
			}
			part := space[:min(columnBlock, hi-lo)]
			if scores != nil {
				part = scores[lo:][:len(part)]
			}
			if b.perRow() {
				b.scoreRows(part, G, gamma, lo)
			} else {
				b.scoreColumns(part, G, gamma, lo)
			}
			total += total4(part)
			if scores == nil {
				b.picks.add(chunk, b.rowsOf(G), b.selector.collect(chunk, part, lo, b.least))
			}
		}
		b.totals[chunk] = total
	})
}

const (
	sampleLines = 256 // of columns, spread over G
	sampleLine  = 16  // columns, a cache line
)

// floor returns a bin which a few more than k scores are in or above, as far as a
// sample tells: the bin of the r-th largest of m scores with
//
//	r = p + 3√p + p/20,  p = mk/d,
//
// and whether it is worth to have one: where k is a good part of d it is not.
func (b *Block) floor(G Matrix, gamma float64, k int) (bin uint64, known bool) {
	if !b.samples(k, G.Cols) {
		return 0, false
	}
	const m = sampleLines * sampleLine
	b.sample = grown(b.sample, m)
	par.For(sampleLines, sampleLines/8, func(_, lo, hi int) {
		for line := lo; line < hi; line++ {
			at := line * (G.Cols / sampleLines)
			b.sampleScores(b.sample[line*sampleLine:][:sampleLine], G, gamma, at)
		}
	})
	p := m * float64(k) / float64(G.Cols)
	bin, _ = b.selector.bin(b.sample, m, int(p+3*math.Sqrt(p)+p/20)+1)
	return bin, true
}

// samples reports whether a sample tells where the largest k of d scores begin.
func (b *Block) samples(k, d int) bool {
	return b.options.Select == selectTopK && d >= 16*sampleLines*sampleLine && k <= d/4
}

// sampleScores sets scores to about those of the sampleLine columns from lo on.
//
// Every row is a cache miss. Copied before anything is done with them, the
// processor waits for many at a time.
func (b *Block) sampleScores(scores []float64, G Matrix, gamma float64, lo int) {
	clear(scores)
	var memory, keep [sampleLine]float32
	var rows, memories [32][sampleLine]float32
	if b.memory != nil && !b.perRow() {
		copy(memory[:], b.memory[lo:])
	}
	if b.perRow() {
		copy(keep[:], b.keep[lo:])
	}
	for from := 0; from < G.Rows; from += len(rows) {
		held := rows[:min(len(rows), G.Rows-from)]
		for i := range held {
			copy(held[i][:], G.Data[(from+i)*G.Cols+lo:])
		}
		if b.perRow() && b.memory != nil {
			for i := range held {
				copy(memories[i][:], b.memory[(from+i)*G.Cols+lo:])
			}
		}
		for i := range held {
			for j, v := range held[i] {
				m := float64(memory[j])
				if b.perRow() {
					m = float64(memories[i][j]) * float64(keep[j])
				}
				t := gamma*float64(v) + m
				scores[j] += t * t
			}
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
