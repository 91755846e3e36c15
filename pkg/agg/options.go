package agg

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// Options configure rules and pre-aggregators, each of which reads those that
// its description names. The zero value of each field means its default, but for Tau
// and Radius, which have none here. [OptionTable] has the ranges.
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

// Option describes a field of [Options].
type Option struct {
	Name    string // as [Options.Set] takes it
	Default any    // what zero stands for: a string, an int or a float64
	Range   Range  // what is allowed, apart from a zero that stands for the default
	Meaning string // one line
	Zero    string // what zero means where that is no value, such as n-f-2
	Ask     string // what a caller must choose, where there is no default; Default is then an example
	Counts  bool   // whether a value fits depends on the number of rows, too

	at func(*Options) any // *string, *int or *float64
}

// options has a line for every field of Options. To add an option, add its field there,
// its line at the end here, as configurations write and hash options in this order, and
// its name to the descriptions of the rules that read it. By its default, a rule that was
// there before the option must do what it did.
var options = []Option{
	{Name: "solver", at: func(o *Options) any { return &o.Solver }, Default: solverGram, Range: Range{Names: Solvers()}, Meaning: "how the geometric median is found"},
	{Name: "stop", at: func(o *Options) any { return &o.Stop }, Default: stopResidual, Range: Range{Names: Stops()}, Meaning: "what eps bounds: the optimality residual or the last step's length"},
	{Name: "eps", at: func(o *Options) any { return &o.Eps }, Default: 0., Range: positive(), Meaning: "tolerance at which the solver stops"}, // see defaultEps
	{Name: "max_iter", at: func(o *Options) any { return &o.MaxIter }, Default: 100, Range: integers(1), Meaning: "most iterations"},
	{Name: "on_fail", at: func(o *Options) any { return &o.OnFail }, Default: onFailLast, Range: Range{Names: OnFails()}, Meaning: "what a solver that runs out of iterations returns"},
	{Name: "f", at: func(o *Options) any { return &o.F }, Default: 0, Range: integers(0), Meaning: "corrupt rows that the rule assumes", Counts: true},
	{Name: "beta", at: func(o *Options) any { return &o.Beta }, Default: 0., Range: Range{Max: 0.5, Below: true}, Meaning: "share of rows dropped", Zero: "f rows", Counts: true},
	{Name: "keep", at: func(o *Options) any { return &o.Keep }, Default: 0, Range: integers(0), Meaning: "rows averaged", Zero: "n-f-2", Counts: true},
	{Name: "tau", at: func(o *Options) any { return &o.Tau }, Default: 10., Range: positive(), Meaning: "radius, in units of the rows", Ask: "how far one row may pull"},
	{Name: "iterations", at: func(o *Options) any { return &o.Iterations }, Default: 1, Range: integers(1), Meaning: "steps a call"},
	{Name: "sigma", at: func(o *Options) any { return &o.Sigma }, Default: 0., Range: Range{Max: math.Inf(1), Below: true}, Meaning: "standard deviation of honest rows", Zero: "unknown"},
	{Name: "pivot", at: func(o *Options) any { return &o.Pivot }, Default: 0, Range: integers(0), Meaning: "number of the row that is trusted, from 0", Counts: true},
	{Name: "bucket", at: func(o *Options) any { return &o.Bucket }, Default: 2, Range: integers(1), Meaning: "rows averaged", Counts: true},
	{Name: "radius", at: func(o *Options) any { return &o.Radius }, Default: 10., Range: positive(), Meaning: "norm to which rows are shortened", Ask: "to which norm"},
}

// OptionTable describes every field of [Options].
func OptionTable() []Option { return slices.Clone(options) }

// OptionNames returns the names of the fields of [Options] as [Options.Set]
// takes them.
func OptionNames() []string {
	var names []string
	for _, o := range options {
		names = append(names, o.Name)
	}
	return names
}

// DefaultOptions returns the options with every [Option]'s Default: for those that have
// none it is an example.
func DefaultOptions() Options {
	var o Options
	for _, x := range options {
		x.set(&o, x.Default)
	}
	return o
}

// At returns a pointer to the option's field in o: a *string, *int or *float64.
func (x Option) At(o *Options) any { return x.at(o) }

func (x Option) value(o *Options) any { return reflect.ValueOf(x.at(o)).Elem().Interface() }
func (x Option) set(o *Options, value any) {
	reflect.ValueOf(x.at(o)).Elem().Set(reflect.ValueOf(value))
}

// Readers returns the rules and the pre-aggregators that read the option. On others it
// has no effect.
func (x Option) Readers() []string {
	var names []string
	for _, r := range rules {
		if slices.Contains(r.Options, x.Name) {
			names = append(names, r.Name)
		}
	}
	for _, p := range preAggregators {
		if slices.Contains(p.Options, x.Name) {
			names = append(names, p.Name)
		}
	}
	return names
}

// Set sets the option called name to value, as written on a command line. The
// range is checked when a rule is built.
func (o *Options) Set(name, value string) error {
	i := slices.IndexFunc(options, func(x Option) bool { return x.Name == name })
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

// checked returns o with defaults in place of zeros for the named options, and reports
// all values of theirs that are not allowed. Errors say whose options they are: what
// ("rule") and owner, its name.
func (o Options) checked(what, owner string, names []string) (Options, error) {
	var errs []error
	for _, x := range options {
		if !slices.Contains(names, x.Name) {
			continue
		}
		v := x.value(&o)
		if reflect.ValueOf(v).IsZero() && x.Ask == "" {
			x.set(&o, x.Default)
			continue
		}
		if !x.Range.Holds(v) {
			shown := fmt.Sprint(v)
			if s, ok := v.(string); ok {
				shown = strconv.Quote(s)
			}
			errs = append(errs, fmt.Errorf("agg: %s %q: %s is %s, want %s", what, owner, x.Name, shown, x.wanted(v)))
		}
	}
	return o, errors.Join(errs...)
}

// wanted says what is allowed where v is not.
func (x Option) wanted(v any) string {
	want := x.Range.String()
	switch v := v.(type) {
	case string:
		return "one of " + want
	case int:
		if float64(v) > x.Range.Max {
			return fmt.Sprintf("at most %.0f", x.Range.Max)
		}
		want = "≥ 0"
	case float64:
		if math.IsInf(x.Range.Max, 1) {
			want = "a finite number " + want
		}
	}
	if zero := cmp.Or(x.Zero, "the default"); x.Zero != "" || x.Ask == "" && !x.Range.Holds(reflect.Zero(reflect.TypeOf(v)).Interface()) {
		want = strings.Replace(want, "> 0", "≥ 0", 1) + " (0 means " + zero + ")"
	}
	return want
}
