package sweep

import (
	"errors"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/bgmd/bgmd/internal/yamltext"
)

// keys are those at the top of a grid's file.
var keys = []string{"base", "config", "seeds", "grid", "exclude", "override"}

// Parse reads the text of a grid's file, which it calls file in its errors. The
// error lists every problem, one a line.
func Parse(file string, source []byte) (*Grid, error) {
	root, err := yamltext.Parse(file, source, strings.Join(keys, ", "))
	if err != nil {
		return nil, err
	}
	p := &parser{Grid: Grid{File: file, Seeds: []uint64{1}}}
	top := map[string]*yaml.Node{}
	p.entries("", root, func(key, value *yaml.Node) { top[key.Value] = value }, keys...)
	if top["grid"] == nil {
		p.complain(root, "there is no grid, want axes under the key grid")
	} else {
		p.grid(top["grid"])
	}
	if base := top["base"]; base != nil {
		p.Base = base
		if base.Kind != yaml.ScalarNode || base.ShortTag() != "!!str" || base.Value == "" {
			p.complain(base, "base is %s, want a file", yamltext.Describe(base))
		}
	}
	if config := top["config"]; config != nil {
		p.config = p.piece("config", config)
	}
	if seeds := top["seeds"]; seeds != nil {
		p.seeds(seeds)
	}
	// These come last, since they name axes.
	for i, m := range p.list("exclude", top["exclude"]) {
		p.exclude = append(p.exclude, p.match(fmt.Sprintf("exclude %d", i+1), m))
	}
	for i, o := range p.list("override", top["override"]) {
		p.override(fmt.Sprintf("override %d", i+1), o)
	}
	return &p.Grid, errors.Join(p.problems...)
}

// parser is a Grid in the making.
type parser struct {
	Grid
	problems []error
}

func (p *parser) complain(node *yaml.Node, format string, args ...any) {
	p.problems = append(p.problems, fmt.Errorf("%s: %s", yamltext.At(p.File, node), fmt.Sprintf(format, args...)))
}

// entries calls f for every key of the section called path and its value, but
// not for a second one of the same name nor for one that is not allowed.
func (p *parser) entries(path string, section *yaml.Node, f func(key, value *yaml.Node), allowed ...string) {
	seen := map[string]int{}
	for i := 0; i+1 < len(section.Content); i += 2 {
		key := section.Content[i]
		full := strings.TrimPrefix(path+"."+key.Value, ".")
		switch first, twice := seen[key.Value]; {
		case key.Kind != yaml.ScalarNode:
			p.complain(key, "%s as a key, want a name", yamltext.Describe(key))
		case twice:
			p.complain(key, "key %s is there twice, first on line %d", yamltext.Quote(full), first)
		case allowed != nil && !slices.Contains(allowed, key.Value):
			p.complain(key, "unknown key %s (have %s)", yamltext.Quote(full), strings.Join(allowed, ", "))
		default:
			f(key, section.Content[i+1])
		}
		seen[key.Value] = key.Line
	}
}

// piece returns a piece of configuration, whose keys are the caller's to judge.
func (p *parser) piece(path string, node *yaml.Node) *yaml.Node {
	if node.Kind != yaml.MappingNode {
		p.complain(node, "%s is %s, want keys of a configuration ({} for none)", path, yamltext.Describe(node))
	}
	return node
}

// list returns the elements of a list, none where there is no node.
func (p *parser) list(path string, node *yaml.Node) []*yaml.Node {
	if node == nil {
		return nil
	}
	if node.Kind != yaml.SequenceNode {
		p.complain(node, "%s is %s, want a list", path, yamltext.Describe(node))
		return nil
	}
	return node.Content
}

func (p *parser) seeds(node *yaml.Node) {
	p.Seeds = nil
	known := map[uint64]bool{}
	for _, n := range p.list("seeds", node) {
		seed, err := strconv.ParseUint(n.Value, 10, 64)
		switch {
		case n.Kind != yaml.ScalarNode || n.Style != 0 || err != nil:
			p.complain(n, "seeds has %s, want integers ≥ 0", yamltext.Describe(n))
		case known[seed]:
			p.complain(n, "seeds has %d twice", seed)
		}
		known[seed] = true
		p.Seeds = append(p.Seeds, seed)
	}
	if node.Kind == yaml.SequenceNode && len(node.Content) == 0 {
		p.complain(node, "seeds is an empty list, want at least one")
	}
}

func (p *parser) grid(node *yaml.Node) {
	if node.Kind != yaml.MappingNode || len(node.Content) == 0 {
		p.complain(node, "grid is %s, want at least one axis", orEmpty(node))
		return
	}
	names := leaves(node)
	p.entries("grid", node, func(key, values *yaml.Node) {
		a := axis{name: key.Value, line: key.Line, known: map[string]bool{}, means: map[string]string{}}
		path := "grid." + a.name
		switch {
		case values.Kind != yaml.MappingNode && values.Kind != yaml.SequenceNode || len(values.Content) == 0:
			p.complain(key, "axis %s is %s, want named variants or a list of values", a.name, orEmpty(values))
		case values.Kind == yaml.MappingNode:
			p.entries(path, values, func(name, piece *yaml.Node) {
				p.value(&a, name, value{text: name.Value, name: name.Value, piece: p.piece(path+"."+name.Value, piece)})
			})
		default:
			for _, v := range values.Content {
				if v.Kind != yaml.ScalarNode {
					p.complain(v, "axis %s has %s, want values of the key %s", a.name, yamltext.Describe(v), a.name)
					continue
				}
				p.value(&a, v, value{text: v.Value, name: names[a.name] + "-" + v.Value, piece: nest(key, v), meaning: meaning(v)})
			}
		}
		p.axes = append(p.axes, a)
	})
}

