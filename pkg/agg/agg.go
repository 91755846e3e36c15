// Package agg aggregates the gradients of many clients into one, robustly.
//
// The clients' gradients are the rows of an n×d [Matrix] G; a rule such as the
// coordinate-wise median or the geometric median maps G to one vector in R^d
// that corrupt rows cannot move far:
//
//	rule, err := agg.New("gm", agg.Options{})
//	...
//	stats, err := rule.Aggregate(dst, G, agg.Step{Gamma: 0.1})
//
// The package depends on the standard library, gonum and golang.org/x/sys alone and
// can be used without the rest of the project.
//
// # Rules
//
// [New] builds a rule by its name. [Rules] lists what there is and [Lookup] finds
// one: what it costs, how many corrupt rows it stands, which [Options] it reads.
// [Stats] say how a call went.
//
// # Around a rule
//
// [NewPre] changes the rows before a rule sees them, [NewBlock] has it work on a part
// of the coordinates and remembers the rest, [DropNonFinite] leaves out rows with NaN
// or an infinity. Each takes an [Aggregator] and is one.
//
// # What a rule promises
//
// An [Aggregator] says in its [Traits] what it promises and what it asks of its rows,
// so that what makes no sense together is refused when it is built. Which rows a call
// is about comes with it, in [Step]. Fits and Scratch say beforehand whether a rule
// takes so many rows, and what memory.
//
// # Where the rows are
//
// Rules touch rows through a [Space], which the host's memory is and a device can be:
// see [AggregateIn].
//
// Sources are cited in brackets: [bgmd] is Acharya et al., "Robust Training in
// High Dimensions via Block Coordinate Geometric Median Descent", AISTATS 2022.
package agg

import (
	"fmt"
	"math/rand/v2"
	"slices"

	"github.com/bgmd/bgmd/internal/huge"
)

// Matrix is an n×d matrix in row-major order: row i is client i's gradient,
// Data[i*Cols : (i+1)*Cols]. Aggregators never write to it.
type Matrix struct {
	Data       []float32
	Rows, Cols int
}

// NewMatrix returns a zero matrix with the given numbers of rows and columns. Its
// rows are read a fifth faster than those of a slice from make: where the system
// has huge pages for it, it is in those.
func NewMatrix(rows, cols int) Matrix {
	return Matrix{Data: huge.Make[float32](rows * cols), Rows: rows, Cols: cols}
}

// Row returns row i, without copying it.
func (m Matrix) Row(i int) []float32 {
	return m.Data[i*m.Cols : (i+1)*m.Cols : (i+1)*m.Cols]
}

// Step says where in training an aggregation takes place.
type Step struct {
	// Gamma is the step size γ > 0. Rules with memory need it: the memory of
	// [bgmd, Alg. 1] is in units of γ times a gradient.
	Gamma float64
	// Scale is the factor by which the rows are gradients multiplied: a [Block] gives
	// its inner rule γ times gradients. 0 stands for 1. A geometric median with stop
	// "step" needs it, since its tolerance is in units of gradients.
	Scale float64
	// Rand feeds rules that draw; the others ignore it and accept nil.
	Rand *rand.Rand
	// Dropped is the number of rows that were left out of G at this step because they
	// are corrupt. A rule that assumes f corrupt rows then assumes f − Dropped.
	Dropped int
	// Numbers are the numbers that G's rows had before some were dropped, in
	// ascending order; nil if none was dropped.
	Numbers []int
}

// budget is the number of corrupt rows among those left, for a rule that assumes f.
func (s Step) budget(f int) int { return max(0, f-s.Dropped) }

// place is where in G the row of the given number is, −1 where it was dropped.
func (s Step) place(number int) int {
	if s.Numbers == nil {
		return number
	}
	return slices.Index(s.Numbers, number)
}

// Aggregator maps the rows of G to one vector. One that wraps another takes the inner
// one's Traits, Fits and Scratch and changes what is different, and it passes the step
// on.
type Aggregator interface {
	// Aggregate writes the aggregate of G's rows to dst, which has length
	// G.Cols and does not overlap G. It does not change G. On an error dst
	// is unspecified and any memory is as it was before the call. An
	// Aggregator is not safe for concurrent use: it owns scratch space.
	Aggregate(dst []float32, G Matrix, step Step) (Stats, error)
	// Traits says what the rule promises and what it asks of its rows. They are
	// the same before and after every call.
	Traits() Traits
	// Fits returns nil if the rule can aggregate n rows of d values at such a step, and
	// otherwise the error that Aggregate would return about the number of rows or of
	// corrupt ones. A d that is not known is 0. Fits takes no memory, costs nothing,
	// and does not look at Gamma and Rand.
	Fits(n, d int, step Step) error
	// Scratch computes how many bytes the rule holds after two calls with an n×d
	// matrix: its scratch space and its memory, but neither the matrix nor the result.
	// It takes no memory, and cannot overflow.
	Scratch(n, d int) (bytes float64)
	// String names the rule and its parameters, such as "block(0.1, gm)".
	String() string
}

