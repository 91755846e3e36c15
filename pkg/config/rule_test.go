package config

import "testing"

// TestRule: the rule is told of as many corrupt clients as there may be in a step.
func TestRule(t *testing.T) {
	for want, set := range map[string]func(*Config){
		"krum(f=0)": func(*Config) {},
		"krum(f=3)": func(c *Config) { // the fewer are among the more
			c.Corruption.Feature.Kind, c.Corruption.Feature.Fraction = "impulse", 0.3
			c.Corruption.Gradient.Kind, c.Corruption.Gradient.Fraction = "bitflip", 0.2
		},
		"krum(f=5)": func(c *Config) { // others every time
			c.Corruption.Feature.Kind, c.Corruption.Feature.Fraction, c.Corruption.Feature.Members = "impulse", 0.3, "fixed"
			c.Corruption.Gradient.Kind, c.Corruption.Gradient.Fraction, c.Corruption.Gradient.Members = "bitflip", 0.2, "redrawn"
		},
		"krum(f=6)": func(c *Config) { // the authors' rows are their own
			c.Corruption.Label.Kind, c.Corruption.Label.Fraction = "backdoor", 0.2
			c.Corruption.Gradient.Kind, c.Corruption.Gradient.Fraction, c.Corruption.Gradient.Members = "bitflip", 0.4, "numpy"
		},
		"krum(f=10)": func(c *Config) { // samples of every client
			c.Corruption.Label.Kind, c.Corruption.Label.Fraction, c.Corruption.Label.Level = "backdoor", 0.2, "sample"
		},
		"trimmed-mean(f=10)": func(c *Config) { // no more than there are
			c.Aggregator.Rule = "trimmed-mean"
			c.Corruption.Feature.Kind, c.Corruption.Feature.Fraction, c.Corruption.Feature.Members = "impulse", 0.8, "fixed"
			c.Corruption.Gradient.Kind, c.Corruption.Gradient.Fraction, c.Corruption.Gradient.Members = "bitflip", 0.6, "redrawn"
		},
		"krum(f=1)": func(c *Config) {
			c.Corruption.Gradient.Kind, c.Corruption.Gradient.Fraction, c.Aggregator.F = "bitflip", 0.4, 1
		},
		"centred-clipping(tau=10, iterations=7)": func(c *Config) {
			c.Aggregator.Rule, c.Aggregator.Iterations = "centred-clipping", 7
		},
		"bucketing(3) + gm(eps=1e-07, max_iter=9)": func(c *Config) {
			c.Aggregator.Rule, c.Aggregator.Pre, c.Aggregator.Bucket = "gm", "bucketing", 3
			c.Aggregator.Eps, c.Aggregator.MaxIter = 1e-7, 9
		},
	} {
		c := Defaults()
		c.Data.Clients, c.Aggregator.Rule = 10, "krum"
		set(&c)
		rule, err := c.Rule()
		if err != nil || rule.String() != want {
			t.Errorf("%v, %v, want %s", rule, err, want)
		}
	}
}
