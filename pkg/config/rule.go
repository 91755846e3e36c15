package config

import (
	"github.com/bgmd/bgmd/pkg/agg"
	"github.com/bgmd/bgmd/pkg/corrupt"
)

// Chain returns what the config aggregates with: the rule, behind a pre-aggregator if
// there is one, inside a block if Block.Fraction is below 1, with non-finite rows dropped
// if NonFinite says so. With Aggregator.F < 0 the rule assumes as many corrupt rows as
// there may be.
func (c Config) Chain() agg.Chain {
	a := c.Aggregator
	chain := agg.Chain{Rule: a.Rule, Options: a.Options, Pre: a.Pre, DropNonFinite: a.NonFinite == "drop"}
	if a.F < 0 {
		chain.F = c.corrupt()
	}
	if a.Block.Fraction < 1 {
		chain.Block = &a.Block
	}
	return chain
}

// Rule builds the config's [Config.Chain].
func (c Config) Rule() (agg.Aggregator, error) { return c.Chain().New() }

// corrupt is the largest number of clients that may be corrupt in a step: all clients, if
// a share of every client's samples is corrupt. Corruptions with members of the same kind
// have members in common: the smaller set lies within the larger. Those of different
// kinds may have none in common.
func (c Config) corrupt() int {
	n := c.Data.Clients
	most := map[string]int{} // of those that draw in that way
	for _, part := range c.corruptions() {
		switch {
		case part.kind == "none" || part.Fraction == 0:
		case part.Level == "sample":
			return n
		default:
			most[part.Members] = max(most[part.Members], size(part.MemberOptions, n))
		}
	}
	all := 0
	for _, m := range most {
		all += m
	}
	return min(n, all)
}

// corruption is what the corruptions of features, labels and gradients share.
type corruption struct {
	name string // the section's
	kind string
	corrupt.MemberOptions
}

// corruptions returns those of features, labels and gradients, in this order.
func (c Config) corruptions() []corruption {
	x := c.Corruption
	return []corruption{
		{"feature", x.Feature.Kind, x.Feature.MemberOptions},
		{"label", x.Label.Kind, x.Label.MemberOptions},
		{"gradient", x.Gradient.Kind, x.Gradient.members()},
	}
}

// size returns how many of n clients may be corrupt in a step.
func size(m corrupt.MemberOptions, n int) int {
	count := corrupt.Floor
	if m.Count == "ceil" {
		count = corrupt.Ceil
	}
	return corrupt.Members{Fraction: m.Fraction, Count: count}.Size(n)
}

// Corrupt returns how many of n rows are corrupt in a step.
func (g Gradient) Corrupt(n int) int { return size(g.members(), n) }

// members says which clients' rows are corrupt, with the count that members drawn by
// NumPy have whatever the config says.
func (g Gradient) members() corrupt.MemberOptions {
	if g.Members == "numpy" {
		g.Count = "floor"
	}
	return corrupt.MemberOptions{Fraction: g.Fraction, Level: "client", Members: g.Members, Count: g.Count}
}