// Traits are what an [Aggregator] promises and what it asks of its rows. The zero
// value promises nothing and takes any rows.
type Traits struct {
	// Equivariant promises
	//
	//	A(aG + 1bᵀ) = a·A(G) + b  for every a > 0 and b in R^d:
	//
	// a [Block] whose memory is one vector then runs the rule on the rows as they
	// are and never adds the memory to them.
	Equivariant bool
	// Weights promises Stats.Weights at every call.
	Weights bool
	// Separable promises that every coordinate of the result depends on that column
	// of G alone, so that parts of the columns can be aggregated one after another.
	Separable bool
	// Numbered says that the rule knows rows by their numbers. A client must have the
	// same number at every step: rows must not be shuffled, and after some are dropped
	// the rule needs Step.Numbers.
	Numbered bool
	// EveryRow says that no row may be dropped, since the rule remembers something of
	// each.
	EveryRow bool
	// Memory is what the rule remembers; nil if calls do not depend on earlier ones.
	Memory Memory
}

// Memory is what an [Aggregator] remembers from call to call.
type Memory interface {
	// State returns the memory, nil before the first call. The slice is
	// valid until the next Aggregate or Restore.
	State() []float32
	// Restore replaces the memory by a copy of one that State returned.
	Restore(state []float32) error
}

// Stats says how an aggregation went. Its slices and pointers are valid until
// the aggregator's next call.
type Stats struct {
	// Weights are wᵢ, summing to one, where the result is Σ wᵢ gᵢ over the
	// rows gᵢ; nil for rules whose result is not of that form. A [Block]
	// passes on its inner rule's.
	Weights []float64
	// GM certifies a geometric median, nil where none was computed.
	GM *Certificate
	// Block describes the block of coordinates, nil without the wrapper.
	Block *BlockStats
	// Dropped is the number of rows left out by [DropNonFinite].
	Dropped int
}

// Certificate says how good a computed geometric median y is.
type Certificate struct {
	Iterations int
	// Residual is the optimality residual at y, in [0, 1],
	//
	//	max(0, ‖Σ_{i: gᵢ≠y} (gᵢ − y)/‖gᵢ − y‖‖ − m) / n
	//
	// where m is the number of rows that equal y. It is zero exactly at the
	// minimiser [Vardi and Zhang 2000].
	Residual  float64
	Converged bool
}

// BlockStats describes the block that a [Block] aggregated.
type BlockStats struct {
	Size int // k, the number of coordinates
	// Residual is ‖P − C_k(P)‖²/‖P‖² for P = γG + m: the share of the
	// squared norm that lies outside the block and goes into the memory.
	// Lemma 1 of [bgmd] bounds it by 1 − k/d.
	Residual float64
	// Seconds says where the call's time went.
	Seconds BlockSeconds
}

// BlockSeconds are the times of the parts of a block's aggregation.
type BlockSeconds struct {
	Score     float64 // norms of the columns; for top-k of a large G the candidates, too
	Select    float64 // of the k largest
	Gather    float64 // the block, n×k, of the candidates or of G
	Aggregate float64 // the inner rule
	Remember  float64 // the memory's update and the result
}

// check reports sizes that do not fit together.
func check(rule string, dst []float32, G Matrix) error {
	switch {
	case G.Rows < 1 || G.Cols < 1:
		return fmt.Errorf("agg: rule %q: G is %d×%d, want at least 1×1", rule, G.Rows, G.Cols)
	case len(G.Data) != G.Rows*G.Cols:
		return fmt.Errorf("agg: rule %q: G is %d×%d but has %d elements, want %d", rule, G.Rows, G.Cols, len(G.Data), G.Rows*G.Cols)
	case len(dst) != G.Cols:
		return fmt.Errorf("agg: rule %q: dst has %d elements, want %d", rule, len(dst), G.Cols)
	}
	return nil
}
