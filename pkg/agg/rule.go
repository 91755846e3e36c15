package agg

import (
	"fmt"
	"slices"
	"strings"
)

// Rule describes an aggregation rule. In the formulas n is the number of rows,
// f the number of them that are corrupt, d their length.
type Rule struct {
	Name      string   // what [New] takes
	Title     string   // what the field calls it
	Options   []string // the options it reads, a subset of [OptionNames]
	Needs     string   // what n and f must satisfy, empty for nothing
	Cost      string
	Breakdown string // share of corrupt rows from which on the result is unbounded, as n grows
	Source    string
	Weights   bool // Stats.Weights say what the result is made of
	Separable bool // every coordinate of the result depends on that column of G alone
	// MaxCorrupt is the largest number of corrupt rows among n that leave the
	// result bounded, given the options that suit them best; −1 where the rule
	// does not take n rows.
	MaxCorrupt func(n int) int

	build func(Options) Aggregator
}

// rules is every rule, the seven of the paper's Table 1 first and the mean at their
// head. A new rule is one new file and one line here, at the end.
var rules = []Rule{
	meanRule,
	cmRule,
	gmRule,
	krumRule,
	trimmedMeanRule,
	normClippingRule,
	spectralFilterRule,
	multiKrumRule,
	bulyanRule,
	medoidRule,
	meamedRule,
	mdaRule,
	monnaRule,
	smeaRule,
	cafRule,
	centredClippingRule,
}

// Rules returns every rule, those of [bgmd]'s Table 1 first.
func Rules() []Rule { return slices.Clone(rules) }

// Names returns the names that [New] knows, sorted.
func Names() []string {
	var names []string
	for _, r := range rules {
		names = append(names, r.Name)
	}
	slices.Sort(names)
	return names
}

// Lookup returns the description of the rule called name, and whether there is one.
func Lookup(name string) (rule Rule, ok bool) {
	i := slices.IndexFunc(rules, func(r Rule) bool { return r.Name == name })
	if i < 0 {
		return Rule{}, false
	}
	return rules[i], true
}

// New returns the rule called name, one of [Names]. It reads the options that
// the rule names and ignores the others. Rules are cheap until their first
// call. All values of o that are not allowed are reported at once; whether
// they fit the number of rows, Aggregate reports.
func New(name string, o Options) (Aggregator, error) {
	rule, ok := Lookup(name)
	if !ok {
		return nil, fmt.Errorf("agg: unknown rule %q (have %s)", name, strings.Join(Names(), ", "))
	}
	if err := o.validate("rule", name, rule.Options); err != nil {
		return nil, err
	}
	return rule.build(o), nil
}

// minority is the largest f ≥ 0 with n > 2f, −1 where there is none.
func minority(n int) int {
	if n < 1 {
		return -1
	}
	return (n - 1) / 2
}
