package train

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/bgmd/bgmd/internal/yamltext"
	"github.com/bgmd/bgmd/pkg/agg"
	"github.com/bgmd/bgmd/pkg/corrupt"
)

// KeyError is a value that its key does not allow.
type KeyError struct {
	Path    string // such as corruption.gradient.fraction
	Problem string // such as "is 1.2, want [0, 1)"
}

func (e *KeyError) Error() string { return e.Path + " " + e.Problem }

// Validate reports every value that is not allowed, alone or beside the
// others, joined by [errors.Join]: each is a *[KeyError]. Numbers that are not
// finite are never allowed. Where all values are, it reports a rule that cannot
// run with as many clients, or as many of them corrupt.
func (c Config) Validate() error {
	var problems []error
	bad := map[string]bool{}
	for _, s := range settings {
		if value := valueAt(s.at(&c)); !s.limit.ok(value) {
			bad[s.path] = true
			problems = append(problems, &KeyError{s.path, "is " + show(value) + ", want " + cmp.Or(s.limit.want, s.limit.text)})
		}
	}
	for _, check := range checks {
		if slices.ContainsFunc(check.paths, func(path string) bool { return bad[path] }) {
			continue
		}
		if problem := check.problem(&c); problem != "" {
			problems = append(problems, &KeyError{check.paths[0], problem})
		}
	}
	if problems == nil {
		if err := c.tryRule(); err != nil {
			problems = append(problems, &KeyError{"aggregator.rule", "cannot run: " + ofOneColumn.Replace(err.Error())})
		}
	}
	return errors.Join(problems...)
}

// ofOneColumn takes from an error of tryRule what says nothing about the config.
var ofOneColumn = strings.NewReplacer("train: ", "", "agg: ", "", "block of 1 coordinates: ", "")

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
// value that is wrong in itself; the first is the one to blame.
type check struct {
	paths   []string
	problem func(*Config) string // empty where there is none
}

var checks = []check{
	{[]string{"aggregator.block.memory", "aggregator.block.fraction", "aggregator.rule", "aggregator.on_fail"}, func(c *Config) string {
		a := c.Aggregator
		switch {
		case a.Block.Memory != "gm-weighted" || a.Block.Fraction == 1:
		case !slices.Contains(weightedRules(), a.Rule):
			return fmt.Sprintf("is %q, which needs a rule with weights: aggregator.rule is %q, want %s",
				a.Block.Memory, a.Rule, strings.Join(weightedRules(), ", "))
		case a.Rule == "gm" && a.OnFail == "zero":
			return fmt.Sprintf("is %q, which needs weights at every step: aggregator.on_fail is %q, want last",
				a.Block.Memory, a.OnFail)
		}
		return ""
	}},
	members("feature", func(c *Config) (string, MembersConfig) {
		return c.Corruption.Feature.Kind, c.Corruption.Feature.MembersConfig
	}),
	members("label", func(c *Config) (string, MembersConfig) {
		return c.Corruption.Label.Kind, c.Corruption.Label.MembersConfig
	}),
	members("gradient", func(c *Config) (string, MembersConfig) {
		return c.Corruption.Gradient.Kind, c.Corruption.Gradient.membersConfig()
	}),
	{[]string{"corruption.gradient.members", "corruption.gradient.kind"}, func(c *Config) string {
		g := c.Corruption.Gradient
		if g.Members != "numpy" || g.Kind == "none" || slices.Contains(corrupt.NumPyNames(), g.Kind) {
			return ""
		}
		return fmt.Sprintf("is %q, which goes with %s: corruption.gradient.kind is %q, want fixed, redrawn or first",
			g.Members, strings.Join(corrupt.NumPyNames(), " or "), g.Kind)
	}},
	{[]string{"corruption.gradient.z", "corruption.gradient.kind", "corruption.gradient.fraction", "corruption.gradient.count", "data.clients"}, func(c *Config) string {
		g, n := c.Corruption.Gradient, c.Data.Clients
		f := g.membersConfig().size(n)
		if g.Kind != "alie" || g.Z > 0 || f == 0 || corrupt.MaxZ(n, f) > 0 {
			return ""
		}
		return fmt.Sprintf("is 0, the largest z that hides, and with %d of %d (data.clients) corrupt no z > 0 does: want > 0", f, n)
	}},
}

// tryRule aggregates one coordinate of as many clients as there are: what a rule
// needs of their number and of f, only the rule knows.
func (c Config) tryRule() error {
	rule, err := c.Rule()
	if err != nil {
		return err
	}
	_, err = rule.Aggregate(make([]float32, 1), agg.NewMatrix(c.Data.Clients, 1), agg.Step{Gamma: 1, Rand: rand.New(rand.NewPCG(0, 0))})
	return err
}

// size returns how many of n are corrupt.
func (m MembersConfig) size(n int) int {
	count := corrupt.Floor
	if m.Count == "ceil" {
		count = corrupt.Ceil
	}
	return corrupt.Members{Fraction: m.Fraction, Count: count}.Size(n)
}

// members refuses a fraction that rounds down to nobody: the run would be a
// clean one under a name that says otherwise. Zero itself is allowed, as the
// clean end of a range of fractions.
func members(part string, get func(*Config) (string, MembersConfig)) check {
	section := "corruption." + part
	paths := []string{section + ".fraction", section + ".count", "data.clients", "data.batch"}
	if part != "gradient" {
		paths = append(paths, section+".level")
	}
	return check{paths, func(c *Config) string {
		kind, v := get(c)
		n, of := c.Data.Clients, "data.clients"
		if v.Level == "sample" {
			n, of = c.Data.Batch, "data.batch"
		}
		down := corrupt.Members{Fraction: v.Fraction, Count: corrupt.Floor}
		if kind == "none" || v.Fraction == 0 || v.Count != "floor" || down.Size(n) > 0 {
			return ""
		}
		return fmt.Sprintf("is %s, which of %d (%s) rounds down to none: want 0 or at least %s",
			format(v.Fraction), n, of, format(math.Ceil(1e4/float64(n))/1e4))
	}}
}
