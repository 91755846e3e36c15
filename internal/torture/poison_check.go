package main

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"

	"github.com/bgmd/bgmd/pkg/agg"
)

// result is what a step gave.
type result struct {
	dst     []float32 // nil after an error
	err     string
	weights []float64
	state   []float32
}

// run gives the rule its matrices with 1, 2 and 3 cores at work, and compares.
func (p *poisoned) run(seed uint64) (differs string) {
	if p.build() == nil {
		return ""
	}
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	var first []result
	for cores := 1; cores <= 3; cores++ {
		if cores == 2 && p.inputs[0].G.Cols < 3000 {
			continue // small matrices are one core's work
		}
		runtime.GOMAXPROCS(cores)
		results, differs := p.steps(seed, cores == 3)
		if differs != "" {
			return differs
		}
		if first == nil {
			first = results
		}
		for i, r := range results {
			want := first[i]
			if r.err != want.err || !same(r.dst, want.dst) || !same(r.state, want.state) || !slices.Equal(r.weights, want.weights) {
				return fmt.Sprintf("a step's result differs with the number of cores\nstep %d on %d cores", i, cores)
			}
		}
	}
	return ""
}

// steps gives a new rule its matrices. With restore, another takes over the state at
// one step.
func (p *poisoned) steps(seed uint64, restore bool) (results []result, differs string) {
	rule := p.build()
	for i, in := range p.inputs {
		memory := rule.Traits().Memory
		if memory != nil && restore && i == p.restore {
			fresh := p.build()
			if err := fresh.Traits().Memory.Restore(slices.Clone(memory.State())); err != nil {
				return nil, fmt.Sprintf("a state is not restored\nbefore step %d: %v", i, err)
			}
			rule = fresh
		}
		step := agg.Step{Gamma: in.gamma, Rand: rand.New(rand.NewPCG(seed, uint64(i)))}
		r, differs := p.step(rule, in, step, i == 0)
		if differs != "" {
			return nil, fmt.Sprintf("%s\nstep %d", differs, i)
		}
		results = append(results, r)
	}
	return results, ""
}

// step gives the rule a matrix and checks what every rule promises.
func (p *poisoned) step(rule agg.Aggregator, in hostile, step agg.Step, first bool) (r result, differs string) {
	data := guarded(in.G.Data)
	G := in.G
	G.Data = within(data)
	room := guarded(make([]float32, G.Cols))
	dst := within(room)
	memory := rule.Traits().Memory
	var before []float32
	if memory != nil {
		before = slices.Clone(memory.State())
	}

	stats, err := rule.Aggregate(dst, G, step)

	if memory != nil {
		r.state = slices.Clone(memory.State())
	}
	switch {
	case !same(data, guarded(in.G.Data)):
		return r, "G is changed"
	case !same(room, guarded(dst)):
		return r, "it writes beyond dst"
	case err != nil && !same(r.state, before):
		return r, "an error changes the state\n" + err.Error()
	case err != nil:
		r.err = err.Error()
		if p.claims(in, first) && in.gamma*in.far < math.MaxFloat32 {
			return r, fmt.Sprintf("%d of %d rows make it fail\n%v", in.corrupt, G.Rows, err)
		}
		return r, ""
	}
	r.dst, r.weights = slices.Clone(dst), slices.Clone(stats.Weights)
	if differs := r.judge(stats, in, p.DropNonFinite); differs != "" {
		return r, differs
	}
	if bound := p.bound(in); p.claims(in, first) && (stats.GM == nil || stats.GM.Converged) && !(norm(r.dst) <= bound) {
		return r, fmt.Sprintf("%d of %d rows move the result out of bounds\nits norm is %g, want at most %g", in.corrupt, G.Rows, norm(r.dst), bound)
	}
	return r, ""
}

