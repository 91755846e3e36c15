package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/bgmd/bgmd/pkg/config"
)

// places knows where the values of a configuration were written.
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

func (p *places) locateAll(errs []error) []error {
	located := make([]error, len(errs))
	for i, err := range errs {
		located[i] = p.locate(err)
	}
	return located
}

// locate puts before an error about keys where the first of them that was
// written is, and behind it where the others are. Other errors stay as they are.
func (p *places) locate(err error) error {
	problem, ok := errors.AsType[*config.KeyError](err)
	if !ok {
		return err
	}
	keys := append([]string{problem.Path}, problem.Beside...)
	first := problem.Path
	for _, key := range keys {
		if p.origin[key] != "" {
			first = key
			break
		}
	}
	var others []string
	for _, key := range keys {
		if key != first {
			others = append(others, key+": "+p.of(key))
		}
	}
	if others == nil {
		return fmt.Errorf("%s: %w", p.of(first), err)
	}
	return fmt.Errorf("%s: %w (%s)", p.of(first), err, strings.Join(others, ", "))
}
