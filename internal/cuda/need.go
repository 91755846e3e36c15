//go:build gpu && linux

package cuda

import (
	"errors"
	"fmt"
	"math"
)

// need is an array of a call and the elements that it must have at least.
type need struct {
	name      string
	have, min int
}

// check reports all arrays of a call that are too short, or too long to index.
func check(call string, needs ...need) error {
	var errs []error
	for _, n := range needs {
		if n.have < n.min {
			errs = append(errs, fmt.Errorf("cuda: %s: %s has %d elements, want at least %d", call, n.name, n.have, n.min))
		}
		if n.min > math.MaxInt32 {
			errs = append(errs, fmt.Errorf("cuda: %s: %s has %d elements, want at most %d", call, n.name, n.min, math.MaxInt32))
		}
	}
	return errors.Join(errs...)
}

// checkRows reports rows, stride apart, that a window of the given length does not hold.
func checkRows(call string, have, rows, stride, length int) error {
	if want := (rows-1)*stride + length; have < want || stride < length {
		return fmt.Errorf("cuda: %s: grads has %d elements, want %d: %d rows of %d, %d apart", call, have, want, rows, length, stride)
	}
	return nil
}
