package config

import "fmt"

// Warnings reports what is allowed and hardly meant: corruptions that have a kind
// and corrupt nobody. Each is a *[KeyError], located as [Config.Locate] does.
func (c Config) Warnings() []error {
	var warnings []error
	for _, part := range c.corruptions() {
		if part.kind != "none" && part.Fraction == 0 {
			section := "corruption." + part.name
			warnings = append(warnings, c.Locate(Clash(fmt.Sprintf("is %q, but nothing is corrupt: %s.fraction is 0", part.kind, section),
				section+".kind", section+".fraction")))
		}
	}
	return warnings
}
