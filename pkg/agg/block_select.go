package agg

import (
	"cmp"
	"fmt"
	"math"
	"math/bits"
	"math/rand/v2"
	"slices"

	"github.com/bgmd/bgmd/internal/par"
	"github.com/bgmd/bgmd/internal/simd"
)

const (
	selectTopK             = "top-k"
	selectRandom           = "random"
	selectNormProportional = "norm-proportional"
)

// Selections returns the allowed values of [BlockOptions] Select, the default
// first:
//
//	top-k              the k columns of P with the largest norms, ties to the
//	                   lowest index [bgmd, Alg. 2]
//	random             k columns uniformly without replacement
//	norm-proportional  k columns without replacement, one after another, each
//	                   with a probability proportional to its norm among those
//	                   that are left [bgmd, Section 3, in words]
//
// The words of [bgmd] call the score both the norm and its square; sampling
// takes the norm, the milder of the two. The order of top-k is the same.
//
// All cost O(d); the last two draw from Step.Rand.
func Selections() []string {
	return []string{selectTopK, selectRandom, selectNormProportional}
}

// choose sets index to the block, ascending, from the scores.
func (b *Block) choose(k int, step Step) error {
	if b.options.Select != selectTopK && step.Rand == nil {
		return fmt.Errorf("agg: rule %q: select is %q, which draws, but Step.Rand is nil", "block", b.options.Select)
	}
	b.index = grown(b.index, k)
	switch b.options.Select {
	case selectRandom:
		b.selector.random(b.index, len(b.scores), step.Rand)
	case selectNormProportional:
		b.selector.proportional(b.index, b.scores, step.Rand)
	default:
		if b.picked {
			b.selector.topOfParts(b.index, b.least)
		} else {
			b.selector.top(b.index, b.scores)
		}
	}
	return nil
}

// binBits is the number of leading bits of a score, after the sign, that the
// selection of the largest counts by: the exponent and five bits of the rest,
// so that a bin is a 32nd of an octave wide.
const binBits = 16

// selector owns the scratch of the selections.
type selector struct {
	counts [][]int32   // of top: a count a bin, for each chunk
	parts  []part      // of top, by chunk
	near   []candidate // of top: scores in the bin of the k-th largest
	last   candidate   // of top: the k-th largest
	inside float64     // of top: the sum of those chosen
	keys   []float64   // of proportional: d
	taken  []uint64    // of random: d bits
}

