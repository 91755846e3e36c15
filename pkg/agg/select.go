package agg

import (
	"fmt"
	"math"
	"math/bits"
	"math/rand/v2"

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
	switch b.options.Select {
	case selectRandom:
		b.selector.random(b.index, len(b.scores), step.Rand)
	case selectNormProportional:
		b.selector.proportional(b.index, b.scores, step.Rand)
	default:
		b.selector.top(b.index, b.scores)
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
	parts  [][]candidate // of top: scores in the bin of the k-th largest and above, by chunk
	near   []candidate   // of top: scores in that bin
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
// collects the bin that the k-th largest is in, and those above it; the bin is
// narrowed down in the same way.
func (s *selector) top(index []int, scores []float64) {
	grain := max(columnGrain, par.Chunks(len(scores), selectChunks))
	bin, above := s.bin(scores, grain, len(index))
	s.collect(scores, grain, bin)
	last := s.narrow(len(index) - above)
	p := 0
	for _, part := range s.parts {
		for _, c := range part {
			if c.bits > last.bits || c.bits == last.bits && c.index <= last.index {
				index[p] = c.index
				p++
			}
		}
	}
}

// collect sets parts to the scores in a bin and above, in the order of their
// indices, and near to those in it.
func (s *selector) collect(scores []float64, grain int, bin uint64) {
	chunks := par.Chunks(len(scores), grain)
	for len(s.parts) < chunks {
		s.parts = append(s.parts, nil)
	}
	s.parts = s.parts[:chunks]
	par.For(len(scores), grain, func(chunk, lo, hi int) {
		part := s.parts[chunk][:0]
		for j := lo; j < hi; j++ {
			if b := math.Float64bits(scores[j]); b>>(63-binBits) >= bin {
				part = append(part, candidate{b, j})
			}
		}
		s.parts[chunk] = part
	})
	s.near = s.near[:0]
	for _, part := range s.parts {
		for _, c := range part {
			if c.bits>>(63-binBits) == bin {
				s.near = append(s.near, c)
			}
		}
	}
}

// narrow returns the rank-th largest of near, counted from 1, of equals the one
// with the lowest index first. It goes by the bits that bins do not look at.
func (s *selector) narrow(rank int) candidate {
	counts := s.counts[0]
	for shift := 63 - 2*binBits; ; shift = max(0, shift-binBits) {
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
}

// bin returns the bin of the k-th largest score and the number of scores in the
// bins above it.
func (s *selector) bin(scores []float64, grain, k int) (bin uint64, above int) {
	chunks := par.Chunks(len(scores), grain)
	for len(s.counts) < chunks {
		s.counts = append(s.counts, make([]int32, 1<<binBits))
	}
	par.For(len(scores), grain, func(chunk, lo, hi int) {
		counts := s.counts[chunk]
		clear(counts)
		for _, v := range scores[lo:hi] {
			counts[math.Float64bits(v)>>(63-binBits)&(1<<binBits-1)]++
		}
	})
	for bin = 1<<binBits - 1; ; bin-- {
		in := 0
		for _, counts := range s.counts[:chunks] {
			in += int(counts[bin])
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
