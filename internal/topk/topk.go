// Package topk finds the columns of a matrix with the largest scores, ties to the
// lowest index, in linear time and on several cores.
//
// The bits of a score that is not negative, read as an integer, are in the order of the
// numbers. One pass counts scores by their leading bits, their bin. A second collects those
// in the bin of the k-th largest and above. The other bits decide only within that bin.
//
// A sample can give a bin that the k largest are in or above. Then they are found while
// scores are being formed: see [Selector.Start]. The columns of the
// candidates are then copied while they are in the second-level cache, so that neither
// the selection nor the gathering has to read all of the matrix again.
package topk

import (
	"cmp"
	"math"
	"slices"
	"sync/atomic"

	"github.com/bgmd/bgmd/internal/par"
	"github.com/bgmd/bgmd/internal/simd"
)

// Width is the most columns that [Selector.Add] takes at a time.
const Width = 2048

// Bin is the leading bits of a score, after the sign: the exponent and five bits of the
// rest, so that a bin is a 32nd of an octave wide.
type Bin uint64

const (
	binBits = 16
	highest = 1<<binBits - 1 // the last bin

	mostChunks = 8     // that scores are cut in
	leastGrain = 16384 // scores in a chunk
)

// Scratch is the bytes that a [Selector] holds besides 32 for each candidate, of which
// there are a few more than k.
const Scratch = mostChunks * 4 << binBits

// Selector owns the scratch of a selection. Its zero value is ready to use.
type Selector struct {
	counts  [][]int32    // a count for each bin, for each chunk
	chunks  []chunk      // of the scores
	lastBin []candidate  // scores in the last bin: that of the k-th largest
	last    candidate    // the k-th largest
	inside  float64      // the sum of the scores chosen
	floor   Bin          // candidates are in this bin or above
	left    atomic.Int64 // how many more candidates are worth taking
}

// chunk is what a selection knows of a chunk of the scores.
type chunk struct {
	candidates []candidate // scores in some bin and above
	columns    []float32   // of the candidates: a small matrix for each Width of columns
	lastBin    []candidate // candidates in the last bin
	above      int         // how many are in bins above the last
	start      int         // how many scores are chosen from the chunks before
	inside     float64     // the sum of the scores chosen from this chunk
}

// candidate is a score, as the integer with its bits, and its index.
type candidate struct {
	bits  uint64
	index int
}

func (c candidate) bin() Bin { return binOf(c.bits) }

func binOf(bits uint64) Bin { return Bin(bits >> (63 - binBits)) }

// Inside is the sum of the scores that were chosen last.
func (s *Selector) Inside() float64 { return s.inside }

// Top sets index to the len(index) largest of the scores, which are not negative, in
// ascending order.
func (s *Selector) Top(index []int, scores []float64) {
	grain := max(leastGrain, par.Chunks(len(scores), mostChunks))
	bin, above := s.ranked(scores, grain, len(index))
	s.reset(par.Chunks(len(scores), grain))
	par.For(len(scores), grain, func(chunk, lo, hi int) {
		for ; lo < hi; lo += Width {
			s.collect(&s.chunks[chunk], scores[lo:min(lo+Width, hi)], lo, bin)
		}
	})
	s.choose(index, bin, above)
}

// RankedBin returns the bin of the rank-th largest of a few scores.
func (s *Selector) RankedBin(scores []float64, rank int) Bin {
	bin, _ := s.ranked(scores, len(scores), rank)
	return bin
}

// reset empties so many chunks.
func (s *Selector) reset(chunks int) {
	for len(s.chunks) < chunks {
		s.chunks = append(s.chunks, chunk{})
	}
	s.chunks = s.chunks[:chunks]
	for i := range s.chunks {
		s.chunks[i].candidates, s.chunks[i].columns = s.chunks[i].candidates[:0], s.chunks[i].columns[:0]
	}
}

// collect appends to a chunk those of the scores that are in the bin floor or above, and
// returns what it has appended. The first score has the index lo.
func (s *Selector) collect(p *chunk, scores []float64, lo int, floor Bin) []candidate {
	var found [Width]uint16
	n := simd.Above(found[:], scores, int64(floor<<(63-binBits)))
	at := len(p.candidates)
	p.candidates = slices.Grow(p.candidates, n)[:at+n]
	for q, j := range found[:n] {
		p.candidates[at+q] = candidate{math.Float64bits(scores[j]), lo + int(j)}
	}
	return p.candidates[at:]
}