// part is what one chunk has of the largest scores.
type part struct {
	candidates []candidate // all in some bin and above
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

// selectChunks is the number of chunks that top cuts the scores in.
const selectChunks = 8

// top sets index to the len(index) largest of the nonnegative scores, ascending,
// ties to the lowest index. The bits of a score, read as an integer, are in the
// order of the numbers: one pass counts them by their leading bits, a second
// collects those in the bin of the k-th largest and above.
func (s *selector) top(index []int, scores []float64) {
	grain := max(columnGrain, par.Chunks(len(scores), selectChunks))
	bin, above := s.bin(scores, grain, len(index))
	s.reset(par.Chunks(len(scores), grain))
	par.For(len(scores), grain, func(chunk, lo, hi int) { s.collect(chunk, scores[lo:hi], lo, bin) })
	s.choose(index, bin, above)
}

// reset empties the parts, one a chunk.
func (s *selector) reset(chunks int) {
	for len(s.parts) < chunks {
		s.parts = append(s.parts, part{})
	}
	s.parts = s.parts[:chunks]
	for i := range s.parts {
		s.parts[i].candidates = s.parts[i].candidates[:0]
	}
}

// collect appends to the chunk's part the scores in the bin floor and above, where
// the first score has the index lo, and returns what it has appended.
func (s *selector) collect(chunk int, scores []float64, lo int, floor uint64) []candidate {
	part := s.parts[chunk].candidates
	old := len(part)
	least := int64(floor << (63 - binBits))
	for ; len(scores) > 0; lo += columnBlock {
		var found [columnBlock]uint16
		some := scores[:min(columnBlock, len(scores))]
		n := simd.Above(found[:], some, least)
		at := len(part)
		part = slices.Grow(part, n)[:at+n]
		for p, j := range found[:n] {
			part[at+p] = candidate{math.Float64bits(some[j]), lo + int(j)}
		}
		scores = scores[len(some):]
	}
	s.parts[chunk].candidates = part
	return part[old:]
}

// held is the number of scores in the parts.
func (s *selector) held() (n int) {
	for i := range s.parts {
		n += len(s.parts[i].candidates)
	}
	return n
}

// topOfParts does what top does where the parts hold, in the order of their
// indices, all scores from the bin floor on, the len(index) largest among them.
func (s *selector) topOfParts(index []int, floor uint64) {
	grain := par.Chunks(len(s.parts), selectChunks)
	counts := s.countsOf(par.Chunks(len(s.parts), grain))
	var most [selectChunks]uint64 // the highest bin
	par.For(len(s.parts), grain, func(chunk, lo, hi int) {
		counts, highest := counts[chunk], floor
		for i := lo; i < hi; i++ {
			for _, c := range s.parts[i].candidates {
				bin := binOf(c.bits)
				counts[bin]++
				highest = max(highest, bin)
			}
		}
		most[chunk] = highest
	})
	highest := slices.Max(most[:])
	bin, above := rankedBin(counts, highest, len(index))
	for _, c := range counts {
		clear(c[floor : highest+1])
	}
	s.choose(index, bin, above)
}

// choose sets index to all scores of the parts in bins above the given one, which
// are as many as said, and to the largest in it for what is left.
func (s *selector) choose(index []int, bin uint64, above int) {
	par.For(len(s.parts), 1, func(chunk, _, _ int) {
		p := &s.parts[chunk]
		near := slices.Grow(p.near[:0], len(p.candidates)+1)[:len(p.candidates)+1]
		above, n := 0, 0
		for _, c := range p.candidates {
			b := binOf(c.bits)
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
func (s *selector) chosen(c candidate) bool {
	return c.bits > s.last.bits || c.bits == s.last.bits && c.index <= s.last.index
}

// fewNear is how many scores are sorted sooner than counted by 2¹⁶ bins.
const fewNear = 512

// narrow returns the rank-th largest of near, counted from 1, of equals the one
// with the lowest index first. It goes by the bits that bins do not look at, until
// few are left.
func (s *selector) narrow(rank int) candidate {
	counts := s.counts[0]
	for shift := 63 - 2*binBits; len(s.near) > fewNear; shift = max(0, shift-binBits) {
		digit := func(c candidate) uint64 { return c.bits >> shift & (1<<binBits - 1) }
		for _, c := range s.near {
			counts[digit(c)]++
		}
		bin := uint64(1<<binBits - 1)
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

// binOf is the bin of a score's bits.
func binOf(bits uint64) uint64 { return bits >> (63 - binBits) }

// bin returns the bin of the k-th largest score and the number of scores in the
// bins above it.
func (s *selector) bin(scores []float64, grain, k int) (bin uint64, above int) {
	counts := s.countsOf(par.Chunks(len(scores), grain))
	par.For(len(scores), grain, func(chunk, lo, hi int) {
		counts := counts[chunk]
		for _, v := range scores[lo:hi] {
			counts[binOf(math.Float64bits(v))&(1<<binBits-1)]++
		}
	})
	bin, above = rankedBin(counts, 1<<binBits-1, k)
	for _, c := range counts {
		clear(c)
	}
	return bin, above
}

// countsOf returns so many arrays of counts, all zero, as they have to be left.
func (s *selector) countsOf(chunks int) [][]int32 {
	for len(s.counts) < chunks {
		s.counts = append(s.counts, make([]int32, 1<<binBits))
	}
	return s.counts[:chunks]
}

// rankedBin returns the bin of the k-th largest and the number of those above it,
// where none is above highest.
func rankedBin(counts [][]int32, highest uint64, k int) (bin uint64, above int) {
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

// random sets index to a uniform subset of {0, …, d−1}, ascending, by Floyd's
// algorithm [Bentley and Floyd 1987], which draws len(index) times.
func (s *selector) random(index []int, d int, r *rand.Rand) {
	s.taken = grown(s.taken, (d+63)/64)
	clear(s.taken)
	for j := d - len(index); j < d; j++ {
		c := r.IntN(j + 1)
		if s.taken[c/64]>>(c%64)&1 != 0 {
			c = j
		}
		s.taken[c/64] |= 1 << (c % 64)
	}
	p := 0
	for word, left := range s.taken {
		for ; left != 0; left &= left - 1 {
			index[p] = 64*word + bits.TrailingZeros64(left)
			p++
		}
	}
}

// proportional samples len(index) columns without replacement, one after
// another with probabilities proportional to √score. It keeps the largest keys
//
//	√scoreⱼ / Eⱼ,  Eⱼ exponential with mean one,
//
// which orders columns as the keys u^(1/w) of [Efraimidis and Spirakis 2006] do:
// one draw a column and no sequential updates. Columns of zeros come last.
func (s *selector) proportional(index []int, scores []float64, r *rand.Rand) {
	s.keys = grown(s.keys, len(scores))
	for j, v := range scores {
		s.keys[j] = math.Sqrt(v) / r.ExpFloat64()
		if v == 0 {
			s.keys[j] = 0 // not 0/0, rare as that is
		}
	}
	s.top(index, s.keys)
}
