package record

import (
	"bytes"
	"fmt"
	"path/filepath"
	"strings"
)

// Seal holds the SHA-256 sums, in hexadecimal, of a run's files at its end. No
// bit of them can change unnoticed, times and the machine's description included.
// Plots and the checkpoint are not sealed: they may be drawn again, or deleted.
type Seal struct {
	Config      string `json:"config.yaml"`
	Environment string `json:"environment.json"`
	Metrics     string `json:"metrics.jsonl"`
	Summary     string `json:"summary.json"` // with 64 zeros in this sum's place
}

// blank stands in the place of a summary's own sum while that is computed.
var blank = strings.Repeat("0", 64)

// sealed returns what summary.json holds for s.
func sealed(s Summary, config, environment, metrics []byte) ([]byte, error) {
	s.Seal = &Seal{Config: sum(config), Environment: sum(environment), Metrics: sum(metrics), Summary: blank}
	data, err := encode(s)
	if err != nil {
		return nil, err
	}
	return replaceLast(data, blank, sum(data)), nil
}

// Sealed tells whether the run has ended with a seal, which [Read] has found whole.
func (r *Run) Sealed() bool { return r.Summary != nil && r.Summary.Seal != nil }

// checkSeal compares a run's files, whose bytes are given, with its seal.
func (r *Run) checkSeal(environment, summary []byte) error {
	if !r.Sealed() {
		return nil
	}
	seal := r.Summary.Seal
	for _, f := range []struct {
		name, want string
		data       []byte
	}{
		{summaryName, seal.Summary, replaceLast(summary, seal.Summary, blank)},
		{configName, seal.Config, r.Config},
		{environmentName, seal.Environment, environment},
		{metricsName, seal.Metrics, r.metrics},
	} {
		if found := sum(f.data); found != f.want {
			return fmt.Errorf("%s has changed since the run ended: its SHA-256 is %s, and %s has %s",
				filepath.Join(r.Dir, f.name), found, summaryName, f.want)
		}
	}
	return nil
}

// replaceLast returns text with the last old in it replaced, unchanged without one.
func replaceLast(text []byte, old, by string) []byte {
	at := bytes.LastIndex(text, []byte(old))
	if at < 0 {
		return text
	}
	return []byte(string(text[:at]) + by + string(text[at+len(old):]))
}
