package topk

import (
	"slices"

	"github.com/bgmd/bgmd/internal/par"
	"github.com/bgmd/bgmd/internal/simd"
)

// Start begins a selection among scores that are formed bit by bit, in so many chunks.
// Scores in the bin floor and above are candidates. The selection gives up if there are
// more than most of them.
func (s *Selector) Start(chunks int, floor Bin, most int) {
	s.reset(chunks)
	s.floor = floor
	s.left.Store(int64(most))
}

// Add takes the scores of up to [Width] columns from lo on, a multiple of Width, and copies
// the candidates' columns from n rows, which are stride apart. Calls for different chunks
// may run concurrently; those for one chunk come in ascending order.
//
// Chosen: two copies of a little more than the block, which cost half of what reading
// most lines of the matrix anew does. Rejected: copying by AVX-512's VCOMPRESSPS, which
// gains nothing: what is written and read again is what limits it.
func (s *Selector) Add(chunk int, scores []float64, lo int, rows []float32, n, stride int) {
	p := &s.chunks[chunk]
	candidates := s.collect(p, scores, lo, s.floor)
	c := len(candidates)
	if c == 0 || s.left.Add(-int64(c)) < 0 {
		return
	}
	at := len(p.columns)
	p.columns = slices.Grow(p.columns, n*c)[:at+n*c]
	var columns [Width]uint16
	for q, candidate := range candidates {
		columns[q] = uint16(candidate.index - lo)
	}
	for i := range n {
		simd.Pick(p.columns[at+i*c:][:c], rows[i*stride+lo:][:len(scores)], columns[:c])
	}
}

// Overfull reports whether there are too many candidates to go on.
func (s *Selector) Overfull() bool { return s.left.Load() < 0 }

// Holds reports whether the k largest are among the candidates.
func (s *Selector) Holds(k int) bool {
	candidates := 0
	for i := range s.chunks {
		candidates += len(s.chunks[i].candidates)
	}
	return candidates >= k && !s.Overfull()
}

// Finish does what [Selector.Top] does with the scores added since [Selector.Start], if
// there are as many candidates.
func (s *Selector) Finish(index []int) {
	grain := par.Chunks(len(s.chunks), mostChunks)
	counts := s.countsOf(par.Chunks(len(s.chunks), grain))
	var most [mostChunks]Bin // the highest bin with a candidate
	par.For(len(s.chunks), grain, func(chunk, lo, hi int) {
		counts, highest := counts[chunk], s.floor
		for i := lo; i < hi; i++ {
			for _, c := range s.chunks[i].candidates {
				bin := c.bin()
				counts[bin]++
				highest = max(highest, bin)
			}
		}
		most[chunk] = highest
	})
	highest := slices.Max(most[:])
	bin, above := rankedBin(counts, highest, len(index))
	for _, c := range counts {
		clear(c[s.floor : highest+1])
	}
	s.choose(index, bin, above)
}

// Gather writes the k columns that [Selector.Finish] chose to out, n rows of k values.
func (s *Selector) Gather(out []float32, n int) {
	k := len(out) / n
	par.For(len(s.chunks), 1, func(chunk, _, _ int) {
		at, candidates, data := s.chunks[chunk].start, s.chunks[chunk].candidates, s.chunks[chunk].columns
		var chosen [Width + 1]uint16
		for len(candidates) > 0 {
			columns, of := 0, 0 // in this Width: candidates, and how many of them are chosen
			for number := candidates[0].index / Width; columns < len(candidates) && candidates[columns].index/Width == number; columns++ {
				chosen[of] = uint16(columns) // overwritten by the next unless it is chosen
				if s.chosen(candidates[columns]) {
					of++
				}
			}
			for i := range n {
				simd.Pick(out[i*k+at:][:of], data[i*columns:][:columns], chosen[:of])
			}
			at, candidates, data = at+of, candidates[columns:], data[n*columns:]
		}
	})
}
