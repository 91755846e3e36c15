package agg

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
)

// rules is every rule by name. A new rule is one new file and one line here.
var rules = map[string]func(Options) Aggregator{
	"mean": func(Options) Aggregator { return new(mean) },
	"cm":   func(Options) Aggregator { return new(median) },
	"gm":   newGeometric,
}

// Options configure the geometric median; the other rules have no options and
// ignore them. The zero value of each field means its default.
type Options struct {
	// Solver is one of [Solvers]; the default is "gram".
	Solver string
	// Stop is one of [Stops] and says what Eps bounds: "residual" (default)
	// is the optimality residual of [Certificate], which is free of scale;
	// "step" is the distance between two iterates, in units of the rows.
	Stop string
	// OnFail is one of [OnFails] and says what an unconverged solver
	// returns: "last" (default) its last iterate, "zero" a zero vector. The
	// latter is what the code of [bgmd]'s authors does; it silently skips a
	// training step and is kept to reproduce their runs.
	OnFail string
	// Eps is the tolerance. The default is 1e-5 for stop "step" (the
	// authors') and, for stop "residual", 1e-8 for gram and 1e-6 for the
	// solvers that converge linearly and pay a pass over G an iteration.
	Eps float64
	// MaxIter bounds the number of iterations; the default is 100.
	MaxIter int
}

// Names returns the names that [New] knows, sorted.
func Names() []string { return slices.Sorted(maps.Keys(rules)) }

// Solvers returns the allowed values of [Options] Solver, the default first.
func Solvers() []string { return []string{solverGram, solverWeiszfeld, solverVardiZhang} }

// Stops returns the allowed values of [Options] Stop, the default first.
func Stops() []string { return []string{stopResidual, stopStep} }

// OnFails returns the allowed values of [Options] OnFail, the default first.
func OnFails() []string { return []string{onFailLast, onFailZero} }

// New returns the rule called name, one of [Names]. Rules are cheap until
// their first call. All values of o that are not allowed are reported at once.
func New(name string, o Options) (Aggregator, error) {
	build, ok := rules[name]
	if !ok {
		return nil, fmt.Errorf("agg: unknown rule %q (have %s)", name, strings.Join(Names(), ", "))
	}
	if err := o.validate(name); err != nil {
		return nil, err
	}
	return build(o), nil
}

func (o Options) validate(rule string) error {
	var eps, iter error
	if !(o.Eps >= 0) || math.IsInf(o.Eps, 1) {
		eps = fmt.Errorf("agg: rule %q: eps is %v, want a finite number ≥ 0 (0 means the default)", rule, o.Eps)
	}
	if o.MaxIter < 0 {
		iter = fmt.Errorf("agg: rule %q: max_iter is %d, want ≥ 0 (0 means the default)", rule, o.MaxIter)
	}
	return errors.Join(
		oneOf(rule, "solver", o.Solver, Solvers()),
		oneOf(rule, "stop", o.Stop, Stops()),
		oneOf(rule, "on_fail", o.OnFail, OnFails()),
		eps, iter)
}

// oneOf reports a value that is neither empty nor in allowed.
func oneOf(rule, field, value string, allowed []string) error {
	if value == "" || slices.Contains(allowed, value) {
		return nil
	}
	return fmt.Errorf("agg: rule %q: %s is %q, want one of %s", rule, field, value, strings.Join(allowed, ", "))
}
