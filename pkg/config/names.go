package config

import "github.com/bgmd/bgmd/pkg/agg"

// weightedRules are the rules whose result is Σ wᵢ gᵢ with known weights, as
// the gm-weighted memory needs them.
func weightedRules() []string {
	var names []string
	for _, r := range agg.Rules() {
		if r.Traits().Weights {
			names = append(names, r.Name)
		}
	}
	return names
}

// Names that no package exports a list of.
var (
	levelNames          = []string{"client", "sample"}
	memberNames         = []string{"fixed", "redrawn", "first"}
	gradientMemberNames = []string{"fixed", "redrawn", "first", "numpy"}
	countNames          = []string{"floor", "ceil"}
	spaceNames          = []string{"image", "whitened"}
	optimizerNames      = []string{"sgd", "adam"}
	divergedNames       = []string{"epoch", "step"}
	bufferNames         = []string{"mean", "median"}
	convNames           = []string{"auto", "direct"}
	scheduleNames       = []string{"constant", "step", "exponential", "cosine"}
)
