package config

import (
	"errors"
	"fmt"
	"strings"
)

// places knows where the values of a config were written. A nil one knows nothing.
type places struct {
	origin  map[string]string // by key, such as "a.yaml:3"; none where it is the profile's
	profile string
}

// of is where a key's value comes from.
func (p *places) of(key string) string {
	if where := p.origin[key]; where != "" {
		return where
	}
	return "profile " + p.profile
}

// Locate adds to a [KeyError] where its keys were written: in front of it the place of the
// first that was, behind it those of the others. It returns other errors as they are, and
// all errors about a config that a program made rather than loaded. For a value that a
// program has changed since, the place is that of the value before.
func (c Config) Locate(err error) error {
	problem, ok := errors.AsType[*KeyError](err)
	if !ok || c.from == nil {
		return err
	}
	keys := append([]string{problem.Path}, problem.Beside...)
	first := problem.Path
	for _, key := range keys {
		if c.from.origin[key] != "" {
			first = key
			break
		}
	}
	var others []string
	for _, key := range keys {
		if key != first {
			others = append(others, key+": "+c.from.of(key))
		}
	}
	if others == nil {
		return fmt.Errorf("%s: %w", c.from.of(first), err)
	}
	return fmt.Errorf("%s: %w (%s)", c.from.of(first), err, strings.Join(others, ", "))
}
