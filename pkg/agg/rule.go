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
	// MaxCorrupt is the largest number of corrupt rows among n that leave the
	// result bounded, given the options that suit them best; −1 where the rule
	// does not take n rows.
	MaxCorrupt func(n int) int

	build func(Options) core
}

// Traits returns those of the rule with the default options.
func (r Rule) Traits() Traits { return r.build(DefaultOptions()).Traits() }

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
	o, err := o.checked("rule", name, rule.Options)
	if err != nil {
		return nil, err
	}
	return &framed{core: rule.build(o), name: name}, nil
}

// core is what is particular to a rule; framed makes an [Aggregator] of it.
type core interface {
	Traits() Traits
	Fits(n, d int, step Step) error
	Scratch(n, d int) float64
	String() string
	// aggregate is AggregateIn for rows that fit. ErrNotFinite need not name the rule
	// or the row.
	aggregate(rows Space, step Step) (Stats, error)
}

// framed is a rule of the given name.
type framed struct {
	core
	name string
	host host
}

func (r *framed) Aggregate(dst []float32, G Matrix, step Step) (Stats, error) {
	if err := check(r.name, dst, G); err != nil {
		return Stats{}, err
	}
	r.host.dst, r.host.G = dst, G
	defer r.host.forget()
	return r.AggregateIn(&r.host, step)
}

func (r *framed) AggregateIn(rows Space, step Step) (Stats, error) {
	n, d := rows.Size()
	if err := r.Fits(n, d, step); err != nil {
		return Stats{}, err
	}
	stats, err := r.aggregate(rows, step)
	if err != nil {
		return Stats{}, named(err, r.name, rows)
	}
	return stats, nil
}

// anyRows is part of the cores that take any number of rows.
type anyRows struct{}

func (anyRows) Fits(int, int, Step) error { return nil }

// minority is the largest f ≥ 0 with n > 2f, −1 where there is none.
func minority(n int) int {
	if n < 1 {
		return -1
	}
	return (n - 1) / 2
}

// tooMany says that n rows are not enough for f corrupt ones.
func tooMany(rule string, n, f int, needs string) error {
	return fmt.Errorf("agg: rule %q: n = %d clients and f = %d corrupt, want %s", rule, n, f, needs)
}

// majority reports rows that are not more than twice as many as corrupt ones.
func majority(rule string, n, f int) error {
	if n <= 2*f {
		return tooMany(rule, n, f, "n > 2f")
	}
	return nil
}