// leaves returns, by axis of values, what stands for its key in the runs' names:
// the last element, and as many before it as tell it from the other such axes.
func leaves(grid *yaml.Node) map[string]string {
	var keys []string
	count := map[string]int{}
	for i := 0; i+1 < len(grid.Content); i += 2 {
		if grid.Content[i+1].Kind == yaml.SequenceNode {
			key := grid.Content[i].Value
			keys = append(keys, key)
			for _, end := range endings(key) {
				count[end]++
			}
		}
	}
	leaves := map[string]string{}
	for _, key := range keys {
		leaves[key] = key
		for _, end := range endings(key) {
			if count[end] == 1 {
				leaves[key] = end
				break
			}
		}
	}
	return leaves
}

// endings returns the last element of a path, the last two and three, as no key has
// more, and the whole path.
func endings(path string) []string {
	var all []string
	dot := len(path)
	for range 3 {
		if dot = strings.LastIndexByte(path[:dot], '.'); dot < 0 {
			break
		}
		all = append(all, path[dot+1:])
	}
	return append(all, path)
}

// orEmpty describes a node that should have elements.
func orEmpty(node *yaml.Node) string {
	if node.Kind == yaml.MappingNode || node.Kind == yaml.SequenceNode {
		return "empty"
	}
	return yamltext.Describe(node)
}

// nest returns the mapping that says key: value, where the key is a path.
func nest(key, value *yaml.Node) *yaml.Node {
	parts := strings.Split(key.Value, ".")
	node := value
	for i := len(parts) - 1; i >= 0; i-- {
		name := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: parts[i], Line: value.Line}
		node = &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map", Content: []*yaml.Node{name, node}, Line: value.Line}
	}
	return node
}

// part is what a file system takes as part of a name.
var part = regexp.MustCompile(`^[A-Za-z0-9._-]+$`)

// value adds a value, which stands at node, to an axis.
func (p *parser) value(a *axis, node *yaml.Node, v value) {
	if a.known[v.text] {
		p.complain(node, "axis %s has %s twice", a.name, yamltext.Show(v.text))
		return
	}
	if other, same := a.means[v.meaning]; same && v.meaning != "" {
		p.complain(node, "axis %s has %s and %s, which are one value", a.name, yamltext.Show(other), yamltext.Show(v.text))
		return
	}
	a.means[v.meaning] = v.text
	a.known[v.text] = true
	if !part.MatchString(v.name) || len(p.axes) == 0 && v.name[0] == '.' {
		p.complain(node, "axis %s has %s, which is no part of a folder's name: want letters, digits and . _ -, not a dot first", yamltext.Show(a.name), yamltext.Quote(v.text))
	}
	a.values = append(a.values, v)
}

// meaning is equal for scalars that are one value, as 0.1 and 1e-1 are.
func meaning(node *yaml.Node) string {
	var v any
	if node.Decode(&v) != nil {
		return "" // for the configuration to complain of
	}
	if f, ok := v.(float64); ok && f == math.Trunc(f) && math.Abs(f) < 1<<53 {
		v = int(f)
	}
	return fmt.Sprintf("%T %[1]v", v)
}

// match reads {axis: value, ...}.
func (p *parser) match(path string, node *yaml.Node) match {
	m := match{}
	if node.Kind != yaml.MappingNode || len(node.Content) == 0 {
		p.complain(node, "%s is %s, want an axis and its value", path, orEmpty(node))
		return m
	}
	var names []string
	for _, a := range p.axes {
		names = append(names, a.name)
	}
	p.entries(path, node, func(key, v *yaml.Node) {
		m[key.Value] = v.Value
		for _, a := range p.axes {
			if a.name == key.Value && !a.has(v) {
				p.complain(v, "%s: axis %s has no %s (have %s)", path, a.name, yamltext.Describe(v), a.texts())
			}
		}
		if !slices.Contains(names, key.Value) {
			p.complain(key, "%s: there is no axis %s (have %s)", path, key.Value, strings.Join(names, ", "))
		}
	})
	return m
}

func (a axis) has(node *yaml.Node) bool {
	return node.Kind == yaml.ScalarNode && a.known[node.Value]
}

func (a axis) texts() string {
	var texts []string
	for _, v := range a.values {
		texts = append(texts, v.text)
	}
	return strings.Join(texts, ", ")
}

func (p *parser) override(path string, node *yaml.Node) {
	var o override
	if node.Kind != yaml.MappingNode {
		p.complain(node, "%s is %s, want when and config", path, yamltext.Describe(node))
		return
	}
	p.entries(path, node, func(key, value *yaml.Node) {
		if key.Value == "when" {
			o.when = p.match(path, value)
		} else {
			o.piece = p.piece(path+".config", value)
		}
	}, "when", "config")
	if o.when == nil || o.piece == nil {
		p.complain(node, "%s lacks when or config, want both", path)
	}
	p.overrides = append(p.overrides, o)
}
