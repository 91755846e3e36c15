// Package sweep trains all runs of a grid: every combination of its axes'
// values, with every seed.
//
// A grid is a YAML file:
//
//	base: ../author-code.yaml     # a configuration file below all, relative to this one
//	config:                       # what all runs share: keys of a configuration
//	  data: {set: fashion-mnist}
//	seeds: [1, 2]                 # [1] if left out
//	grid:                         # axes, at least one
//	  setting:                    # an axis of variants: pieces of configuration
//	    clean: {}
//	    bitflip20: {corruption: {gradient: {kind: bitflip, fraction: 0.2}}}
//	  optimizer.lr: [0.1, 0.01]   # an axis of values: its name is a key
//	exclude:                      # combinations left out
//	  - {setting: clean, optimizer.lr: 0.1}
//	override:                     # pieces for some of the runs
//	  - when: {setting: clean}
//	    config: {optimizer: {momentum: 0.5}}
//
// Runs come in the order of the file, the last axis turning fastest and seeds
// faster still. A run is named after its variants, in the order of the axes and
// joined by "-"; a value's part is the last element of its key and the value,
// such as lr-0.1, with more elements where two axes end alike, such as
// gradient.kind-none. Later pieces lie over earlier ones: base, config, the variants
// in the order of the axes, and those overrides, in order, whose every "when"
// names the run's variant or value. "exclude" is matched in the same way.
//
// [Parse] reads a grid and knows nothing of a configuration's keys. [Spec] makes runs
// of it, as package config understands the pieces; [Look] says how far each is,
// [Estimate] how long the rest takes, and [Launcher] trains it.
package sweep

import (
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Grid is what a grid's file says.
type Grid struct {
	File  string
	Base  *yaml.Node // scalar; nil for none
	Seeds []uint64

	config    *yaml.Node // mapping; nil for none
	axes      []axis
	exclude   []match
	overrides []override
}

// axis is one dimension of the grid.
type axis struct {
	name   string
	line   int
	values []value
	known  map[string]bool   // the values' texts
	means  map[string]string // their texts by their meaning
}

// value is one point of an axis.
type value struct {
	text  string     // as exclude and when write it
	name  string     // its part of the runs' names
	piece *yaml.Node // mapping
	// meaning is equal for values that are one, such as 0.1 and 1e-1; empty for a
	// variant.
	meaning string
}

// match selects the combinations that have, for each axis in it, that value.
type match map[string]string // by the axis's name, the value's text

type override struct {
	when  match
	piece *yaml.Node // mapping
}

// Cell is one combination of the axes' values.
type Cell struct {
	Name   string
	Pieces []*yaml.Node // of configuration, mappings, each over those before it
}

// MaxRuns is the most combinations that a grid may have: a slip of the pen must not fill
// the memory.
const MaxRuns = 100_000

// Cells returns the grid's combinations in order. It fails if there are none,
// far too many, or two of one name.
func (g *Grid) Cells() ([]Cell, error) {
	all := 1
	for _, a := range g.axes {
		if all *= len(a.values); all > MaxRuns {
			return nil, fmt.Errorf("%s:%d: axis %s makes it more than %d combinations", g.File, a.line, a.name, MaxRuns)
		}
	}
	var cells []Cell
	seen := map[string]string{} // combinations by name
	for i := range all {
		chosen := g.combination(i)
		if slices.ContainsFunc(g.exclude, func(m match) bool { return m.holds(g.axes, chosen) }) {
			continue
		}
		cell := g.cell(chosen)
		combination := describeCombination(g.axes, chosen)
		if other, twice := seen[cell.Name]; twice {
			return nil, fmt.Errorf("%s: two runs are called %s: (%s) and (%s)", g.File, cell.Name, other, combination)
		}
		seen[cell.Name] = combination
		cells = append(cells, cell)
	}
	if len(cells) == 0 {
		return nil, fmt.Errorf("%s: exclude leaves none of %d combinations", g.File, all)
	}
	return cells, nil
}

// combination returns the i-th choice of a value from each axis.
func (g *Grid) combination(i int) []value {
	chosen := make([]value, len(g.axes))
	for a := len(g.axes) - 1; a >= 0; a-- {
		values := g.axes[a].values
		chosen[a] = values[i%len(values)]
		i /= len(values)
	}
	return chosen
}

func (g *Grid) cell(chosen []value) Cell {
	var c Cell
	if g.config != nil {
		c.Pieces = append(c.Pieces, g.config)
	}
	var names []string
	for _, v := range chosen {
		names = append(names, v.name)
		c.Pieces = append(c.Pieces, v.piece)
	}
	for _, o := range g.overrides {
		if o.when.holds(g.axes, chosen) {
			c.Pieces = append(c.Pieces, o.piece)
		}
	}
	c.Name = strings.Join(names, "-")
	return c
}

// holds tells whether a combination is among those that m selects.
func (m match) holds(axes []axis, chosen []value) bool {
	for i, a := range axes {
		if text, ok := m[a.name]; ok && text != chosen[i].text {
			return false
		}
	}
	return true
}

func describeCombination(axes []axis, chosen []value) string {
	parts := make([]string, len(axes))
	for i, a := range axes {
		parts[i] = a.name + ": " + chosen[i].text
	}
	return strings.Join(parts, ", ")
}
