package agg

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// Options configure rules and pre-aggregators, each of which reads those that
// its description names. The zero value of each field means its default.
type Options struct {
	// F is the number of rows that may be corrupt.
	F int
	// Beta is the share of the rows that trimmed-mean drops off each side and
	// norm-clipping off the top, ⌈βn⌉ of them; 0 stands for F rows.
	Beta float64
	// Keep is the number of rows that multi-krum averages; 0 stands for
	// n − f − 2.
	Keep int
	// Tau is the radius of centred-clipping, in units of the rows.
	Tau float64
	// Sigma is the standard deviation of honest rows in their worst
	// direction, at which spectral-filter is content; 0 stands for unknown.
	Sigma float64
	// Pivot is the number of the row, from 0, that monna trusts.
	Pivot int
	// Bucket is the number of rows that bucketing averages; 0 stands for 2.
	Bucket int
	// Iterations is the number of steps that centred-clipping takes a call; 0
	// stands for 1.
	Iterations int
	// Radius is the norm to which clip shortens rows.
	Radius float64

	// Solver is one of [Solvers]; the default is "gram".
	Solver string
	// Stop is one of [Stops] and says what Eps bounds: "residual" (default)
	// is the optimality residual of [Certificate], which is free of scale;
	// "step" is the distance between two iterates, in units of gradients (see
	// [Step]). With "step" the solvers other than gram return the iterate from
	// which the next is nearer than that, as the code of [bgmd]'s authors does.
	Stop string
	// OnFail is one of [OnFails] and says what an unconverged solver
	// returns: "last" (default) its last iterate, "zero" a zero vector. The
	// latter is what the code of [bgmd]'s authors does; it silently skips a
	// training step and is kept to reproduce their runs.
	OnFail string
	// Eps is the tolerance of gm. The default is 1e-5 for stop "step" (the
	// authors') and, for stop "residual", 1e-8 for gram and 1e-6 for the
	// solvers that converge linearly and pay a pass over G an iteration.
	Eps float64
	// MaxIter bounds the number of gm's iterations; the default is 100. With stop
	// "step" the solvers other than gram count the mean as the first of them.
	MaxIter int
}

// option names a field of Options.
type option struct {
	name    string
	at      func(*Options) any // *int, *float64 or *string
	problem func(value any) string
}

var options = []option{
	{"f", func(o *Options) any { return &o.F }, natural},
	{"beta", func(o *Options) any { return &o.Beta }, func(v any) string {
		if b := v.(float64); !(b >= 0 && b < 0.5) {
			return "[0, 0.5) (0 means f rows)"
		}
		return ""
	}},
	{"keep", func(o *Options) any { return &o.Keep }, naturalOrDefault},
	{"tau", func(o *Options) any { return &o.Tau }, positive},
	{"iterations", func(o *Options) any { return &o.Iterations }, naturalOrDefault},
	{"sigma", func(o *Options) any { return &o.Sigma }, positiveOrDefault},
	{"pivot", func(o *Options) any { return &o.Pivot }, natural},
	{"bucket", func(o *Options) any { return &o.Bucket }, naturalOrDefault},
	{"radius", func(o *Options) any { return &o.Radius }, positive},
	{"solver", func(o *Options) any { return &o.Solver }, oneOf(Solvers)},
	{"stop", func(o *Options) any { return &o.Stop }, oneOf(Stops)},
	{"on_fail", func(o *Options) any { return &o.OnFail }, oneOf(OnFails)},
	{"eps", func(o *Options) any { return &o.Eps }, positiveOrDefault},
	{"max_iter", func(o *Options) any { return &o.MaxIter }, naturalOrDefault},
}

// OptionNames returns the names of the fields of [Options] as [Options.Set]
// takes them.
func OptionNames() []string {
	var names []string
	for _, o := range options {
		names = append(names, o.name)
	}
	return names
}

// Set sets the option called name to value, as written on a command line. The
// range is checked when a rule is built.
func (o *Options) Set(name, value string) error {
	i := slices.IndexFunc(options, func(x option) bool { return x.name == name })
	if i < 0 {
		return fmt.Errorf("agg: unknown option %q (have %s)", name, strings.Join(OptionNames(), ", "))
	}
	var err error
	var want string
	switch p := options[i].at(o).(type) {
	case *int:
		want = "an integer"
		*p, err = strconv.Atoi(value)
	case *float64:
		want = "a number"
		*p, err = strconv.ParseFloat(value, 64)
	case *string:
		*p = value
	}
	if err != nil {
		return fmt.Errorf("agg: option %s is %q, want %s", name, value, want)
	}
	return nil
}

// validate reports the values that are not allowed among the named options.
func (o Options) validate(what, owner string, names []string) error {
	var errs []error
	for _, x := range options {
		if !slices.Contains(names, x.name) {
			continue
		}
		var value any
		var shown string
		switch p := x.at(&o).(type) {
		case *int:
			value, shown = *p, fmt.Sprint(*p)
		case *float64:
			value, shown = *p, fmt.Sprint(*p)
		case *string:
			value, shown = *p, strconv.Quote(*p)
		}
		if want := x.problem(value); want != "" {
			errs = append(errs, fmt.Errorf("agg: %s %q: %s is %s, want %s", what, owner, x.name, shown, want))
		}
	}
	return errors.Join(errs...)
}

// mostNatural bounds integers, so that four times one is an int. No matrix has so many
// rows.
const mostNatural = 1 << 30

func natural(v any) string {
	switch x := v.(int); {
	case x < 0:
		return "≥ 0"
	case x > mostNatural:
		return fmt.Sprintf("at most %d", mostNatural)
	}
	return ""
}

func naturalOrDefault(v any) string {
	want := natural(v)
	if want != "" {
		want += " (0 means the default)"
	}
	return want
}

func positive(v any) string {
	if x := v.(float64); !(x > 0) || math.IsInf(x, 1) {
		return "a finite number > 0"
	}
	return ""
}

func positiveOrDefault(v any) string {
	if x := v.(float64); !(x >= 0) || math.IsInf(x, 1) {
		return "a finite number ≥ 0 (0 means the default)"
	}
	return ""
}

func oneOf(allowed func() []string) func(any) string {
	return func(v any) string {
		if s := v.(string); s != "" && !slices.Contains(allowed(), s) {
			return "one of " + strings.Join(allowed(), ", ")
		}
		return ""
	}
}