// judge checks a step without an error.
func (r result) judge(stats agg.Stats, in hostile, drop bool) (differs string) {
	bad := 0
	for i := range in.G.Rows {
		if !finite(in.G.Row(i)) {
			bad++
		}
	}
	var errs []error
	complain := func(wrong bool, format string, args ...any) {
		if wrong {
			errs = append(errs, fmt.Errorf(format, args...))
		}
	}
	complain(!finite(r.dst), "the result is not finite, without an error")
	complain(!finite(r.state), "the state is not finite, without an error")
	if drop {
		complain(stats.Dropped != bad, "%d rows are dropped, %d are not finite", stats.Dropped, bad)
	} else {
		complain(bad > 0, "%d rows that are not finite are accepted", bad)
	}
	if stats.Weights != nil {
		sum := 0.0
		for _, w := range stats.Weights {
			complain(!(w >= 0 && w <= 1+1e-9), "a weight is %g", w)
			sum += w
		}
		complain(!(math.Abs(sum-1) < 1e-6), "the weights sum to %g", sum)
		complain(len(stats.Weights) != in.G.Rows, "%d weights for %d rows", len(stats.Weights), in.G.Rows)
	}
	if c := stats.GM; c != nil {
		complain(!(c.Residual >= 0 && c.Residual <= 1), "the median's residual is %g", c.Residual)
	}
	if b := stats.Block; b != nil {
		complain(!(b.Residual >= 0 && b.Residual <= 1+1e-9), "the block's residual is %g", b.Residual)
	}
	if err := errors.Join(errs...); err != nil {
		return err.Error()
	}
	return ""
}

// bound is the largest norm of a result where the rule claims any: as package aggtest
// has it, 2(n−f)/(n−2f) times the honest rows' largest, which holds for the geometric
// median [Minsker 2015, Lemma 2.1] and leaves room for other robust rules.
func (p *poisoned) bound(in hostile) float64 {
	n, f := float64(in.G.Rows), float64(in.corrupt)
	return 2 * (n - f) / (n - 2*f) * in.honest * (1 + 1e-5)
}

// claims tells whether the rule claims to withstand the matrix's corrupt rows.
func (p *poisoned) claims(in hostile, first bool) bool {
	o, n, f := p.Options, in.G.Rows, in.corrupt
	switch {
	case f == 0, f > p.rule.MaxCorrupt(n), 2*f >= n:
	case slices.Contains(p.rule.Options, "f") && (f > o.F || o.F > p.rule.MaxCorrupt(n)):
	case o.Beta != 0, o.Keep != 0, o.Sigma != 0, o.Eps != 0: // the user's own idea of f, or of exactness
	case p.rule.Name == "gm" && o.Stop == "step": // exact to an absolute length
	case p.rule.Name == "mean", p.rule.Name == "centred-clipping": // the latter moves by τ a step
	case p.rule.Name == "monna" && o.Pivot < f: // a corrupt row is trusted
	case p.Pre != "" && (p.Pre != "nnm" || f > o.F || 2*o.F >= n):
	case p.Block != nil && !first: // memory brings back what was left out
	default:
		return true
	}
	return false
}

// guard stands around what a rule may write, or read alone, guards times.
const guard, guards = 12345, 7

// guarded returns a copy of x with guards around it.
func guarded(x []float32) []float32 {
	wall := make([]float32, guards)
	for i := range wall {
		wall[i] = guard
	}
	return slices.Concat(wall, x, wall)
}

// within returns what the guards stand around.
func within(x []float32) []float32 {
	end := len(x) - guards
	return x[guards:end:end]
}

// same tells whether two slices have equal bits.
func same(x, y []float32) bool {
	return slices.EqualFunc(x, y, func(a, b float32) bool { return math.Float32bits(a) == math.Float32bits(b) })
}

func finite(x []float32) bool {
	return !slices.ContainsFunc(x, func(v float32) bool { return v-v != 0 })
}

func norm(x []float32) float64 {
	sum := 0.0
	for _, v := range x {
		sum += float64(v) * float64(v)
	}
	return math.Sqrt(sum)
}
