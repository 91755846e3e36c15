// Package topk finds the columns of a matrix with the largest scores, ties to the
// lowest index, in linear time and on several cores.
//
// The bits of a score that is not negative, read as an integer, are in the order of the
// numbers. One pass counts scores by their leading bits, a second collects those in the
// bin of the k-th largest and above, and of that bin alone the rest is looked at.
//
// Where a bin that the k largest are in or above is known beforehand, from a sample,
// they are found while scores are being formed: see [Selector.Start]. The columns of the
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
	lastBin = 1<<binBits - 1

	chunks = 8     // that scores are cut in, at most
	grain  = 16384 // scores in a chunk, at least
)

// Scratch is the bytes that a [Selector] holds besides 32 for each candidate, of which
// there are a few more than k.
const Scratch = chunks * 4 << binBits

// Selector owns the scratch of a selection. Its zero value is ready to use.
type Selector struct {
	counts [][]int32    // a count a bin, for each chunk
	parts  []part       // by chunk
	near   []candidate  // scores in the bin of the k-th largest
	last   candidate    // the k-th largest
	inside float64      // the sum of those chosen
	floor  Bin          // that candidates are in or above
	left   atomic.Int64 // candidates until it is not worth to go on
}

// part is what one chunk has of the largest scores.
type part struct {
	candidates []candidate // all in some bin and above
	columns    []float32   // theirs: a little matrix for each Width of columns
	near       []candidate // those in the bin of the k-th largest
	above      int         // the number of those in bins above that
	start      int         // the number chosen of the parts before
	inside     float64     // the sum of those chosen
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
	grain := max(grain, par.Chunks(len(scores), chunks))
	bin, above := s.ranked(scores, grain, len(index))
	s.reset(par.Chunks(len(scores), grain))
	par.For(len(scores), grain, func(chunk, lo, hi int) {
		for ; lo < hi; lo += Width {
			s.collect(&s.parts[chunk], scores[lo:min(lo+Width, hi)], lo, bin)
		}
	})
	s.choose(index, bin, above)
}

// RankedBin returns the bin of the rank-th largest of a few scores.
func (s *Selector) RankedBin(scores []float64, rank int) Bin {
	bin, _ := s.ranked(scores, len(scores), rank)
	return bin
}

// reset empties the parts, one a chunk.
func (s *Selector) reset(chunks int) {
	for len(s.parts) < chunks {
		s.parts = append(s.parts, part{})
	}
	s.parts = s.parts[:chunks]
	for i := range s.parts {
		s.parts[i].candidates, s.parts[i].columns = s.parts[i].candidates[:0], s.parts[i].columns[:0]
	}
}

// collect appends to the part the scores in the bin floor and above, where the first
// score has the index lo, and returns what it has appended.
func (s *Selector) collect(p *part, scores []float64, lo int, floor Bin) []candidate {
	var found [Width]uint16
	n := simd.Above(found[:], scores, int64(floor<<(63-binBits)))
	at := len(p.candidates)
	p.candidates = slices.Grow(p.candidates, n)[:at+n]
	for q, j := range found[:n] {
		p.candidates[at+q] = candidate{math.Float64bits(scores[j]), lo + int(j)}
	}
	return p.candidates[at:]
}

// choose sets index to all scores of the parts in bins above the given one, which
// are as many as said, and to the largest in it for what is left.
func (s *Selector) choose(index []int, bin Bin, above int) {
	par.For(len(s.parts), 1, func(chunk, _, _ int) {
		p := &s.parts[chunk]
		near := slices.Grow(p.near[:0], len(p.candidates)+1)[:len(p.candidates)+1]
		above, n := 0, 0
		for _, c := range p.candidates {
			b := c.bin()
			near[n] = c // overwritten unless it is one
			if b == bin {
				n++
			}
			if b > bin {
				above++
			}
		}
		p.near, p.above = near[:n], above
	})
	s.near = s.near[:0]
	for i := range s.parts {
		s.near = append(s.near, s.parts[i].near...)
	}
	s.last = s.narrow(len(index) - above)
	start := 0
	for i := range s.parts {
		p := &s.parts[i]
		p.start = start
		start += p.above
		for _, c := range p.near {
			if s.chosen(c) {
				start++
			}
		}
	}
	par.For(len(s.parts), 1, func(chunk, _, _ int) {
		p := &s.parts[chunk]
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
	for i := range s.parts {
		s.inside += s.parts[i].inside
	}
}

// chosen reports whether c is among those that top has chosen.
func (s *Selector) chosen(c candidate) bool {
	return c.bits > s.last.bits || c.bits == s.last.bits && c.index <= s.last.index
}

// fewNear is how many scores are sorted sooner than counted by 2¹⁶ bins.
const fewNear = 512

// narrow returns the rank-th largest of near, counted from 1, of equals the one
// with the lowest index first. It goes by the bits that bins do not look at, until
// few are left.
func (s *Selector) narrow(rank int) candidate {
	counts := s.counts[0]
	for shift := 63 - 2*binBits; len(s.near) > fewNear; shift = max(0, shift-binBits) {
		digit := func(c candidate) uint64 { return c.bits >> shift & lastBin }
		for _, c := range s.near {
			counts[digit(c)]++
		}
		bin := uint64(lastBin)
		for ; int(counts[bin]) < rank; bin-- {
			rank -= int(counts[bin])
		}
		clear(counts)
		kept := s.near[:0]
		for _, c := range s.near {
			if digit(c) == bin {
				kept = append(kept, c)
			}
		}
		s.near = kept
		if shift == 0 {
			return s.near[rank-1]
		}
	}
	slices.SortFunc(s.near, func(a, b candidate) int {
		return cmp.Or(cmp.Compare(b.bits, a.bits), cmp.Compare(a.index, b.index))
	})
	return s.near[rank-1]
}

// ranked returns the bin of the k-th largest score and the number of scores in the
// bins above it.
func (s *Selector) ranked(scores []float64, grain, k int) (bin Bin, above int) {
	counts := s.countsOf(par.Chunks(len(scores), grain))
	par.For(len(scores), grain, func(chunk, lo, hi int) {
		counts := counts[chunk]
		for _, v := range scores[lo:hi] {
			counts[binOf(math.Float64bits(v))&lastBin]++
		}
	})
	bin, above = rankedBin(counts, lastBin, k)
	for _, c := range counts {
		clear(c)
	}
	return bin, above
}

// countsOf returns so many arrays of counts, all zero, as they have to be left.
func (s *Selector) countsOf(chunks int) [][]int32 {
	for len(s.counts) < chunks {
		s.counts = append(s.counts, make([]int32, 1<<binBits))
	}
	return s.counts[:chunks]
}

// rankedBin returns the bin of the k-th largest and the number of those above it,
// where none is above highest.
func rankedBin(counts [][]int32, highest Bin, k int) (bin Bin, above int) {
	for bin = highest; ; bin-- {
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
