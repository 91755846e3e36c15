package main

import (
	"cmp"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"github.com/bgmd/bgmd/internal/yamltext"
	"github.com/bgmd/bgmd/pkg/config"
)

// layer is what one file or the command line sets.
//
// It is read with the YAML parser, not by viper, because what is wrong with a
// file can be said only where it is still text: viper's maps have no lines,
// lower-case all keys, keep one of two equal ones, and its merging drops a
// value whose type differs from that of the layer below (lr: 1 under lr: 0.5).
// Here every value gets its key's type, and viper merges layers that are right.
type layer struct {
	values   map[string]any    // nested, as viper wants it
	origin   map[string]string // where each path was set, such as "a.yaml:3"
	base     string            // the file below this one, as written; empty for none
	problems []error
	index    keyIndex
}

func newLayer() *layer {
	return &layer{values: map[string]any{}, origin: map[string]string{}, index: newKeyIndex()}
}

func (l *layer) complain(where, format string, args ...any) {
	l.problems = append(l.problems, fmt.Errorf("%s: %s", where, fmt.Sprintf(format, args...)))
}

// set records a value that has its key's type.
func (l *layer) set(where, path string, value any) {
	l.origin[path] = where
	at := l.values
	section, name := splitKey(path)
	for part := range strings.SplitSeq(section, ".") {
		if part == "" {
			break
		}
		if at[part] == nil {
			at[part] = map[string]any{}
		}
		at = at[part].(map[string]any)
	}
	at[name] = value
}

// parseFile reads the text of a file, which it calls file in its problems.
func parseFile(file string, source []byte) *layer {
	l := newLayer()
	mapping, err := yamltext.Parse(file, source, "keys (see bgmd config)")
	if err != nil {
		l.problems = append(l.problems, err)
		return l
	}
	l.section(file, "", mapping)
	return l
}

// section reads the mapping that stands for the section at path.
func (l *layer) section(file, path string, mapping *yaml.Node) {
	seen := map[string]int{}
	for i := 0; i+1 < len(mapping.Content); i += 2 {
		key, value := mapping.Content[i], mapping.Content[i+1]
		where := yamltext.At(file, key)
		if key.Kind != yaml.ScalarNode {
			l.complain(where, "%s as a key, want a name", yamltext.Describe(key))
			continue
		}
		full := joinKey(path, key.Value)
		if first, twice := seen[key.Value]; twice {
			l.complain(where, "key %s is there twice, first on line %d", yamltext.Quote(full), first)
			continue
		}
		seen[key.Value] = key.Line
		l.entry(file, where, path, key.Value, value)
	}
}

// entry reads one key and its value.
func (l *layer) entry(file, where, section, name string, value *yaml.Node) {
	path := joinKey(section, name)
	key, isKey := l.index.keys[path]
	_, isSection := l.index.sections[path]
	switch {
	case path == "base":
		base, problem := convert(config.Key{Type: config.Text, Allowed: "a file"}, value)
		if problem != "" || base == "" {
			l.complain(where, "base %s", cmp.Or(problem, "is empty, want a file"))
			return
		}
		l.base, l.origin["base"] = base.(string), where
	case strings.Contains(name, ".") && (isKey || isSection):
		l.complain(where, "unknown key %q, write it as %s: …%s", path,
			strings.ReplaceAll(path, ".", ": {"), strings.Repeat("}", strings.Count(path, ".")))
	case isSection && yamltext.Tagged(value):
		l.complain(where, "%s %s", path, yamltext.TagProblem(value))
	case isSection && value.Kind == yaml.MappingNode:
		l.section(file, path, value)
	case isSection:
		l.complain(where, "%s is %s, want a section with %s", path, yamltext.Describe(value), strings.Join(l.index.sections[path], ", "))
	case isKey:
		v, problem := convert(key, value)
		if problem != "" {
			l.complain(where, "%s %s", path, problem)
			return
		}
		l.set(where, path, v)
	default:
		l.complain(where, "%s", l.index.unknown(path))
	}
}

// assign reads a command line's key=value.
func (l *layer) assign(flag, assignment string) {
	path, source, ok := strings.Cut(assignment, "=")
	where := flag + " " + yamltext.Show(assignment)
	if !ok {
		l.complain(where, "want key=value")
		return
	}
	if path == "base" {
		l.complain(where, "base can be set in a file only")
		return
	}
	if have := l.index.sections[path]; have != nil {
		l.complain(where, "%s is a section, want one of its keys: %s", path, strings.Join(have, ", "))
		return
	}
	key, ok := l.index.keys[path]
	if !ok {
		l.complain(where, "%s", l.index.unknown(path))
		return
	}
	v, problem := convert(key, literal(key, source))
	if problem != "" {
		l.complain(where, "%s %s", path, problem)
		return
	}
	l.set(where, path, v)
}

