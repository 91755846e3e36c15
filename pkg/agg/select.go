package agg

import (
	"cmp"
	"fmt"
	"math"
	"math/bits"
	"math/rand/v2"
	"slices"

	"github.com/bgmd/bgmd/internal/par"
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
	b.picked = false
	switch b.options.Select {
	case selectRandom:
		b.selector.random(b.index, len(b.scores), step.Rand)
	case selectNormProportional:
		b.selector.proportional(b.index, b.scores, step.Rand)
	default:
		if b.picked = b.selector.held() >= k && b.picks.complete(); b.picked {
			b.selector.topOfParts(b.index)
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
	counts [][]int32     // of top: a count a bin, for each chunk
	parts  [][]candidate // of top: scores in a bin and above, by chunk
	near   []candidate   // of top: scores in the bin of the k-th largest
	last   candidate     // of top: the k-th largest
	starts []int         // of top: the number of scores chosen before each part
	inside float64       // of top: the sum of those chosen
	keys   []float64     // of proportional: d
	taken  []uint64      // of random: d bits
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
		s.parts = append(s.parts, nil)
	}
	s.parts = s.parts[:chunks]
	for i := range s.parts {
		s.parts[i] = s.parts[i][:0]
	}
}

// collect appends to the chunk's part the scores in the bin floor and above, where
// the first score has the index lo, and returns what it has appended.
func (s *selector) collect(chunk int, scores []float64, lo int, floor uint64) []candidate {
	part := s.parts[chunk]
	old := len(part)
	for ; len(scores) > 0; lo += columnBlock {
		var found [columnBlock + 1]uint16
		n := 0
		some := scores[:min(columnBlock, len(scores))]
		for j, v := range some {
			found[n] = uint16(j) // overwritten unless it is one
			if binOf(math.Float64bits(v)) >= floor {
				n++
			}
		}
		for _, j := range found[:n] {
			part = append(part, candidate{math.Float64bits(some[j]), lo + int(j)})
		}
		scores = scores[len(some):]
	}
	s.parts[chunk] = part
	return part[old:]
}

// held is the number of scores in the parts.
func (s *selector) held() (n int) {
	for _, part := range s.parts {
		n += len(part)
	}
	return n
}

// topOfParts does what top does where the parts hold, in the order of their
// indices, all scores from some bin on, the len(index) largest among them.
func (s *selector) topOfParts(index []int) {
	counts := s.countsOf(1)[0]
	for _, part := range s.parts {
		for _, c := range part {
			counts[binOf(c.bits)]++
		}
	}
	bin, above := rankedBin([][]int32{counts}, len(index))
	s.choose(index, bin, above)
}

// choose sets index to all scores of the parts in bins above the given one, which
// are as many as said, and to the largest in it for what is left.
func (s *selector) choose(index []int, bin uint64, above int) {
	s.near = s.near[:0]
	for _, part := range s.parts {
		for _, c := range part {
			if binOf(c.bits) == bin {
				s.near = append(s.near, c)
			}
		}
	}
	s.last = s.narrow(len(index) - above)
	s.place()
	par.For(len(s.parts), 1, func(chunk, _, _ int) {
		p := s.starts[chunk]
		for _, c := range s.parts[chunk] {
			if s.chosen(c) {
				index[p] = c.index
				p++
			}
		}
	})
}

// place sets starts to the number of scores chosen before each part, and inside to
// the sum of all that are.
func (s *selector) place() {
	s.starts = s.starts[:0]
	s.inside = 0
	n := 0
	for _, part := range s.parts {
		s.starts = append(s.starts, n)
		for _, c := range part {
			if s.chosen(c) {
				s.inside += math.Float64frombits(c.bits)
				n++
			}
		}
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
		clear(counts)
		for _, c := range s.near {
			counts[digit(c)]++
		}
		bin := uint64(1<<binBits - 1)
		for ; int(counts[bin]) < rank; bin-- {
			rank -= int(counts[bin])
		}
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
	return rankedBin(counts, k)
}

// countsOf returns so many arrays of counts, all zero.
func (s *selector) countsOf(chunks int) [][]int32 {
	for len(s.counts) < chunks {
		s.counts = append(s.counts, make([]int32, 1<<binBits))
	}
	for _, c := range s.counts[:chunks] {
		clear(c)
	}
	return s.counts[:chunks]
}

// rankedBin returns the bin of the k-th largest and the number of those above it.
func rankedBin(counts [][]int32, k int) (bin uint64, above int) {
	for bin = 1<<binBits - 1; ; bin-- {
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
	}
	s.top(index, s.keys)
}
