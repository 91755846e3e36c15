// Package yamltext says where in a YAML file something is and what it is, for
// error messages.
package yamltext

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"github.com/bgmd/bgmd/internal/printable"
)

// Parse parses the text of a file, which must be one YAML document that is a mapping.
// In errors the file has the name given here; of an empty file they say that it should
// be want, such as "a grid".
func Parse(file string, source []byte, want string) (*yaml.Node, error) {
	var doc, next yaml.Node
	decoder := yaml.NewDecoder(bytes.NewReader(source))
	err := decoder.Decode(&doc)
	switch {
	case err != nil && !errors.Is(err, io.EOF):
		where, message := SyntaxError(file, err)
		return nil, fmt.Errorf("%s: %s", where, message)
	case err == nil && !errors.Is(decoder.Decode(&next), io.EOF):
		return nil, fmt.Errorf("%s: has more than one YAML document", file)
	case err != nil, doc.Content[0].ShortTag() == "!!null":
		return nil, fmt.Errorf("%s: is empty, want %s", file, want)
	case doc.Content[0].Kind != yaml.MappingNode:
		return nil, fmt.Errorf("%s: is %s, want keys and values", At(file, doc.Content[0]), Describe(doc.Content[0]))
	}
	return doc.Content[0], nil
}

var (
	yamlLine = regexp.MustCompile(`^yaml: line (\d+): `)
	// Of these errors yaml v3 gives the line counted from zero.
	fromZero = regexp.MustCompile(`^did not find expected (',' or '[]}]'|key|'-' indicator|node content|<document start>)`)
)

// SyntaxError moves the line number that the parser's message may begin with
// to where editors look for it.
func SyntaxError(file string, err error) (where, message string) {
	message = err.Error()
	m := yamlLine.FindStringSubmatch(message)
	if m == nil {
		return file, strings.TrimPrefix(message, "yaml: ")
	}
	message = strings.TrimPrefix(message, m[0])
	line, err := strconv.Atoi(m[1])
	if err == nil && fromZero.MatchString(message) {
		line++
	}
	return fmt.Sprintf("%s:%d", file, line), message
}

// At is where a node stands, as editors and compilers write it.
func At(file string, node *yaml.Node) string { return fmt.Sprintf("%s:%d", file, node.Line) }

// Tagged reports whether a type is forced on a node, as in !!float 1.
func Tagged(node *yaml.Node) bool { return node.Style&yaml.TaggedStyle != 0 }

// TagProblem says what is wrong with a tagged node.
func TagProblem(node *yaml.Node) string {
	return "has the tag " + node.Tag + ", want a value without one"
}

// maxShown is how much of a text an error message shows, in bytes.
const maxShown = 60

// Show returns a text as an error message shows it: in one line, cut where it is
// long, and in quotes only where there is something in it that is not seen.
func Show(s string) string {
	short, more := shorten(s)
	if printable.Text(short) == short {
		return short + more
	}
	return strconv.Quote(short) + more
}

// Quote is [Show] with quotes in any case.
func Quote(s string) string {
	short, more := shorten(s)
	return strconv.Quote(short) + more
}

// shorten cuts a text between two letters, and says that there is more.
func shorten(s string) (short, more string) {
	if len(s) <= maxShown {
		return s, ""
	}
	end := maxShown
	for !utf8.RuneStart(s[end]) && end > maxShown-utf8.UTFMax {
		end--
	}
	return s[:end], "…"
}

// Describe says what a node is, for error messages.
func Describe(node *yaml.Node) string {
	switch {
	case node.Kind == yaml.AliasNode:
		return "an alias (*" + node.Value + ")"
	case node.Kind == yaml.MappingNode:
		return "a section"
	case node.Kind == yaml.SequenceNode:
		return "a list"
	case node.ShortTag() == "!!null":
		return "empty"
	case node.Style == 0 && len(node.Value) <= maxShown && strconv.Quote(node.Value) == `"`+node.Value+`"`:
		return node.Value
	}
	return Quote(node.Value)
}