// literal returns the node that a value on the command line stands for. The value
// is taken whole, as the shell hands it over: text has no comments, quotes or
// escapes, and a list is what is between brackets, split at commas.
func literal(key config.Key, source string) *yaml.Node {
	if key.Type == config.Text {
		return &yaml.Node{Kind: yaml.ScalarNode, Style: yaml.DoubleQuotedStyle, Value: source}
	}
	source = strings.TrimSpace(source)
	inner := strings.TrimSuffix(strings.TrimPrefix(source, "["), "]")
	if key.Type != config.List || len(source) != len(inner)+len("[]") {
		return &yaml.Node{Kind: yaml.ScalarNode, Value: source}
	}
	list := &yaml.Node{Kind: yaml.SequenceNode}
	if strings.TrimSpace(inner) == "" {
		return list
	}
	for item := range strings.SplitSeq(inner, ",") {
		list.Content = append(list.Content, &yaml.Node{Kind: yaml.ScalarNode, Value: strings.TrimSpace(item)})
	}
	return list
}

// What numbers look like: as people write them, and nothing that YAML would
// read as a number to their surprise, such as 010, 0x1F, 1_000, 1:30 and .inf.
var (
	integerText = regexp.MustCompile(`^[-+]?(0|[1-9][0-9]*)$`)
	numberText  = regexp.MustCompile(`^[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?$`)
)

// convert returns a node's value in its key's type, or what is wrong with it.
func convert(key config.Key, node *yaml.Node) (value any, problem string) {
	plain := node.Kind == yaml.ScalarNode && node.Style == 0
	var err error
	switch {
	case yamltext.Tagged(node):
		return nil, yamltext.TagProblem(node)
	case key.Type == config.List && node.Kind == yaml.SequenceNode:
		return convertList(key, node)
	case node.Kind != yaml.ScalarNode:
	case key.Type == config.Text && !utf8.ValidString(node.Value): // of a command line: files are UTF-8
		return nil, fmt.Sprintf("is %s, want text in UTF-8", yamltext.Describe(node))
	case key.Type == config.Text:
		if node.ShortTag() == "!!str" {
			return node.Value, ""
		}
		if node.ShortTag() != "!!null" {
			return nil, fmt.Sprintf("is %s, want text (%s): put it in quotes", yamltext.Describe(node), key.Allowed)
		}
	case !plain:
	case key.Type == config.Boolean:
		if node.Value == "true" || node.Value == "false" {
			return node.Value == "true", ""
		}
	case key.Type == config.Number && numberText.MatchString(node.Value):
		if value, err = strconv.ParseFloat(node.Value, 64); err == nil {
			return value, ""
		}
	case key.Type == config.Integer && integerText.MatchString(node.Value):
		if value, err = strconv.Atoi(node.Value); err == nil {
			return value, ""
		}
	case key.Type == config.Natural && integerText.MatchString(node.Value) && node.Value[0] != '-':
		if value, err = strconv.ParseUint(strings.TrimPrefix(node.Value, "+"), 10, 64); err == nil {
			return value, ""
		}
	}
	if err != nil { // out of range: the form is right
		return nil, fmt.Sprintf("is %s, which does not fit in 64 bits", yamltext.Describe(node))
	}
	return nil, fmt.Sprintf("is %s, want %s", yamltext.Describe(node), wanted(key))
}

// convertList returns the integers of a sequence, or what is wrong with one.
func convertList(key config.Key, sequence *yaml.Node) (value any, problem string) {
	list := []int{}
	for i, item := range sequence.Content {
		v, problem := convert(config.Key{Type: config.Integer, Allowed: key.Allowed}, item)
		if problem != "" {
			return nil, fmt.Sprintf("has in place %d what %s", i+1, problem)
		}
		list = append(list, v.(int))
	}
	return list, ""
}

func wanted(key config.Key) string {
	switch key.Type {
	case config.List:
		return "a list of integers, such as [200, 100] (" + key.Allowed + ")"
	case config.Boolean:
		return "true or false"
	case config.Integer, config.Natural:
		return "an integer (" + key.Allowed + ")"
	case config.Number:
		return "a number (" + key.Allowed + ")"
	}
	return "text (" + key.Allowed + ")"
}
