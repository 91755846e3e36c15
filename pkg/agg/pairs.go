package agg

import (
	"errors"
	"fmt"
)

// mostPairs is the number of rows that rules take which keep a number for every pair
// of rows: 10⁸ of them, 0.8 GB, and three or four such matrices at a time. More rows
// mean a matrix that is transposed much sooner than so many clients.
const mostPairs = 10_000

// ErrTooManyRows is wrapped by the errors of rules and pre-aggregators that keep a
// number for every pair of rows, those with n² in their cost, and met more rows than
// they take: more than 10,000. They say so before they take memory for them.
var ErrTooManyRows = errors.New("all pairs of rows are compared")

// checkPairs returns an error if n rows are too many to compare every two of them. owner
// is the rule or the pre-aggregator, with its name. A d that is not known is 0.
func checkPairs(owner string, n, d int) error {
	if n <= mostPairs {
		return nil
	}
	of := ":"
	if d > 0 {
		of = fmt.Sprintf(" of %d:", d)
	}
	if d > 0 && n > d {
		of += " transposed?"
	}
	return fmt.Errorf("agg: %s: %d rows (clients)%s %w, want at most %d", owner, n, of, ErrTooManyRows, mostPairs)
}
