// Package evidence sets recorded runs beside the figures of [bgmd].
//
// It reads records only: what a run was is taken from its config.yaml, so that
// tables can be made of anybody's results, without the code or the data that
// made them.
package evidence

import (
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/bgmd/bgmd/internal/printable"
	"github.com/bgmd/bgmd/pkg/paper"
	"github.com/bgmd/bgmd/pkg/record"
)

// Facts are what tables and figures ask of a run's configuration, which anybody
// may have written: their texts are printable, but not escaped for any format.
type Facts struct {
	Profile string `json:"profile"`
	Seed    uint64 `json:"seed"`
	Epochs  int    `json:"epochs"` // to train
	DataSet string `json:"data_set"`
	Clients int    `json:"clients"`
	Batch   int    `json:"batch"`
	Model   string `json:"model"`
	// Setting is the corruption as run names have it ("clean", "bitflip20"), several joined by "+".
	Setting string `json:"setting"`
	// Aggregator is "sgd", "cmd", "gmd" or "bgmd" for the paper's four, else
	// the rule's name with its pre-aggregator and block.
	Aggregator string  `json:"aggregator"`
	Solver     string  `json:"solver"` // of geometric medians, else empty
	Beta       float64 `json:"beta"`   // share of the coordinates, 1 without a block
	Memory     string  `json:"memory"` // empty without a block

	variant string // the configuration without name and seed
}

// Variant is equal for runs that differ in their seeds alone.
func (f Facts) Variant() string { return f.variant }

// config mirrors the keys of config.yaml that Facts are made of.
type config struct {
	Profile string
	Seed    uint64
	Epochs  int
	Data    struct {
		Set            string
		Clients, Batch int
	}
	Model      struct{ Name string }
	Corruption struct{ Feature, Label, Gradient corruption }
	Aggregator struct {
		Rule, Solver, Pre string
		Block             struct {
			Fraction float64
			Memory   string
		}
	}
}

type corruption struct {
	Kind     string
	Fraction float64
}

// FactsOf reads a run's config.yaml.
func FactsOf(run *record.Run) (Facts, error) {
	var c config
	if err := yaml.Unmarshal(run.Config, &c); err != nil {
		return Facts{}, fmt.Errorf("evidence: %s/config.yaml: %w", run.Dir, err)
	}
	if c.Data.Set == "" || c.Aggregator.Rule == "" || c.Epochs < 1 {
		return Facts{}, fmt.Errorf("evidence: %s/config.yaml: found no data.set, aggregator.rule or epochs, want a run's configuration", run.Dir)
	}
	f := Facts{
		Profile: printable.Text(c.Profile), Seed: c.Seed, Epochs: c.Epochs,
		DataSet: printable.Text(c.Data.Set), Clients: c.Data.Clients, Batch: c.Data.Batch, Model: printable.Text(c.Model.Name),
		Setting: printable.Text(c.setting()), Aggregator: printable.Text(c.aggregator()), Beta: 1,
		variant: variant(run),
	}
	if c.Aggregator.Rule == "gm" {
		f.Solver = printable.Text(c.Aggregator.Solver)
	}
	if c.blocked() {
		f.Beta, f.Memory = c.Aggregator.Block.Fraction, printable.Text(c.Aggregator.Block.Memory)
	}
	return f, nil
}

// MainProfile returns the profile that most of the runs on the given data sets have. If
// no run is on them, it counts all runs. Of equals it returns the first by name, and
// without runs the empty string.
func MainProfile(runs []*record.Run, dataSets ...string) string {
	counts := map[string]int{}
	main := ""
	kept, _ := distinct(runs)
	for _, run := range kept {
		f, err := FactsOf(run)
		if err != nil || dataSets != nil && !slices.Contains(dataSets, f.DataSet) {
			continue
		}
		counts[f.Profile]++
		if n := counts[f.Profile]; n > counts[main] || n == counts[main] && f.Profile < main {
			main = f.Profile
		}
	}
	if main == "" && dataSets != nil {
		return MainProfile(runs)
	}
	return main
}

func (c *config) setting() string {
	var parts []string
	for _, part := range []struct {
		kind string
		corruption
	}{
		{"feature", c.Corruption.Feature}, {"label", c.Corruption.Label}, {"gradient", c.Corruption.Gradient},
	} {
		if part.Kind != "none" && part.Kind != "" && part.Fraction > 0 {
			percent := int(100*part.Fraction + 0.5)
			parts = append(parts, paper.Setting{Kind: part.kind, Corruption: part.Kind, Percent: percent}.String())
		}
	}
	if parts == nil {
		return paper.Setting{}.String()
	}
	return strings.Join(parts, "+")
}

func (c *config) blocked() bool {
	return c.Aggregator.Block.Fraction > 0 && c.Aggregator.Block.Fraction < 1
}

func (c *config) aggregator() string {
	a := c.Aggregator
	plain := a.Pre == "" || a.Pre == "none"
	name := a.Rule
	switch {
	case plain && a.Rule == "gm" && c.blocked():
		return "bgmd"
	case plain && !c.blocked() && short[a.Rule] != "":
		return short[a.Rule]
	case c.blocked():
		name = "block " + name
	}
	if !plain {
		name = a.Pre + " + " + name
	}
	return name
}

// short has the paper's names of three rules, as optimisers.
var short = map[string]string{"mean": "sgd", "cm": "cmd", "gm": "gmd"}

// variant returns the lines of a run's configuration that make it another experiment:
// all but its name, its seed, and keys that do not change results, or change only
// roundings, as model.conv does. For a run that finished, diverged_at is one of those
// keys: it says whether a loss beyond the bound ends the run at a step or at an epoch's
// end. Configurations without that key are older than it and mean a step.
func variant(run *record.Run) string {
	var kept []string
	at := "diverged_at: step\n"
	for line := range strings.Lines(string(run.Config)) {
		key, _, _ := strings.Cut(strings.TrimSpace(line), ":")
		top := !strings.HasPrefix(line, " ")
		switch {
		case top && (key == "name" || key == "seed" || key == "workers"), !top && (key == "dir" || key == "conv"):
		case top && key == "diverged_at":
			at = line
		default:
			kept = append(kept, line)
		}
	}
	if run.Status() == record.Finished {
		at = "diverged_at: epoch\n"
	}
	return strings.Join(append(kept, at), "")
}
