package agg

import (
	"fmt"
	"math"
	"math/bits"
	"math/rand/v2"
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

// digitBits is the width of a digit in the selection of the largest: six digits
// cover 64 bits, and the counts fit in the L1 cache.
const digitBits = 11

// selector owns the scratch of the selections.
type selector struct {
	counts []int32   // of top: one for each value of a digit
	keys   []float64 // of proportional: d
	taken  []uint64  // of random: d bits
}

// top sets index to the len(index) largest of the nonnegative scores, ascending,
// ties to the lowest index. It selects by the bits of the scores, whose order
// as integers is theirs as numbers, digit by digit: seven passes.
func (s *selector) top(index []int, scores []float64) {
	s.counts = grown(s.counts, 1<<digitBits)
	var threshold uint64 // the high bits of the k-th largest score
	ties := len(index)   // how many of its equals are in the block
	for shift := 5 * digitBits; shift >= 0; shift -= digitBits {
		clear(s.counts)
		for _, v := range scores {
			if b := math.Float64bits(v) >> shift; b>>digitBits == threshold {
				s.counts[b&(1<<digitBits-1)]++
			}
		}
		digit := 1<<digitBits - 1
		for ; int(s.counts[digit]) < ties; digit-- {
			ties -= int(s.counts[digit])
		}
		threshold = threshold<<digitBits | uint64(digit)
	}
	p := 0
	for j, v := range scores {
		b := math.Float64bits(v)
		if b < threshold {
			continue
		}
		if b == threshold {
			if ties == 0 {
				continue
			}
			ties--
		}
		index[p] = j
		p++
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
