package config

import (
	"slices"
	"strings"

	"github.com/bgmd/bgmd/pkg/agg"
)

// firstOptions are the options that all records have. youngOptions are those that a record
// has if something read them. A record may lack all others.
var (
	firstOptions = []string{"solver", "stop", "eps", "max_iter", "on_fail"}
	youngOptions = []string{"f", "beta", "keep", "tau", "iterations", "sigma", "pivot", "bucket", "radius"}
)

// optionSettings are the settings of agg's options in the order of agg's table, from one
// option to another, or to the end if that is empty.
func optionSettings(from, to string) []setting {
	table := agg.OptionTable()
	index := func(name string) int {
		return slices.IndexFunc(table, func(o agg.Option) bool { return o.Name == name })
	}
	last := index(to)
	if to == "" {
		last = len(table) - 1
	}
	var list []setting
	for _, o := range table[index(from) : last+1] {
		list = append(list, optionSetting(o))
	}
	return list
}

// optionSetting makes an option's key of its line in agg's table. Integers get a tighter
// bound, and f, which the config can count, gets a default of its own.
func optionSetting(o agg.Option) setting {
	s := setting{
		path:    "aggregator." + o.Name,
		at:      func(c *Config) any { return o.At(&c.Aggregator.Options) },
		limit:   of(o.Range),
		meaning: strings.Join(o.Readers(), ", ") + ": " + o.Meaning,
	}
	if o.Zero != "" {
		s.meaning += "; 0: " + o.Zero
	}
	if _, integer := o.Default.(int); integer {
		s.limit = between(int(o.Range.Min), most)
	}
	if o.Name == "f" {
		s.limit, s.meaning = between(-1, most), o.Meaning+"; -1: as many as the corruptions may make"
	}
	switch {
	case slices.Contains(firstOptions, o.Name):
		s.written = always
	case slices.Contains(youngOptions, o.Name):
		s.written = where(func(c *Config) bool { return slices.Contains(c.Aggregator.reads(), o.Name) })
	default:
		s.written = before(o.Default)
	}
	return s
}

// reads returns the options that have an effect.
func (a Aggregator) reads() []string { return agg.Chain{Rule: a.Rule, Pre: a.Pre}.Reads() }
