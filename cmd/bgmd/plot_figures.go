package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/bgmd/bgmd/pkg/bench"
	"github.com/bgmd/bgmd/pkg/breakdown"
	"github.com/bgmd/bgmd/pkg/evidence"
	"github.com/bgmd/bgmd/pkg/paper"
	"github.com/bgmd/bgmd/pkg/plots"
	"github.com/bgmd/bgmd/pkg/record"
)

// figures draws the figures of the paper. All but fig1c and fig5, which it
// measures and computes on the spot, are made of records.
type figures struct {
	results, profile string
	x                plots.Axis
}

// The paper's figures are of LeNet on Fashion-MNIST.
const figureSet, figureModel = "fashion-mnist", "lenet"

// panelFigures are the settings of the paper's figures with panels.
var panelFigures = map[string][]string{
	"fig2": {"clean", "impulse20", "impulse40"},
	"fig3": {"clean", "bitflip20", "bitflip40"},
	"fig4": {"clean", "backdoor20", "backdoor40"},
}

func figureNames() []string {
	return slices.Sorted(slices.Values(append([]string{"fig1a", "fig1b", "fig1c", "fig5"}, slices.Collect(maps.Keys(panelFigures))...)))
}

// draw writes a figure to path and prints what there is to say about it.
func (f figures) draw(cmd *cobra.Command, name, path string) error {
	switch name {
	case "fig1c":
		plot, err := bench.Agg{N: 32, D: 10_000_000, Calls: 3}.Figure(cmd.Context())
		if err != nil {
			return err
		}
		return plot.Save(path)
	case "fig5":
		plot, err := breakdown.ToyPlot()
		if err != nil {
			return err
		}
		return plot.Save(path)
	}
	runs, err := readResults(cmd, f.results)
	if err != nil {
		return err
	}
	runs, err = evidence.Distinct(runs)
	warn(cmd, err)
	if f.profile == "" {
		f.profile = evidence.MainProfile(runs, figureSet)
	}
	switch name {
	case "fig1a":
		return f.residuals(cmd, runs, path)
	case "fig1b":
		return f.accuracies(cmd, runs, path)
	}
	return f.panels(cmd, runs, panelFigures[name], path)
}

// panels draws accuracy under growing corruption and prints how much faster
// than GMD BGMD was.
func (f figures) panels(cmd *cobra.Command, runs []*record.Run, settings []string, path string) error {
	curves, err := evidence.Panels(runs, f.profile, figureSet, figureModel, settings)
	if curves == nil {
		return &inputError{err}
	}
	races, unfit := evidence.Races(runs, f.profile, figureSet, figureModel)
	warn(cmd, err, unfit) // both read every run
	var panels []plots.Panel
	for _, c := range curves {
		panel := plots.Panel{Title: label(c.Setting)}
		for _, aggregator := range paper.Aggregators() {
			if runs := c.Runs[aggregator]; runs != nil {
				panel.Series = append(panel.Series, plots.Series{Runs: runs, Label: strings.ToUpper(aggregator)})
			}
		}
		panels = append(panels, panel)
	}
	plot, err := plots.PanelPlot(panels, f.x)
	if err != nil {
		return err
	}
	if err := plot.Save(path); err != nil {
		return err
	}
	fmt.Fprintf(cmd.OutOrStdout(), "Drawn: %d of the paper's %d epochs, profile %s.\n", curves[0].Epochs, paper.Epochs(figureSet, f.profile), f.profile)
	return speedUps(cmd.OutOrStdout(), races, settings)
}

// label is a setting as the paper's tables have it.
func label(setting string) string {
	for _, r := range paper.Rows(2) {
		if r.Setting.String() == setting {
			return r.Setting.Label()
		}
	}
	return setting
}

