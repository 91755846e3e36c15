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
	rule agg.Rule
	agg.Chain
	inputs  []hostile // one a step
	restore int       // the step before which a new rule takes over the state
}

func (p *poisoned) String() string {
	text := fmt.Sprintf("%s%+v", p.rule.Name, p.Options)
	if p.Pre != "" {
		text = p.Pre + " + " + text
	}
	if p.Block != nil {
		text = fmt.Sprintf("block%+v %s", *p.Block, text)
	}
	if p.DropNonFinite {
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
	p := &poisoned{rule: rule, Chain: agg.Chain{Rule: rule.Name, Options: drawOptions(rule, n, rng)}}
	if all := agg.PreAggregators(); rng.IntN(2) == 0 {
		p.Pre = all[rng.IntN(len(all))].Name
	}
	if rng.IntN(2) == 0 {
		p.Block = &agg.BlockOptions{
			Fraction: math.Pow(rng.Float64(), 3) + 1e-6,
			Select:   agg.Selections()[rng.IntN(len(agg.Selections()))],
			Memory:   agg.Memories()[rng.IntN(len(agg.Memories()))],
		}
		p.Block.Fraction = min(1, p.Block.Fraction)
	}
	p.DropNonFinite = rng.IntN(2) == 0
	most := []float64{3, 30}[rng.IntN(2)]
	for range 1 + rng.IntN(4) {
		in := drawHostile(n, d, p.Options.F, rng)
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
	o := agg.DefaultOptions()
	for _, x := range agg.OptionTable() {
		names, often := x.Range.Names, rng.IntN(4) > 0
		switch p := x.At(&o).(type) {
		case *string:
			*p = names[rng.IntN(len(names))]
		case *int:
			if x.Counts {
				*p = rng.IntN(1 + rng.IntN(n))
			} else if !often {
				*p = 1 + rng.IntN(5)
			}
		case *float64:
			switch {
			case often && x.Ask == "":
			case math.IsInf(x.Range.Max, 1):
				*p = powerOfTen(rng, 6)
			default:
				*p = x.Range.Max * rng.Float64()
			}
		}
	}
	if most := rule.MaxCorrupt(n); most > 0 {
		o.F = rng.IntN(min(most, n/2) + 1)
	}
	if rng.IntN(4) == 0 {
		o.F = rng.IntN(n + 1) // perhaps too many
	}
	return o
}

// build builds the rule, nil where it refuses to be.
func (p *poisoned) build() agg.Aggregator {
	rule, _ := p.New()
	return rule
}
