package figures

import (
	"reflect"
	"slices"
	"testing"

	"github.com/bgmd/bgmd/pkg/evidence"
	"github.com/bgmd/bgmd/pkg/paper"
	"github.com/bgmd/bgmd/pkg/plots"
	"github.com/bgmd/bgmd/pkg/record"
)

// ended is a run of one epoch that ended with an accuracy, and had a residual.
func ended(accuracy, residual float64) *record.Run {
	return &record.Run{
		Epochs:  []record.Epoch{{Epoch: 1, Step: 10, TestAccuracy: record.Float(accuracy), Block: &record.Block{Residual: record.Float(residual)}}},
		Summary: &record.Summary{FinalTestAccuracy: record.Float(accuracy)},
	}
}

// TestByMemory: a line a memory, a mean over the seeds a point.
func TestByMemory(t *testing.T) {
	found := []evidence.Blocks{
		{Memory: "client", Beta: 0.1, Runs: []*record.Run{ended(80, 0.5), ended(90, 0.5)}},
		{Memory: "client", Beta: 0.5, Runs: []*record.Run{ended(88, 0.2)}},
		{Memory: "none", Beta: 0.1, Runs: []*record.Run{ended(70, 0.5)}},
	}
	want := []plots.Line{
		{Label: "memory client", X: []float64{0.1, 0.5}, Y: []float64{85, 88}},
		{Label: "no memory", X: []float64{0.1}, Y: []float64{70}},
	}
	if got := byMemory(found); !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, want %+v", got, want)
	}
	for name, draw := range map[string]func([]evidence.Blocks) (*plots.Plot, error){"residuals": Residuals, "accuracies": Accuracies} {
		if plot, err := draw(found); err != nil || plot == nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestSettings: every panel is a setting that the paper's Table 2 has and names.
func TestSettings(t *testing.T) {
	for _, name := range []string{"fig2", "fig3", "fig4"} {
		settings := Settings(name)
		if len(settings) != 3 || settings[0] != "clean" {
			t.Errorf("%s has the panels %q, want clean and two more", name, settings)
		}
		for _, s := range settings {
			if !slices.ContainsFunc(paper.Rows(2), func(r paper.Row) bool { return r.Setting.String() == s && r.Setting.Label() == Label(s) }) {
				t.Errorf("%s: the paper's Table 2 has no setting %s", name, s)
			}
		}
	}
	if got := Settings("fig1a"); got != nil {
		t.Errorf("fig1a has the panels %q", got)
	}
}

// TestCorruption: two settings with a run of GMD each are drawn.
func TestCorruption(t *testing.T) {
	run := ended(80, 0)
	plot, err := Corruption([]evidence.Curves{
		{Setting: "clean", Epochs: 1, Runs: map[string][]*record.Run{"gmd": {run}}},
		{Setting: "bitflip20", Epochs: 1, Runs: map[string][]*record.Run{"gmd": {run}}},
	}, plots.Step)
	if err != nil || plot == nil {
		t.Error(err)
	}
}