// speedUps prints GMD's time over BGMD's, to the best accuracy both reached.
func speedUps(w io.Writer, races []evidence.Race, settings []string) error {
	fmt.Fprint(w, "\nTime to the best accuracy that both reached; ratios are GMD over BGMD, above 1 BGMD is faster.\n\n")
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "setting\tsolver\tepochs\tto %\tGMD s\tgradients\taggregation\tBGMD s\tgradients\taggregation\ttotal ratio\taggregation ratio\t")
	for _, r := range races {
		if slices.Contains(settings, r.Setting) {
			fmt.Fprintf(t, "%s\t%s\t%d\t%.2f\t%.1f\t%.1f\t%.1f\t%.1f\t%.1f\t%.1f\t%.2f\t%.2f\t\n", label(r.Setting), r.Solver, r.Epochs, r.Accuracy,
				r.GMD.Total, r.GMD.Gradient, r.GMD.Aggregate, r.BGMD.Total, r.BGMD.Gradient, r.BGMD.Aggregate,
				r.GMD.Total/r.BGMD.Total, r.GMD.Aggregate/r.BGMD.Aggregate)
		}
	}
	return t.Flush()
}

// blocks returns the runs of BGMD by memory and β, at least one.
func (f figures) blocks(cmd *cobra.Command, runs []*record.Run) ([]evidence.Blocks, error) {
	found, err := evidence.ByBlock(runs, f.profile, figureSet, figureModel)
	warn(cmd, err)
	if found == nil {
		return nil, &inputError{fmt.Errorf("plot: found no finished clean run of BGMD on %s in %s, profile %s: configs/figures/fig1.yaml has them", figureSet, f.results, f.profile)}
	}
	return found, nil
}

// residuals draws [bgmd, Fig. 1(a)]: the share of the gradients' squared norm
// that the block leaves out, a mean over each epoch, for every β.
func (f figures) residuals(cmd *cobra.Command, runs []*record.Run, path string) error {
	found, err := f.blocks(cmd, runs)
	if err != nil {
		return err
	}
	var lines []plots.Line
	for _, b := range found {
		line := plots.Line{Label: fmt.Sprintf("β = %g, memory %s", b.Beta, b.Memory)}
		for _, e := range b.Runs[0].Epochs {
			if e.Block != nil {
				line.X, line.Y = append(line.X, float64(e.Step)), append(line.Y, float64(e.Block.Residual))
			}
		}
		lines = append(lines, line)
	}
	plot, err := plots.LinePlot(plots.Frame{
		Title:  "LeNet on Fashion-MNIST, BGMD, no corruption",
		XLabel: "step", YLabel: "residual error r, mean of an epoch",
	}, lines)
	if err != nil {
		return err
	}
	return plot.Save(path)
}

// accuracies draws [bgmd, Fig. 1(b)]: accuracy over β, a line a memory.
func (f figures) accuracies(cmd *cobra.Command, runs []*record.Run, path string) error {
	found, err := f.blocks(cmd, runs)
	if err != nil {
		return err
	}
	var lines []plots.Line
	for _, b := range found {
		name := "memory " + b.Memory
		if b.Memory == "none" {
			name = "no memory"
		}
		if len(lines) == 0 || lines[len(lines)-1].Label != name {
			lines = append(lines, plots.Line{Label: name})
		}
		mean := 0.0
		for _, r := range b.Runs {
			mean += float64(r.Summary.FinalTestAccuracy) / float64(len(b.Runs))
		}
		l := &lines[len(lines)-1]
		l.X, l.Y = append(l.X, b.Beta), append(l.Y, mean)
		fmt.Fprintf(cmd.OutOrStdout(), "β = %-6g %-18s %.2f %% after %d epochs (%d)\n", b.Beta, name, mean, b.Epochs, len(b.Runs))
	}
	plot, err := plots.LinePlot(plots.Frame{
		Title:  "LeNet on Fashion-MNIST, BGMD, no corruption",
		XLabel: "share of the coordinates β", YLabel: "test accuracy (%)", LogX: true,
	}, lines)
	if err != nil {
		return err
	}
	return plot.Save(path)
}