// choose sets index to the scores in bins above the given one, of which there are above,
// and fills it up with the largest in that bin.
func (s *Selector) choose(index []int, bin Bin, above int) {
	par.For(len(s.chunks), 1, func(chunk, _, _ int) {
		p := &s.chunks[chunk]
		in := slices.Grow(p.lastBin[:0], len(p.candidates)+1)[:len(p.candidates)+1]
		above, n := 0, 0
		for _, c := range p.candidates {
			b := c.bin()
			in[n] = c // overwritten by the next unless it is in the bin
			if b == bin {
				n++
			}
			if b > bin {
				above++
			}
		}
		p.lastBin, p.above = in[:n], above
	})
	s.lastBin = s.lastBin[:0]
	for i := range s.chunks {
		s.lastBin = append(s.lastBin, s.chunks[i].lastBin...)
	}
	s.last = s.narrow(len(index) - above)
	start := 0
	for i := range s.chunks {
		p := &s.chunks[i]
		p.start = start
		start += p.above
		for _, c := range p.lastBin {
			if s.chosen(c) {
				start++
			}
		}
	}
	par.For(len(s.chunks), 1, func(chunk, _, _ int) {
		p := &s.chunks[chunk]
		to := index[p.start:]
		p.inside = 0
		n := 0
		for _, c := range p.candidates {
			if s.chosen(c) {
				to[n] = c.index
				p.inside += math.Float64frombits(c.bits)
				n++
			}
		}
	})
	s.inside = 0
	for i := range s.chunks {
		s.inside += s.chunks[i].inside
	}
}

// chosen reports whether c is among the scores that choose has chosen.
func (s *Selector) chosen(c candidate) bool {
	return c.bits > s.last.bits || c.bits == s.last.bits && c.index <= s.last.index
}

// fewScores is the number of scores up to which sorting is faster than counting by 2¹⁶
// bins.
const fewScores = 512

// narrow returns the rank-th largest of lastBin, counted from 1; of equals, the lowest
// index comes first. It looks at the bits that bins do not, until few scores are left.
func (s *Selector) narrow(rank int) candidate {
	counts := s.counts[0]
	for shift := 63 - 2*binBits; len(s.lastBin) > fewScores; shift = max(0, shift-binBits) {
		digit := func(c candidate) uint64 { return c.bits >> shift & highest }
		for _, c := range s.lastBin {
			counts[digit(c)]++
		}
		bin := uint64(highest)
		for ; int(counts[bin]) < rank; bin-- {
			rank -= int(counts[bin])
		}
		clear(counts)
		kept := s.lastBin[:0]
		for _, c := range s.lastBin {
			if digit(c) == bin {
				kept = append(kept, c)
			}
		}
		s.lastBin = kept
		if shift == 0 {
			return s.lastBin[rank-1]
		}
	}
	slices.SortFunc(s.lastBin, func(a, b candidate) int {
		return cmp.Or(cmp.Compare(b.bits, a.bits), cmp.Compare(a.index, b.index))
	})
	return s.lastBin[rank-1]
}

// ranked returns the bin of the k-th largest score and the number of scores in the
// bins above it.
func (s *Selector) ranked(scores []float64, grain, k int) (bin Bin, above int) {
	counts := s.countsOf(par.Chunks(len(scores), grain))
	par.For(len(scores), grain, func(chunk, lo, hi int) {
		counts := counts[chunk]
		for _, v := range scores[lo:hi] {
			counts[binOf(math.Float64bits(v))&highest]++
		}
	})
	bin, above = rankedBin(counts, highest, k)
	for _, c := range counts {
		clear(c)
	}
	return bin, above
}

// countsOf returns so many arrays of counts, all zero. Callers leave them zero.
func (s *Selector) countsOf(chunks int) [][]int32 {
	for len(s.counts) < chunks {
		s.counts = append(s.counts, make([]int32, 1<<binBits))
	}
	return s.counts[:chunks]
}

// rankedBin returns the bin of the k-th largest and the number of those above it,
// where no score is in a bin above from.
func rankedBin(counts [][]int32, from Bin, k int) (bin Bin, above int) {
	for bin = from; ; bin-- {
		in := 0
		for _, c := range counts {
			in += int(c[bin])
		}
		if above+in >= k {
			return bin, above
		}
		above += in
	}
}
