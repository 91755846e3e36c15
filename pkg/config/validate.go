package config

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/bgmd/bgmd/internal/yamltext"
	"github.com/bgmd/bgmd/pkg/agg"
	"github.com/bgmd/bgmd/pkg/corrupt"
)

// KeyError is a value that its key does not allow, alone or beside others.
type KeyError struct {
	Path    string   // such as corruption.gradient.fraction
	Problem string   // such as "is 1.2, want [0, 1)"
	Beside  []string // the other keys without whose values there would be no problem
}

func (e *KeyError) Error() string { return e.Path + " " + e.Problem }

// Clash is the error of the first of several keys beside the others.
func Clash(problem string, keys ...string) *KeyError { return &KeyError{keys[0], problem, keys[1:]} }

// Validate reports every value that is not allowed, alone or beside the
// others, joined by [errors.Join]: each is a *[KeyError]. Numbers that are not
// finite are never allowed. Where all values are, it reports a rule that cannot
// run with as many clients, or as many of them corrupt.
func (c Config) Validate() error { return errors.Join(c.problems()...) }

func (c Config) problems() []error {
	var problems []error
	bad := map[string]bool{}
	for _, s := range settings {
		if value := valueAt(s.at(&c)); !s.limit.ok(value) {
			bad[s.path] = true
			problems = append(problems, Clash("is "+show(value)+", want "+cmp.Or(s.limit.want, s.limit.text), s.path))
		}
	}
	for _, check := range checks {
		if slices.ContainsFunc(check.paths, func(path string) bool { return bad[path] }) {
			continue
		}
		if problem := check.problem(&c); problem != nil {
			problems = append(problems, problem)
		}
	}
	if problems == nil {
		if err := c.tryRule(); err != nil {
			problems = append(problems, Clash("cannot run: "+ofPackages.Replace(err.Error()), c.ruleKeys()...))
		}
	}
	return problems
}

// Warnings reports what is allowed and hardly meant: corruptions that have a kind
// and corrupt nobody. Each is a *[KeyError], located as [Config.Locate] does.
func (c Config) Warnings() []error {
	var warnings []error
	for _, part := range c.corruptions() {
		if part.kind != "none" && part.Fraction == 0 {
			section := "corruption." + part.name
			warnings = append(warnings, c.Locate(Clash(fmt.Sprintf("is %q, but nothing is corrupt: %s.fraction is 0", part.kind, section),
				section+".kind", section+".fraction")))
		}
	}
	return warnings
}

// ofPackages removes from an error of tryRule what says nothing about the config.
var ofPackages = strings.NewReplacer("agg: ", "")

// show writes a value as an error message shows it: text in quotes, and what is
// long cut.
func show(value any) string {
	switch v := value.(type) {
	case string:
		return yamltext.Quote(v)
	case []int:
		if len(v) > 10 {
			return fmt.Sprintf("%s… (%d numbers)", strings.TrimSuffix(format(v[:10]), "]"), len(v))
		}
	}
	return format(value)
}

// check compares keys with each other. It is skipped where one of them has a
// value that is wrong in itself.
type check struct {
	paths   []string
	problem func(*Config) *KeyError // nil where there is none
}

var checks = []check{
	{[]string{"aggregator.block.memory", "aggregator.block.fraction", "aggregator.rule", "aggregator.on_fail"}, func(c *Config) *KeyError {
		a := c.Aggregator
		switch {
		case a.Block.Memory != "gm-weighted" || a.Block.Fraction == 1:
		case !slices.Contains(weightedRules(), a.Rule):
			return Clash(fmt.Sprintf("is %q, which needs a rule with weights: aggregator.rule is %q, want %s",
				a.Block.Memory, a.Rule, strings.Join(weightedRules(), ", ")),
				"aggregator.block.memory", "aggregator.rule", "aggregator.block.fraction")
		case a.Rule == "gm" && a.OnFail == "zero":
			return Clash(fmt.Sprintf("is %q, which needs weights at every step: aggregator.on_fail is %q, want last", a.Block.Memory, a.OnFail),
				"aggregator.block.memory", "aggregator.on_fail", "aggregator.rule", "aggregator.block.fraction")
		}
		return nil
	}},
	{membersPaths("feature"), func(c *Config) *KeyError { return roundedToNobody(c, c.corruptions()[0]) }},
	{membersPaths("label"), func(c *Config) *KeyError { return roundedToNobody(c, c.corruptions()[1]) }},
	{membersPaths("gradient"), func(c *Config) *KeyError { return roundedToNobody(c, c.corruptions()[2]) }},
	{[]string{"corruption.gradient.members", "corruption.gradient.kind"}, func(c *Config) *KeyError {
		g := c.Corruption.Gradient
		if g.Members != "numpy" || g.Kind == "none" || slices.Contains(corrupt.NumPyNames(), g.Kind) {
			return nil
		}
		return Clash(fmt.Sprintf("is %q, which goes with %s: corruption.gradient.kind is %q, want fixed, redrawn or first",
			g.Members, strings.Join(corrupt.NumPyNames(), " or "), g.Kind), "corruption.gradient.members", "corruption.gradient.kind")
	}},
	{append([]string{"corruption.gradient.z"}, membersPaths("gradient")...), hidden},
	{[]string{"model.name", "data.set", "data.batch", "model.widths", "model.stem", "model.dropout", "model.eval_batch"}, func(c *Config) *KeyError {
		if _, _, err := c.Sizes(); err != nil {
			why := strings.TrimPrefix(err.Error(), "models: "+c.Model.Name+": ")
			return Clash(fmt.Sprintf("is %q, which cannot take %s: %s", c.Model.Name, c.Data.Set, why), "model.name", "data.set")
		}
		return nil
	}},
}

