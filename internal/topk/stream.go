package topk

import (
	"slices"

	"github.com/bgmd/bgmd/internal/par"
	"github.com/bgmd/bgmd/internal/simd"
)

// Start begins a selection among scores that are formed by and by, in so many chunks:
// those in the bin floor and above are candidates. It gives up beyond most of them.
func (s *Selector) Start(chunks int, floor Bin, most int) {
	s.reset(chunks)
	s.floor = floor
	s.left.Store(int64(most))
}

// Add takes the scores of the columns from lo on, a multiple of [Width], up to Width of
// them, and copies the columns of the candidates: of n rows, each of which begins a
// stride after the one before. Chunks may be added to side by side, each in ascending
// order.
//
// Chosen: two copies of a little more than the block, which cost half of what reading
// most lines of the matrix anew does. Rejected: copying by AVX-512's VCOMPRESSPS, which
// gains nothing: what is written and read again is what limits it.
func (s *Selector) Add(chunk int, scores []float64, lo int, rows []float32, n, stride int) {
	p := &s.parts[chunk]
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
	held := 0
	for i := range s.parts {
		held += len(s.parts[i].candidates)
	}
	return held >= k && !s.Overfull()
}

// Finish does what [Selector.Top] does with the scores added since [Selector.Start], if
// the candidates hold as many.
func (s *Selector) Finish(index []int) {
	grain := par.Chunks(len(s.parts), chunks)
	counts := s.countsOf(par.Chunks(len(s.parts), grain))
	var most [chunks]Bin // the highest bin
	par.For(len(s.parts), grain, func(chunk, lo, hi int) {
		counts, highest := counts[chunk], s.floor
		for i := lo; i < hi; i++ {
			for _, c := range s.parts[i].candidates {
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

// Gather sets out, of n rows of k values, to the k columns that [Selector.Finish] chose.
func (s *Selector) Gather(out []float32, n int) {
	k := len(out) / n
	par.For(len(s.parts), 1, func(chunk, _, _ int) {
		at, part, data := s.parts[chunk].start, s.parts[chunk].candidates, s.parts[chunk].columns
		var chosen [Width + 1]uint16
		for len(part) > 0 {
			columns, of := 0, 0 // of this Width: candidates, and chosen of them
			for number := part[0].index / Width; columns < len(part) && part[columns].index/Width == number; columns++ {
				chosen[of] = uint16(columns) // overwritten unless it is
				if s.chosen(part[columns]) {
					of++
				}
			}
			for i := range n {
				simd.Pick(out[i*k+at:][:of], data[i*columns:][:columns], chosen[:of])
			}
			at, part, data = at+of, part[columns:], data[n*columns:]
		}
	})
}
