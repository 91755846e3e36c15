package agg

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// Range is what a setting may be: one of Names or, where there are none, a number
// from Min to Max.
type Range struct {
	Names    []string
	Min, Max float64
	Above    bool // not Min itself
	Below    bool // not Max itself
}

// mostRows bounds integers, so that four times one is an int. No matrix has so many
// rows.
const mostRows = 1 << 30

// integers are those from least on; positive numbers are finite.
func integers(least int) Range { return Range{Min: float64(least), Max: mostRows} }
func positive() Range          { return Range{Max: math.Inf(1), Above: true, Below: true} }

// Holds reports whether a value, a string, an int or a float64, is in the range. NaN is
// in none.
func (r Range) Holds(value any) bool {
	switch v := value.(type) {
	case string:
		return slices.Contains(r.Names, v)
	case int:
		return r.Holds(float64(v))
	case float64:
		return (v > r.Min || v == r.Min && !r.Above) && (v < r.Max || v == r.Max && !r.Below)
	}
	return false
}

// String returns the names, or the range as in "> 0", "≥ 0", "[0, 0.5)" and
// "1 to 100".
func (r Range) String() string {
	low, high := strconv.FormatFloat(r.Min, 'f', -1, 64), strconv.FormatFloat(r.Max, 'f', -1, 64)
	switch {
	case r.Names != nil:
		return strings.Join(r.Names, ", ")
	case math.IsInf(r.Max, 1) && r.Above:
		return "> " + low
	case math.IsInf(r.Max, 1):
		return "≥ " + low
	case !r.Above && !r.Below:
		return fmt.Sprintf("%s to %s", low, high)
	case r.Above:
		return fmt.Sprintf("(%s, %s]", low, high)
	}
	return fmt.Sprintf("[%s, %s)", low, high)
}
