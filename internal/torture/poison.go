package main

import (
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"time"

	"github.com/bgmd/bgmd/pkg/agg"
)

// poison is the campaign of that name. A case draws a rule with its options, behind a
// pre-aggregator or not, in a block or not, dropping rows or not, and gives it some
// hostile matrices, one after the other.
func poison(s *session) error {
	rules := agg.Rules()
	for _, rule := range rules {
		s.share(len(rules))
		s.sweep(rule.Name, 0, func(number int, rng *rand.Rand) (broken, differs string) {
			p := draw(rule, rng)
			defer p.watch(fmt.Sprintf("torture: %s/%d: %v takes more than %v", rule.Name, number, p, patience))()
			return fmt.Sprint(p), p.run(rng.Uint64())
		})
	}
	return nil
}

// poisoned is one case: how to build the rule, and what it is given.
type poisoned struct {
	rule    agg.Rule
	options agg.Options
	pre     string            // empty for none
	block   *agg.BlockOptions // nil for none
	drop    bool              // rows that are not finite
	inputs  []hostile         // one a step
	restore int               // the step before which a new rule takes over the state
}

func (p *poisoned) String() string {
	text := fmt.Sprintf("%s%+v", p.rule.Name, p.options)
	if p.pre != "" {
		text = p.pre + " + " + text
	}
	if p.block != nil {
		text = fmt.Sprintf("block%+v %s", *p.block, text)
	}
	if p.drop {
		text += ", dropping rows"
	}
	for _, in := range p.inputs {
		text += fmt.Sprintf(", %d×%d %s at γ = %g", in.G.Rows, in.G.Cols, in.kind, in.gamma)
	}
	return text
}

// watch ends the program, saying why, unless the function that it returns is called
// in time: nothing else ends a call that hangs.
func (p *poisoned) watch(why string) (stop func()) {
	clock := time.AfterFunc(patience, func() {
		fmt.Fprintln(os.Stderr, why)
		os.Exit(1)
	})
	return func() { clock.Stop() }
}

// draw draws a case of the rule.
func draw(rule agg.Rule, rng *rand.Rand) *poisoned {
	n, d := 1+rng.IntN(40), dimension(rng)
	if rule.Name == "smea" {
		n = 1 + rng.IntN(10) // it looks at all subsets
	}
	p := &poisoned{rule: rule, options: drawOptions(rule, n, rng)}
	if pres := agg.Pres(); rng.IntN(2) == 0 {
		p.pre = pres[rng.IntN(len(pres))].Name
	}
	if rng.IntN(2) == 0 {
		p.block = &agg.BlockOptions{
			Fraction: math.Pow(rng.Float64(), 3) + 1e-6,
			Select:   agg.Selections()[rng.IntN(len(agg.Selections()))],
			Memory:   agg.Memories()[rng.IntN(len(agg.Memories()))],
		}
		p.block.Fraction = min(1, p.block.Fraction)
	}
	p.drop = rng.IntN(2) == 0
	most := []float64{3, 30}[rng.IntN(2)]
	for range 1 + rng.IntN(4) {
		in := drawHostile(n, d, p.options.F, rng)
		in.gamma = powerOfTen(rng, most)
		p.inputs = append(p.inputs, in)
	}
	p.restore = rng.IntN(len(p.inputs))
	return p
}

// dimension draws d: mostly small, now and then large enough for several cores.
func dimension(rng *rand.Rand) int {
	if rng.IntN(200) == 0 {
		return 3000 + rng.IntN(60_000)
	}
	return 1 + int(3000*math.Pow(rng.Float64(), 3))
}

// powerOfTen draws a number between 10^−most and 10^most.
func powerOfTen(rng *rand.Rand, most float64) float64 {
	return math.Pow(10, most*(2*rng.Float64()-1))
}

// drawOptions draws options that the rule allows, f mostly as large as n allows.
func drawOptions(rule agg.Rule, n int, rng *rand.Rand) agg.Options {
	o := agg.Options{
		Tau: powerOfTen(rng, 6), Radius: powerOfTen(rng, 6), Pivot: rng.IntN(n), Bucket: rng.IntN(4),
		Iterations: rng.IntN(4), Keep: rng.IntN(n + 1),
		Solver: agg.Solvers()[rng.IntN(len(agg.Solvers()))],
		Stop:   agg.Stops()[rng.IntN(len(agg.Stops()))],
		OnFail: agg.OnFails()[rng.IntN(len(agg.OnFails()))],
	}
	if most := rule.MaxCorrupt(n); most > 0 {
		o.F = rng.IntN(min(most, n/2) + 1)
	}
	switch rng.IntN(4) {
	case 0:
		o.Beta, o.Sigma, o.Eps, o.MaxIter = rng.Float64()/2, powerOfTen(rng, 6), powerOfTen(rng, 12), 1+rng.IntN(5)
	case 1:
		o.F = rng.IntN(n + 1) // perhaps too many
	}
	return o
}

// build builds the rule, nil where it refuses to be.
func (p *poisoned) build() agg.Aggregator {
	rule, err := agg.New(p.rule.Name, p.options)
	if err == nil && p.pre != "" {
		rule, err = agg.NewPre(p.pre, rule, p.options)
	}
	if err == nil && p.block != nil {
		rule, err = agg.NewBlock(rule, *p.block)
	}
	if err == nil && p.drop {
		rule, err = agg.DropNonFinite(rule)
	}
	if err != nil {
		return nil
	}
	return rule
}
