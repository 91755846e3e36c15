package corrupt

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/bgmd/bgmd/internal/stream"
	"github.com/bgmd/bgmd/pkg/agg"
)

// GradientPlan corrupts rows of a run's gradient matrices.
//
// Its randomness is a function of the run's seed and the step; the rows are
// those of the clients that a [DataPlan] with equal members corrupts.
//
// Members drawn by [NumPy] are those of [code], which depend on no seed: at
// every step it calls numpy.random.seed(1), then tosses for row 0, 1, …
//
//	budget := int(ψ·n)
//	for each row i:
//		if random_sample() < ψ { corrupt row i; budget-- }
//		if budget == 0 { return }
//
// and takes the noise of a corrupt row from the same generator. Rows and noise
// are thus the same at every step, and which rows they are depends on d; fewer
// than ⌊ψn⌋ are corrupt if the tosses run out. The plan draws them at the
// first step and keeps the noise, d float32 values for every corrupt row. It
// refuses them for corruptions that [code] does not have, see [NumPyNames].
//
// A nil *GradientPlan, or one of kind "none", corrupts nothing.
type GradientPlan struct {
	corruption Gradient
	members    Members
	root       stream.Root
	tally      tally
	replay     *replay // members drawn by NumPy; nil before the first step
	ahead      ahead   // of ApplyIn
}

// RowMemberOptions are the settings that say which rows a [GradientPlan] corrupts.
type RowMemberOptions struct {
	Fraction float64 // ψ in [0, 1]
	Members  string  // "fixed", "redrawn", "first" or "numpy"
	Count    string  // "floor" or "ceil" of ψn; "numpy" ignores it
}

// NewGradientPlan returns the plan by which a run's gradients are corrupted. It
// fails as [NewFeaturePlan] does. With kind "none" it ignores the other
// settings.
func NewGradientPlan(kind string, o GradientOptions, m RowMemberOptions, root stream.Root) (*GradientPlan, error) {
	if kind == none {
		return &GradientPlan{}, nil
	}
	corruption, err := NewGradient(kind, o)
	members, errMembers := newMembers(m.Fraction, m.Members, rowMemberKinds, m.Count)
	var errReplay error
	if _, known := gradients[kind]; known && m.Members == NumPy.String() && !slices.Contains(numpyKinds, kind) {
		errReplay = fmt.Errorf("corrupt: members %q go with %s, not with %q", m.Members, strings.Join(numpyKinds, ", "), kind)
	}
	if err := errors.Join(err, errMembers, errReplay); err != nil {
		return nil, err
	}
	return &GradientPlan{corruption: corruption, members: members, root: root}, nil
}

// Apply corrupts rows of the given step's G in place, counts them, and returns
// their numbers in ascending order. The slice is the caller's to read only. It
// costs O(d) a corrupt row, or what the corruption says, spread over the cores. A
// plan's calls must not run concurrently.
func (p *GradientPlan) Apply(G agg.Matrix, step int) (rows []int) {
	if p == nil || p.corruption == nil {
		return nil
	}
	rows = p.rows(G.Rows, G.Cols, step)
	p.apply(G, rows, step)
	p.tally.add(len(rows), G.Rows)
	return rows
}

// rows are the corrupt ones of the given step's G, n×d.
func (p *GradientPlan) rows(n, d, step int) []int {
	if p.members.Kind != NumPy {
		return pickClients(p.members, n, p.root, step)
	}
	if p.replay == nil || !p.replay.fits(n, d) {
		p.replay = newReplay(p.corruption, p.members.Fraction, n, d)
	}
	return p.replay.rows
}

// apply corrupts the given rows of G, which are those of the step, or stand for them.
func (p *GradientPlan) apply(G agg.Matrix, rows []int, step int) {
	if p.members.Kind == NumPy {
		p.replay.apply(G, rows)
	} else {
		p.corruption.Apply(G, rows, p.root.At(stream.Corrupt, ofGradients, step))
	}
}

// Tally returns the numbers of rows corrupted and seen so far.
func (p *GradientPlan) Tally() Tally {
	if p == nil {
		return Tally{}
	}
	return p.tally.load()
}

// Restore sets the numbers that Tally returns, for a run that is resumed.
func (p *GradientPlan) Restore(t Tally) {
	if p != nil {
		p.tally.store(t)
	}
}

// String describes the plan, such as "bitflip(100) of fixed floor(0.2·n) rows".
func (p *GradientPlan) String() string {
	switch {
	case p == nil || p.corruption == nil:
		return none
	case p.members.Kind == NumPy:
		return fmt.Sprintf("%v of numpy(%v) rows", p.corruption, p.members.Fraction)
	}
	return fmt.Sprintf("%v of %v rows", p.corruption, p.members)
}
