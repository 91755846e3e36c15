// Package bounds holds counts to their bounds.
package bounds

import (
	"errors"
	"fmt"
)

// Count is a number that has a lower bound.
type Count struct {
	Name         string
	Value, Least int
}

// most is the upper bound of all counts: no product of two overflows.
const most = 1_000_000_000

// Check reports all counts outside their bounds, a line each, as "n is 2, want at least
// 3". No count may be above 1e9, so that no product of two overflows.
func Check(counts ...Count) error {
	var errs []error
	for _, c := range counts {
		if c.Value < c.Least {
			errs = append(errs, fmt.Errorf("%s is %d, want at least %d", c.Name, c.Value, c.Least))
		}
		if c.Value > most {
			errs = append(errs, fmt.Errorf("%s is %d, want at most %d", c.Name, c.Value, most))
		}
	}
	return errors.Join(errs...)
}
