package config

import (
	"cmp"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"github.com/bgmd/bgmd/internal/yamltext"
)

// Layer is what one file, a piece of one or the command line sets.
//
// It is read with the YAML parser, not by viper, because what is wrong with a
// file can be said only where it is still text: viper's maps have no lines,
// lower-case all keys, keep one of two equal ones, and its merging drops a
// value whose type differs from that of the layer below (lr: 1 under lr: 0.5).
// Here every value gets its key's type, and viper merges layers that are right.
type Layer struct {
	values   map[string]any    // by path, in its key's type
	origin   map[string]string // where each path was set, such as "a.yaml:3"
	base     string            // the file below this one, as written; empty for none
	problems []error
}

func newLayer() *Layer {
	return &Layer{values: map[string]any{}, origin: map[string]string{}}
}

// Complain notes a problem, which [Merge] returns.
func (l *Layer) Complain(where, format string, args ...any) {
	l.problems = append(l.problems, fmt.Errorf("%s: %s", where, fmt.Sprintf(format, args...)))
}

// Set sets a key to a value, which has the key's type, and notes where that was
// written.
func (l *Layer) Set(where, path string, value any) { l.origin[path], l.values[path] = where, value }

// Where says where a key, or base, was written, "" where it was not.
func (l *Layer) Where(path string) string { return l.origin[path] }

// Piece reads a piece of a file, which it calls file in its problems: a YAML mapping
// of keys, none of them base.
func Piece(file string, mapping *yaml.Node) *Layer {
	l := newLayer()
	l.section(file, "", mapping)
	if l.base != "" {
		l.Complain(l.origin["base"], "base belongs at the top of the file")
	}
	return l
}

// Assignments reads assignments key=value, see [Load].
func Assignments(sets []string) *Layer {
	l := newLayer()
	for _, assignment := range sets {
		l.assign("--set", assignment)
	}
	return l
}

