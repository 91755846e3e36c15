package train

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/bgmd/bgmd/pkg/train/record"
)

// YAML returns c with every key, in the order of [Keys]. Loaded again it gives
// a config equal to c, whatever profiles and defaults have become by then: it
// leaves nothing for them to set.
func (c Config) YAML() []byte {
	root := &yaml.Node{Kind: yaml.MappingNode}
	sections := map[string]*yaml.Node{"": root}
	for _, s := range settings {
		prefix, leaf := cutLast(s.path)
		parent := section(sections, prefix)
		parent.Content = append(parent.Content, name(leaf), scalar(valueAt(s.at(&c))))
	}
	var buf bytes.Buffer
	encoder := yaml.NewEncoder(&buf)
	encoder.SetIndent(2)
	if err := encoder.Encode(root); err != nil {
		panic(fmt.Sprintf("train: encode a config: %v", err)) // only scalars and mappings: cannot be
	}
	return buf.Bytes()
}

// section returns the mapping at path, and adds it and those above it where
// they are not there yet.
func section(sections map[string]*yaml.Node, path string) *yaml.Node {
	if node := sections[path]; node != nil {
		return node
	}
	prefix, leaf := cutLast(path)
	parent := section(sections, prefix)
	node := &yaml.Node{Kind: yaml.MappingNode}
	parent.Content = append(parent.Content, name(leaf), node)
	sections[path] = node
	return node
}

// cutLast splits a path before its last key.
func cutLast(path string) (prefix, leaf string) {
	i := strings.LastIndexByte(path, '.')
	return path[:max(i, 0)], path[i+1:]
}

func name(key string) *yaml.Node { return &yaml.Node{Kind: yaml.ScalarNode, Value: key} }

// scalar writes numbers as they are and leaves it to the encoder to quote text
// that would be read as something else.
func scalar(value any) *yaml.Node {
	node := &yaml.Node{Kind: yaml.ScalarNode, Value: format(value)}
	if text, ok := value.(string); ok {
		node.SetString(text)
	}
	return node
}

// format writes a value in the shortest form that reads back as the same
// value; zero has no sign.
func format(value any) string {
	switch v := value.(type) {
	case float64:
		if v == 0 {
			return "0"
		}
		return strconv.FormatFloat(v, 'g', -1, 64)
	case string:
		return v
	}
	return fmt.Sprint(value)
}

// Recorded is the config as a record keeps it: without what does not decide
// the result, so that a run may go on with other workers or from another place.
func (c Config) Recorded() Config {
	c.Workers, c.Data.Dir = 0, Defaults().Data.Dir
	return c
}

// Hash identifies the experiment: the SHA-256, in hexadecimal, of the YAML of
// what is [Config.Recorded]. Two configs with equal hashes give equal results
// on the same backend.
func (c Config) Hash() string { return record.ConfigHash(c.Recorded().YAML()) }
