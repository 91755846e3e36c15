package agg

import (
	"math"

	"github.com/bgmd/bgmd/internal/par"
	"github.com/bgmd/bgmd/internal/topk"
)

// hostColumns is the host's Columns.
type hostColumns struct {
	rows    *host
	options BlockOptions
	direct  bool // the block is taken from G itself, not from P
	memory  memory

	gamma          float64
	scores, totals []float64 // d: Σᵢ Pᵢⱼ²; and a sum of them for each chunk of columns
	sample         []float64 // scores of some columns
	selector       topk.Selector
	sampler        sampler
	selected       bool      // the selector has copied the block's columns
	index          []int     // I, ascending; k
	gathered       []float32 // n×k
	out            []float32 // k
	block          host      // of these
}

// Score implements [Columns], in one pass over G. One vector of memory m needs the
// column sums of G and its squares only:
//
//	Σᵢ (γgᵢⱼ + mⱼ)² = γ² Σ gᵢⱼ² + 2γmⱼ Σ gᵢⱼ + n mⱼ².
//
// For the selection "top-k" it estimates from a sample a bound that the k largest scores
// are above. It keeps only the scores above this bound, and copies their columns while
// these are in the second-level cache. Where that fails, and for other selections, a
// pass keeps all scores.
func (c *hostColumns) Score(gamma float64, k int) (total float64, err error) {
	G := c.rows.G
	if err := c.memory.reserve(G); err != nil {
		return 0, err
	}
	c.gamma, c.index = gamma, grown(c.index, k)
	chunks := par.Chunks(G.Cols, columnGrain)
	c.totals = grown(c.totals, chunks)
	c.selected = false
	if c.options.samples(k, G.Cols) {
		c.selector.Start(chunks, c.floor(G, k), 2*k+G.Cols/32)
		c.pass(G, nil)
		c.selected = c.selector.Holds(k)
	}
	if !c.selected {
		c.scores = grown(c.scores, G.Cols)
		c.pass(G, c.scores)
	}
	return sum(c.totals), nil
}

// pass scores all columns. It keeps all scores or, where scores is nil, hands them to the
// selector.
func (c *hostColumns) pass(G Matrix, scores []float64) {
	rows := c.memory.rows(G)
	par.For(G.Cols, columnGrain, func(chunk, lo, hi int) {
		var space [columnBlock]float64
		total := 0.0
		for ; lo < hi; lo += columnBlock {
			if scores == nil && c.selector.Overfull() {
				return // another pass has to be made
			}
			part := space[:min(columnBlock, hi-lo)]
			if scores != nil {
				part = scores[lo:][:len(part)]
			}
			c.memory.score(part, G, c.gamma, lo)
			total += total4(part)
			if scores == nil {
				c.selector.Add(chunk, part, lo, rows.Data, rows.Rows, rows.Cols)
			}
		}
		c.totals[chunk] = total
	})
}

const (
	sampleLines = 256 // of columns, spread over G
	sampleLine  = 16  // columns, a cache line
)

// floor estimates from a sample a bin such that a few more than k scores are in it or
// above: the bin of the r-th largest of m scores with
//
//	r = p + 3√p + p/20,  p = mk/d.
func (c *hostColumns) floor(G Matrix, k int) topk.Bin {
	const m = sampleLines * sampleLine
	c.sample = grown(c.sample, m)
	par.For(sampleLines, sampleLines/8, func(_, lo, hi int) {
		for line := lo; line < hi; line++ {
			at := line * (G.Cols / sampleLines)
			c.memory.sample(c.sample[line*sampleLine:][:sampleLine], G, c.gamma, at)
		}
	})
	p := m * float64(k) / float64(G.Cols)
	return c.selector.RankedBin(c.sample, int(p+3*math.Sqrt(p)+p/20)+1)
}

// samples reports whether a sample can bound the k largest of d scores, and whether that
// is worth it: it is not where k is a good part of d.
func (o BlockOptions) samples(k, d int) bool {
	return o.Select == selectTopK && d >= 16*sampleLines*sampleLine && k <= d/4
}

// total4 adds up x in four sums, which do not wait for each other.
func total4(x []float64) float64 {
	var s0, s1, s2, s3 float64
	for ; len(x) >= 4; x = x[4:] {
		s0, s1, s2, s3 = s0+x[0], s1+x[1], s2+x[2], s3+x[3]
	}
	return (s0 + s1) + (s2 + s3) + sum(x)
}
