package config

import (
	"bytes"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/bgmd/bgmd/pkg/record"
)

// unwritten returns the config whose values stand for keys that are not written. That is
// the profile, see [Profile]. In a whole config, as [Config.YAML] writes it, keys younger
// than the config have the values of the time before them.
func unwritten(profile, set string, written func(path string) bool) (Config, error) {
	c, err := Profile(profile, set)
	if err != nil {
		return c, err
	}
	for _, s := range settings {
		if s.written.effect == nil && s.written.before == nil && s.path != "name" && !written(s.path) {
			return c, nil
		}
	}
	for _, s := range settings {
		if s.written.before != nil {
			assign(s.at(&c), s.written.before)
		}
	}
	return c, nil
}

// YAML returns c in the order of [Keys]. It leaves out young keys whose values are those
// that they would have unwritten. Loaded again, it gives a config equal to c, even if
// profiles have changed by then.
func (c Config) YAML() []byte {
	base, err := Profile(c.Profile, c.Data.Set)
	if err != nil {
		base = Defaults()
	}
	root := &yaml.Node{Kind: yaml.MappingNode}
	sections := map[string]*yaml.Node{"": root}
	for _, s := range settings {
		value := valueAt(s.at(&c))
		switch w := s.written; {
		case w.effect != nil && !w.effect(&c) && format(value) == format(valueAt(s.at(&base))):
			continue
		case w.before != nil && format(value) == format(w.before):
			continue
		}
		prefix, leaf := splitKey(s.path)
		parent := section(sections, prefix)
		parent.Content = append(parent.Content, name(leaf), node(value))
	}
	var buf bytes.Buffer
	encoder := yaml.NewEncoder(&buf)
	encoder.SetIndent(2)
	if err = encoder.Encode(root); err != nil {
		panic(fmt.Sprintf("config: encode a config: %v", err)) // only scalars and mappings: cannot be
	}
	return buf.Bytes()
}

// section returns the mapping at path, and adds it and those above it where
// they are not there yet.
func section(sections map[string]*yaml.Node, path string) *yaml.Node {
	if node := sections[path]; node != nil {
		return node
	}
	prefix, leaf := splitKey(path)
	parent := section(sections, prefix)
	node := &yaml.Node{Kind: yaml.MappingNode}
	parent.Content = append(parent.Content, name(leaf), node)
	sections[path] = node
	return node
}

func name(key string) *yaml.Node { return &yaml.Node{Kind: yaml.ScalarNode, Value: key} }

// node writes numbers as they are and leaves it to the encoder to quote text
// that would be read as something else.
func node(value any) *yaml.Node {
	if list, ok := value.([]int); ok {
		node := &yaml.Node{Kind: yaml.SequenceNode, Style: yaml.FlowStyle}
		for _, v := range list {
			node.Content = append(node.Content, name(strconv.Itoa(v)))
		}
		return node
	}
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
	case []int:
		return strings.ReplaceAll(fmt.Sprint(v), " ", ", ")
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

// Folder is where the program puts the run's record, below its folder for records:
// NAME/seed-SEED-HASH, by the seed for people, by the hash so that no two different
// runs share one.
func (c Config) Folder() string {
	return filepath.Join(c.Name, fmt.Sprintf("seed-%d-%s", c.Seed, c.Hash()[:8]))
}