// parseFile reads the text of a file, which it calls file in its problems.
func parseFile(file string, source []byte) *Layer {
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
func (l *Layer) section(file, path string, mapping *yaml.Node) {
	seen := map[string]int{}
	for i := 0; i+1 < len(mapping.Content); i += 2 {
		key, value := mapping.Content[i], mapping.Content[i+1]
		where := yamltext.At(file, key)
		if key.Kind != yaml.ScalarNode {
			l.Complain(where, "%s as a key, want a name", yamltext.Describe(key))
			continue
		}
		full := joinKey(path, key.Value)
		if first, twice := seen[key.Value]; twice {
			l.Complain(where, "key %s is there twice, first on line %d", yamltext.Quote(full), first)
			continue
		}
		seen[key.Value] = key.Line
		l.entry(file, where, path, key.Value, value)
	}
}

// entry reads one key and its value.
func (l *Layer) entry(file, where, section, name string, value *yaml.Node) {
	path := joinKey(section, name)
	key, isKey := index.keys[path]
	_, isSection := index.sections[path]
	switch {
	case path == "base":
		base, problem := convert(Key{Type: Text, Allowed: "a file"}, value)
		if problem != "" || base == "" {
			l.Complain(where, "base %s", cmp.Or(problem, "is empty, want a file"))
			return
		}
		l.base, l.origin["base"] = base.(string), where
	case strings.Contains(name, ".") && (isKey || isSection):
		l.Complain(where, "unknown key %q, write it as %s: …%s", path,
			strings.ReplaceAll(path, ".", ": {"), strings.Repeat("}", strings.Count(path, ".")))
	case isSection && yamltext.Tagged(value):
		l.Complain(where, "%s %s", path, yamltext.TagProblem(value))
	case isSection && value.Kind == yaml.MappingNode:
		l.section(file, path, value)
	case isSection:
		l.Complain(where, "%s is %s, want a section with %s", path, yamltext.Describe(value), strings.Join(index.sections[path], ", "))
	case isKey:
		v, problem := convert(key, value)
		if problem != "" {
			l.Complain(where, "%s %s", path, problem)
			return
		}
		l.Set(where, path, v)
	default:
		l.Complain(where, "%s", index.unknown(path))
	}
}

// assign reads a command line's key=value.
func (l *Layer) assign(flag, assignment string) {
	path, source, ok := strings.Cut(assignment, "=")
	where := flag + " " + yamltext.Show(assignment)
	if !ok {
		l.Complain(where, "want key=value")
		return
	}
	if path == "base" {
		l.Complain(where, "base can be set in a file only")
		return
	}
	if have := index.sections[path]; have != nil {
		l.Complain(where, "%s is a section, want one of its keys: %s", path, strings.Join(have, ", "))
		return
	}
	key, ok := index.keys[path]
	if !ok {
		l.Complain(where, "%s", index.unknown(path))
		return
	}
	v, problem := convert(key, literal(key, source))
	if problem != "" {
		l.Complain(where, "%s %s", path, problem)
		return
	}
	l.Set(where, path, v)
}

// literal returns the node that a value on the command line stands for. The value
// is taken whole, as the shell hands it over: text has no comments, quotes or
// escapes, and a list is what is between brackets, split at commas.
func literal(key Key, source string) *yaml.Node {
	if key.Type == Text {
		return &yaml.Node{Kind: yaml.ScalarNode, Style: yaml.DoubleQuotedStyle, Value: source}
	}
	source = strings.TrimSpace(source)
	inner := strings.TrimSuffix(strings.TrimPrefix(source, "["), "]")
	if key.Type != List || len(source) != len(inner)+len("[]") {
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
func convert(key Key, node *yaml.Node) (value any, problem string) {
	plain := node.Kind == yaml.ScalarNode && node.Style == 0
	var err error
	switch {
	case yamltext.Tagged(node):
		return nil, yamltext.TagProblem(node)
	case key.Type == List && node.Kind == yaml.SequenceNode:
		return convertList(key, node)
	case node.Kind != yaml.ScalarNode:
	case key.Type == Text && !utf8.ValidString(node.Value): // of a command line: files are UTF-8
		return nil, fmt.Sprintf("is %s, want text in UTF-8", yamltext.Describe(node))
	case key.Type == Text:
		if node.ShortTag() == "!!str" {
			return node.Value, ""
		}
		if node.ShortTag() != "!!null" {
			return nil, fmt.Sprintf("is %s, want text (%s): put it in quotes", yamltext.Describe(node), key.Allowed)
		}
	case !plain:
	case key.Type == Boolean:
		if node.Value == "true" || node.Value == "false" {
			return node.Value == "true", ""
		}
	case key.Type == Number && numberText.MatchString(node.Value):
		if value, err = strconv.ParseFloat(node.Value, 64); err == nil {
			return value, ""
		}
	case key.Type == Integer && integerText.MatchString(node.Value):
		if value, err = strconv.Atoi(node.Value); err == nil {
			return value, ""
		}
	case key.Type == Natural && integerText.MatchString(node.Value) && node.Value[0] != '-':
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
func convertList(key Key, sequence *yaml.Node) (value any, problem string) {
	list := []int{}
	for i, item := range sequence.Content {
		v, problem := convert(Key{Type: Integer, Allowed: key.Allowed}, item)
		if problem != "" {
			return nil, fmt.Sprintf("has in place %d what %s", i+1, problem)
		}
		list = append(list, v.(int))
	}
	return list, ""
}

func wanted(key Key) string {
	switch key.Type {
	case List:
		return "a list of integers, such as [200, 100] (" + key.Allowed + ")"
	case Boolean:
		return "true or false"
	case Integer, Natural:
		return "an integer (" + key.Allowed + ")"
	case Number:
		return "a number (" + key.Allowed + ")"
	}
	return "text (" + key.Allowed + ")"
}