// weightedRules are the rules whose result is Σ wᵢ gᵢ with known weights, as
// the gm-weighted memory needs them.
func weightedRules() []string {
	var names []string
	for _, r := range agg.Rules() {
		if r.Traits().Weights {
			names = append(names, r.Name)
		}
	}
	return names
}

// hidden refuses an ALIE that should choose its z where there is none to choose.
func hidden(c *Config) *KeyError {
	g, n := c.Corruption.Gradient, c.Data.Clients
	f := g.Corrupt(n)
	if g.Kind != "alie" || g.Z > 0 || f == 0 || corrupt.MaxZ(n, f) > 0 {
		return nil
	}
	remedy := "set corruption.gradient.z > 0"
	if few, many := hiding(n); few > 0 {
		remedy += fmt.Sprintf(", or corrupt %d to %d of %d", few, many, n)
	}
	return Clash(fmt.Sprintf("is %q, which with %d of %d clients corrupt has no z > 0 that hides: %s", g.Kind, f, n, remedy),
		"corruption.gradient.kind", "corruption.gradient.fraction", "data.clients", "corruption.gradient.z")
}

// hiding returns the fewest and the most of n rows that ALIE can corrupt with a
// z > 0 that hides, zeros where it never can.
func hiding(n int) (few, many int) {
	for few = 1; few < n && corrupt.MaxZ(n, few) == 0; few++ { // for large n, up to 3
	}
	for many = n - 1; many > 0 && corrupt.MaxZ(n, many) == 0; many-- { // down to n − 3
	}
	if few > many {
		return 0, 0
	}
	return few, many
}

// ruleKeys are the keys that decide whether the rule can run, itself first.
func (c Config) ruleKeys() []string {
	a := c.Aggregator
	keys := []string{"aggregator.rule", "data.clients"}
	reads := a.reads()
	for _, o := range agg.OptionTable() {
		if !o.Counts || !slices.Contains(reads, o.Name) {
			continue
		}
		keys = append(keys, "aggregator."+o.Name)
		for _, part := range c.corruptions() {
			if o.Name == "f" && a.F < 0 && part.kind != "none" && part.Fraction > 0 {
				keys = append(keys, "corruption."+part.name+".fraction")
			}
		}
	}
	if a.Pre != agg.NoPre {
		keys = append(keys, "aggregator.pre")
	}
	if a.NonFinite == "drop" {
		keys = append(keys, "aggregator.non_finite", "aggregator.block.memory")
	}
	return keys
}

// tryRule asks the rule whether it takes as many clients as there are: what it needs
// of their number and of f, only the rule knows.
func (c Config) tryRule() error {
	rule, err := c.Rule()
	if err != nil {
		return err
	}
	return rule.Fits(c.Data.Clients, 0, agg.Step{})
}

// membersPaths are the keys that say who is corrupt in a part.
func membersPaths(part string) []string {
	section := "corruption." + part
	paths := []string{section + ".kind", section + ".fraction", section + ".count", "data.clients", "data.batch"}
	if part != "gradient" {
		paths = append(paths, section+".level")
	}
	return paths
}

// roundedToNobody refuses a fraction that rounds down to nobody: the run would be
// a clean one under a name that says otherwise. Zero itself is allowed, as the
// clean end of a range of fractions; see [Config.Warnings].
func roundedToNobody(c *Config, part corruption) *KeyError {
	n, of := c.Data.Clients, "data.clients"
	if part.Level == "sample" {
		n, of = c.Data.Batch, "data.batch"
	}
	down := corrupt.Members{Fraction: part.Fraction, Count: corrupt.Floor}
	if part.kind == "none" || part.Fraction == 0 || part.Count != "floor" || down.Size(n) > 0 {
		return nil
	}
	section := "corruption." + part.name
	return Clash(fmt.Sprintf("is %s, which of %d (%s) rounds down to none: want 0 or at least %s",
		format(part.Fraction), n, of, format(math.Ceil(1e4/float64(n))/1e4)), section+".fraction", of, section+".kind")
}
