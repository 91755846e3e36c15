package corrupt

import (
	"errors"
	"fmt"
	"math/big"
	"math/rand/v2"
	"slices"
	"strconv"
)

// Members says which of n clients, rows or samples are corrupt: a fraction ψ
// of them, rounded down or up to a whole number.
type Members struct {
	Fraction float64 // ψ in [0, 1]
	Kind     MemberKind
	Count    Count
}

// MemberKind says how members are chosen.
type MemberKind int

const (
	Fixed   MemberKind = iota // at random, once for all steps
	Redrawn                   // at random, anew at every step
	First                     // the ones with the lowest numbers
	NumPy                     // rows of G only: as [code] does, see [GradientPlan]
)

// The kinds for samples and clients, and those for rows of G.
var (
	memberKinds    = map[string]MemberKind{"fixed": Fixed, "redrawn": Redrawn, "first": First}
	rowMemberKinds = map[string]MemberKind{"fixed": Fixed, "redrawn": Redrawn, "first": First, "numpy": NumPy}
)

func (k MemberKind) String() string { return nameOf(rowMemberKinds, k) }

// Count says how ψn becomes a whole number.
type Count int

const (
	Floor Count = iota
	Ceil
)

var counts = map[string]Count{"floor": Floor, "ceil": Ceil}

func (c Count) String() string { return nameOf(counts, c) }

// newMembers returns the members that settings describe, of a kind in the table.
// It fails on values out of range, naming all of them.
func newMembers(fraction float64, kind string, kinds map[string]MemberKind, count string) (Members, error) {
	var errs []error
	if !(fraction >= 0 && fraction <= 1) {
		errs = append(errs, fmt.Errorf("corrupt: fraction is %v, want [0, 1]", fraction))
	}
	k, err := lookup("members", kind, kinds)
	errs = append(errs, err)
	c, err := lookup("count", count, counts)
	errs = append(errs, err)
	return Members{Fraction: fraction, Kind: k, Count: c}, errors.Join(errs...)
}

// Size returns how many of n are corrupt: ⌊ψn⌋ or ⌈ψn⌉. It reads ψ as the
// shortest decimal that denotes it, so that 0.29 of 100 is 29, where the
// product of binary fractions falls just short.
func (m Members) Size(n int) int {
	psi, ok := new(big.Rat).SetString(strconv.FormatFloat(m.Fraction, 'g', -1, 64))
	if !ok {
		panic(fmt.Sprintf("corrupt: fraction is %v", m.Fraction))
	}
	num := new(big.Int).Mul(psi.Num(), big.NewInt(int64(n)))
	size, rest := num.QuoRem(num, psi.Denom(), new(big.Int))
	if m.Count == Ceil && rest.Sign() > 0 {
		return int(size.Int64()) + 1
	}
	return int(size.Int64())
}

// Pick returns the numbers of the corrupt ones of n in ascending order, empty
// but not nil where there are none. For kind First it ignores rng, which may be
// nil; otherwise the result is a simple random sample that is a function of
// rng's state: whether members are fixed or redrawn is up to the caller, who
// passes a generator in the same state again or not. Samples of different
// sizes from the same state are nested.
//
// It panics for kind NumPy, which draws members together with noise: see
// [GradientPlan].
func (m Members) Pick(n int, rng *rand.Rand) []int {
	if m.Kind == NumPy {
		panic("corrupt: Pick of members drawn by NumPy")
	}
	all := make([]int, n)
	for i := range all {
		all[i] = i
	}
	size := m.Size(n)
	if m.Kind != First {
		for i := range size {
			j := i + rng.IntN(n-i)
			all[i], all[j] = all[j], all[i]
		}
	}
	picked := all[:size]
	slices.Sort(picked)
	return picked
}

func (m Members) String() string { return fmt.Sprintf("%v %v(%v·n)", m.Kind, m.Count, m.Fraction) }
