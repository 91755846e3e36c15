package config

import (
	"fmt"

	"github.com/bgmd/bgmd/pkg/agg"
)

// Rule returns what the config aggregates with: the rule, behind a
// pre-aggregator if there is one, inside a block if Block.Fraction is below 1,
// with rows dropped that are not finite if it says so.
func (c Config) Rule() (agg.Aggregator, error) {
	a := c.Aggregator
	o := agg.Options{
		F: a.F, Beta: a.Beta, Keep: a.Keep, Tau: a.Tau, Iterations: a.Iterations, Sigma: a.Sigma, Pivot: a.Pivot,
		Bucket: a.Bucket, Radius: a.Radius,
		Solver: a.Solver, Stop: a.Stop, Eps: a.Eps, MaxIter: a.MaxIter, OnFail: a.OnFail,
	}
	if a.F < 0 {
		o.F = c.corrupt()
	}
	rule, err := agg.New(a.Rule, o)
	if err == nil && a.Pre != "none" {
		rule, err = agg.NewPre(a.Pre, rule, o)
	}
	if err == nil && a.Block.Fraction < 1 {
		rule, err = agg.NewBlock(rule, agg.BlockOptions{Fraction: a.Block.Fraction, Select: a.Block.Select, Memory: a.Block.Memory})
	}
	if err == nil && a.NonFinite == "drop" {
		rule, err = agg.DropNonFinite(rule)
	}
	if err != nil {
		return nil, fmt.Errorf("config: %w", err)
	}
	return rule, nil
}

// corrupt is the largest number of clients that may be corrupt in a step: all of
// them, where a share of every client's samples is. Corruptions that draw their
// members in the same way share them, the fewer among the more; others may not.
func (c Config) corrupt() int {
	n := c.Data.Clients
	most := map[string]int{} // of those that draw in that way
	for _, part := range c.corruptions() {
		switch {
		case part.kind == "none" || part.Fraction == 0:
		case part.Level == "sample":
			return n
		default:
			most[part.Members] = max(most[part.Members], part.size(n))
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
	MembersConfig
}

// corruptions returns those of features, labels and gradients, in this order.
func (c Config) corruptions() []corruption {
	return []corruption{
		{"feature", c.Corruption.Feature.Kind, c.Corruption.Feature.MembersConfig},
		{"label", c.Corruption.Label.Kind, c.Corruption.Label.MembersConfig},
		{"gradient", c.Corruption.Gradient.Kind, c.Corruption.Gradient.membersConfig()},
	}
}

// Corrupt returns how many of n rows are corrupt in a step.
func (g GradientConfig) Corrupt(n int) int { return g.membersConfig().size(n) }

// membersConfig says which clients' rows are corrupt, with the count that
// members drawn by NumPy have whatever the config says.
func (g GradientConfig) membersConfig() MembersConfig {
	if g.Members == "numpy" {
		g.Count = "floor"
	}
	return MembersConfig{g.Fraction, "client", g.Members, g.Count}
}
