package agg

import (
	"errors"
	"math/rand/v2"
)

// Space is where the rows of a matrix G live, and the result: in memory or, behind an
// implementation of this interface, on a device. Rules that touch rows through it alone
// run there: mean, cm, trimmed-mean, norm-clipping, gm with the solver "gram", the rules
// that go by the distances between rows, and a [Block] of any of them; [DropNonFinite]
// where no row is dropped. All others ask for a copy in memory by Host.
//
// Errors wrap [ErrNotFinite] where a row, or the result, is not finite; they need not
// say which row. On [errors.ErrUnsupported], for example for more rows than a device
// takes, the rule works on a copy in memory.
type Space interface {
	// Size returns the numbers of rows and columns.
	Size() (n, d int)
	// Gram sets K, n×n, to the inner products of the rows less row centre, of the rows
	// themselves where that is negative, and returns a bound on K's errors relative to
	// the norms, ‖gᵢ‖‖gⱼ‖. Products may be in float32, and then overflow or vanish. If
	// exact, all is in float64, and equal rows are exactly equal in K. Row centre is
	// zero in either. Values that are not finite are no error here.
	Gram(K []float64, centre int, exact bool) (precision float64, err error)
	// Norms sets squares to ‖gᵢ‖², in float64: 0 for rows of zeros alone. Values that
	// are not finite are no error here.
	Norms(squares []float64) error
	// Combine sets the result to Σ wᵢ gᵢ, summed in float64. Rows of weight 0 do not
	// count, whatever they hold.
	Combine(w []float64) error
	// Middle sets every coordinate of the result to the mean of the order statistics
	// from, …, to − 1, counted from 0, of that column.
	Middle(from, to int) error
	// Columns returns what a [Block] needs, nil where the space cannot do that: the
	// block is then taken in memory. If direct, Gather is to give the columns of G
	// rather than those of P. A block asks once and keeps it as long as its rows are
	// in this space.
	Columns(o BlockOptions, direct bool) Columns
	// Host returns G in memory, and room for the result, which Put takes.
	Host() (dst []float32, G Matrix, err error)
	// Put sets the result to dst, as Host returned it.
	Put(dst []float32) error
}

// Columns is the part of a [Block] that touches rows, where these live, and the memory
// that the block keeps there. P is γG + m.
type Columns interface {
	Memory
	// Score scores every column of P, Σᵢ Pᵢⱼ², and returns the sum of the scores. The
	// block will have k columns.
	Score(gamma float64, k int) (total float64, err error)
	// Choose chooses the block I and returns the sum of its scores.
	Choose(r *rand.Rand) (inside float64, err error)
	// Gather returns the block, whose result is y.
	Gather() (block Space, err error)
	// Finish writes the result and replaces the memory. The result is zero outside the
	// block and y/γ in it; if the block was G's columns (direct), it is y + m/γ. w are
	// the inner rule's weights. On an error, such as a result or a memory that
	// overflows, the memory is as it was.
	Finish(w []float64) error
}

// AggregateIn aggregates the rows of a space into its result as rule.Aggregate does: in
// the space if the rule can, and otherwise by a copy in memory.
func AggregateIn(rule Aggregator, rows Space, step Step) (Stats, error) {
	if r, ok := rule.(interface {
		AggregateIn(rows Space, step Step) (Stats, error)
	}); ok {
		stats, err := r.AggregateIn(rows, step)
		if !errors.Is(err, errors.ErrUnsupported) {
			return stats, err
		}
	}
	return inMemory(rule, rows, step)
}

// inMemory aggregates a copy of the rows.
func inMemory(rule Aggregator, rows Space, step Step) (Stats, error) {
	dst, G, err := rows.Host()
	if err != nil {
		return Stats{}, err
	}
	stats, err := rule.Aggregate(dst, G, step)
	if err != nil {
		return stats, err
	}
	return stats, rows.Put(dst)
}

// named says which row of the space is to blame for an error that wraps ErrNotFinite.
func named(err error, rule string, rows Space) error {
	if !errors.Is(err, ErrNotFinite) {
		return err
	}
	_, G, hostErr := rows.Host()
	if hostErr != nil {
		return hostErr
	}
	return notFinite(rule, G)
}
