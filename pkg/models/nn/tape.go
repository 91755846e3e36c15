package nn

import (
	"fmt"

	"gorgonia.org/gorgonia"
)

// call is the call of one op in a run of its graph on the host. Every run has the same
// values, with other contents.
type call struct {
	op *op
	in []gorgonia.Value
}

// Run runs p's graph g, all of whose ops are this package's. The first time, machine runs
// it, and Run notes the calls of ops; later it makes these calls itself, in the same
// order. On a device values may differ from run to run, so that machine runs every time.
//
// A tape machine's RunAll locks the caller to its thread and runs on another one: two
// changes of threads a run, to a core whose caches know nothing of it and, beside
// other work, after a wait for that core. A step of LeNet with 32×16 samples took 31 ms
// at best and 58 beside other work, and takes 26 and 28.
func (p *Pass) Run(g *gorgonia.ExprGraph, machine gorgonia.VM) error {
	if p.Engine != nil {
		machine.Reset()
		return machine.RunAll()
	}
	if p.tape == nil {
		return p.record(g, machine)
	}
	for _, c := range p.tape {
		if _, err := c.op.Do(c.in...); err != nil {
			return fmt.Errorf("nn: %s: %w", c.op.name, err)
		}
	}
	return nil
}

// record runs g by the machine and keeps the calls if all went well.
func (p *Pass) record(g *gorgonia.ExprGraph, machine gorgonia.VM) error {
	for _, n := range g.AllNodes() {
		if o := n.Op(); o != nil && o.Arity() > 0 {
			if _, ours := o.(*op); !ours {
				return fmt.Errorf("nn: op %v of the graph is not one of this package's", o)
			}
		}
	}
	calls := []call{}
	p.note = func(c call) { calls = append(calls, c) }
	defer func() { p.note = nil }()
	machine.Reset()
	if err := machine.RunAll(); err != nil {
		return err
	}
	p.tape = calls
	return nil
}
