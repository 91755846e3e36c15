package agg

import (
	"fmt"
	"math"
	"math/bits"
	"math/rand/v2"

	"github.com/bgmd/bgmd/internal/topk"
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

// Choose implements [Columns].
func (c *hostColumns) Choose(r *rand.Rand) (inside float64, err error) {
	kind := c.options.Select
	if kind != selectTopK && r == nil {
		return 0, noRand(kind)
	}
	switch kind {
	case selectRandom:
		c.sampler.random(c.index, len(c.scores), r)
	case selectNormProportional:
		c.sampler.proportional(c.index, c.scores, r, &c.selector)
	default:
		if c.selected {
			c.selector.Finish(c.index)
		} else {
			c.selector.Top(c.index, c.scores)
		}
		return c.selector.Inside(), nil
	}
	for _, j := range c.index {
		inside += c.scores[j]
	}
	return inside, nil
}

// RandomColumns sets index, ascending, to the columns, of d, that a [Block] with the
// selection "random" draws from r. It is for implementations of [Columns].
func RandomColumns(index []int, d int, r *rand.Rand) error {
	if r == nil {
		return noRand(selectRandom)
	}
	new(sampler).random(index, d, r)
	return nil
}

// noRand says that a selection cannot draw.
func noRand(kind string) error {
	return fmt.Errorf("agg: rule %q: select is %q, which draws, but Step.Rand is nil", "block", kind)
}

// sampler owns the scratch of the selections that draw.
type sampler struct {
	keys  []float64 // of proportional: d
	taken []uint64  // of random: d bits
}

// random sets index to a uniform subset of {0, …, d−1}, ascending, by Floyd's
// algorithm [Bentley and Floyd 1987], which draws len(index) times.
func (s *sampler) random(index []int, d int, r *rand.Rand) {
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
func (s *sampler) proportional(index []int, scores []float64, r *rand.Rand, top *topk.Selector) {
	s.keys = grown(s.keys, len(scores))
	for j, v := range scores {
		s.keys[j] = math.Sqrt(v) / r.ExpFloat64()
		if v == 0 {
			s.keys[j] = 0 // not 0/0, rare as that is
		}
	}
	top.Top(index, s.keys)
}
