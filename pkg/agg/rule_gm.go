package agg

import (
	"cmp"
	"fmt"
	"strings"
)

// Values of [Options].
const (
	solverGram       = "gram"
	solverWeiszfeld  = "weiszfeld"
	solverVardiZhang = "vardi-zhang"

	stopResidual = "residual"
	stopStep     = "step"

	onFailLast = "last"
	onFailZero = "zero"
)

// Solvers returns the allowed values of [Options] Solver, the default first.
func Solvers() []string { return []string{solverGram, solverWeiszfeld, solverVardiZhang} }

// Stops returns the allowed values of [Options] Stop, the default first.
func Stops() []string { return []string{stopResidual, stopStep} }

// OnFails returns the allowed values of [Options] OnFail, the default first.
func OnFails() []string { return []string{onFailLast, onFailZero} }

// gm is the rule "gm", the geometric median
//
//	dst = argmin_y Σ ‖gᵢ − y‖,
//
// whose breakdown point is 1/2 [Lopuhaä and Rousseeuw 1991]. The minimiser is
// unique unless the rows lie on one line; for n ≤ 2 any solver gives the mean.
//
// Stats.Weights are the weights of the rows in dst, nonnegative at a converged
// result, and Stats.GM says how good it is. A solver that does not converge is
// no error: Stats.GM.Converged is false. With OnFail "zero" the result is then
// the zero vector and has no weights.
//
// The cost depends on the solver: see gramSolver and spatialSolver.
type gm struct {
	options Options // without zero values
	solver  solver
	weights []float64
	cert    Certificate
}

// A solver computes the geometric median of the rows, the space's result, and its
// weights w, to the tolerance eps, or returns ErrNotFinite.
type solver interface {
	fits(n, d int) error
	scratch(n, d int) float64
	solve(rows Space, w []float64, eps float64) (Certificate, error)
}

var gmRule = Rule{
	Name: "gm", Title: "geometric median",
	Options: []string{"solver", "stop", "eps", "max_iter", "on_fail"},
	Cost:    "O(n²d)", Breakdown: "1/2", MaxCorrupt: minority,
	Source: "Weiszfeld 1937; Vardi and Zhang 2000; [bgmd, Table 1]",
	build:  newGM,
}

func newGM(o Options) core {
	o.Eps = cmp.Or(o.Eps, o.defaultEps())
	g := &gm{options: o}
	switch o.Solver {
	case solverGram:
		g.solver = &gramSolver{stop: o.Stop, maxIter: o.MaxIter}
	default:
		g.solver = &spatialSolver{leave: o.Solver == solverVardiZhang, stop: o.Stop, maxIter: o.MaxIter}
	}
	return g
}

func (o Options) defaultEps() float64 {
	switch {
	case o.Stop == stopStep:
		return 1e-5
	case o.Solver == solverGram:
		return 1e-8
	}
	return 1e-6
}

// String returns "gm", followed by the options that are not the default.
func (g *gm) String() string {
	o, def := g.options, DefaultOptions()
	var more []string
	if o.Solver != def.Solver {
		more = append(more, o.Solver)
	}
	if o.Stop != def.Stop {
		more = append(more, "stop="+o.Stop)
	}
	if o.Eps != o.defaultEps() {
		more = append(more, fmt.Sprintf("eps=%g", o.Eps))
	}
	if o.MaxIter != def.MaxIter {
		more = append(more, fmt.Sprintf("max_iter=%d", o.MaxIter))
	}
	if o.OnFail != def.OnFail {
		more = append(more, "on_fail="+o.OnFail)
	}
	if more == nil {
		return "gm"
	}
	return "gm(" + strings.Join(more, ", ") + ")"
}

// Traits: an absolute tolerance on the step is not free of scale, and a zero vector
// for failure neither moves with the rows nor has weights.
func (g *gm) Traits() Traits {
	last := g.options.OnFail == onFailLast
	return Traits{Equivariant: last && g.options.Stop == stopResidual, Weights: last}
}

func (g *gm) Fits(n, d int, _ Step) error { return g.solver.fits(n, d) }

func (g *gm) Scratch(n, d int) float64 { return g.solver.scratch(n, d) }

func (g *gm) aggregate(rows Space, step Step) (Stats, error) {
	n, _ := rows.Size()
	g.weights = grown(g.weights, n)
	eps := g.options.Eps
	if g.options.Stop == stopStep {
		eps *= cmp.Or(step.Scale, 1)
	}
	cert, err := g.solve(rows, eps)
	if err != nil {
		return Stats{}, err
	}
	g.cert = cert
	if !cert.Converged && g.options.OnFail == onFailZero {
		clear(g.weights)
		return Stats{GM: &g.cert}, rows.Combine(g.weights)
	}
	return Stats{Weights: g.weights, GM: &g.cert}, nil
}

// solve leaves to the solver all but one or two rows, whose mean is a median
// whatever the rows are.
func (g *gm) solve(rows Space, eps float64) (Certificate, error) {
	n, _ := rows.Size()
	if n > 2 {
		return g.solver.solve(rows, g.weights, eps)
	}
	fill(g.weights, 1/float64(n))
	return Certificate{Converged: true}, rows.Combine(g.weights)
}

// residualOf is (R − m)₊/n of a y that m of n rows equal, where R is the length of
// the sum of unit vectors from y to the others. That is at most n − m by the
// triangle inequality, so that more than 1 comes of rounding alone: where a row is
// all but equal to y, and ‖y‖ far larger than their distance.
func residualOf(pull float64, equal, n int) float64 {
	return min(1, max(0, pull-float64(equal))/float64(n))
}
