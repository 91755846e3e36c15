package config

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/bgmd/bgmd/pkg/agg"
)

// limit is what a key allows. The value that ok is given has the key's type.
type limit struct {
	text string // in the table of keys
	want string // in an error message, where that says more; else empty
	ok   func(value any) bool
}

// anything allows every value of the key's type.
func anything(text string) limit {
	return limit{text, "", func(any) bool { return true }}
}

// oneOf allows the listed names.
func oneOf(names ...string) limit {
	list := strings.Join(names, ", ")
	return limit{list, "one of " + list, func(v any) bool { return slices.Contains(names, v.(string)) }}
}

// The most that integers may be: far more than any machine can run, and little
// enough that no size computed from them overflows.
const (
	most       = 100_000   // of clients, samples, epochs and what is counted by them
	mostUnits  = 1_000_000 // of a layer
	mostLayers = 100
)

// of allows what a range holds.
func of(r agg.Range) limit {
	if r.Names != nil {
		return oneOf(r.Names...)
	}
	return limit{r.String(), "", r.Holds}
}

// between allows integers from low to high.
func between(low, high int) limit { return of(agg.Range{Min: float64(low), Max: float64(high)}) }

// upTo allows lists, empty ones too, of at most so many integers from low to high.
func upTo(count, low, high int) limit {
	return limit{fmt.Sprintf("up to %d, each %d to %d", count, low, high), "", func(v any) bool {
		return len(v.([]int)) <= count && !slices.ContainsFunc(v.([]int), func(x int) bool { return x < low || x > high })
	}}
}

// Numbers, none of them NaN or infinite: above 0, from low on, in [0, 1) and in
// (low, high].
func positive() limit                    { return of(agg.Range{Max: math.Inf(1), Above: true, Below: true}) }
func from(low float64) limit             { return of(agg.Range{Min: low, Max: math.Inf(1), Below: true}) }
func share() limit                       { return of(agg.Range{Max: 1, Below: true}) }
func openClosed(low, high float64) limit { return of(agg.Range{Min: low, Max: high, Above: true}) }

// fileName allows what every file system takes as part of a file's name: a
// run's name becomes part of a path. Empty is allowed.
func fileName() limit {
	return limit{"a file name", "at most 100 letters, digits and . _ -, not a dot first", func(v any) bool {
		s := v.(string)
		return len(s) <= 100 && !strings.HasPrefix(s, ".") && strings.IndexFunc(s, func(r rune) bool {
			return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("._-", r))
		}) < 0
	}}
}

// folder allows any path.
func folder() limit {
	return limit{"a folder", "", func(v any) bool {
		s := v.(string)
		return s != "" && utf8.ValidString(s) && !strings.ContainsRune(s, 0)
	}}
}
