package main

import (
	"fmt"
	"io"
	"slices"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/bgmd/bgmd/pkg/bench"
	"github.com/bgmd/bgmd/pkg/breakdown"
	"github.com/bgmd/bgmd/pkg/evidence"
	"github.com/bgmd/bgmd/pkg/figures"
	"github.com/bgmd/bgmd/pkg/paper"
	"github.com/bgmd/bgmd/pkg/plots"
	"github.com/bgmd/bgmd/pkg/record"
)

// figureFlags say of what to draw a figure of the paper. All but fig1c and fig5, which
// are measured and computed on the spot, are made of records.
type figureFlags struct {
	results, profile string
	x                plots.Axis
}

func figureNames() []string {
	return []string{"fig1a", "fig1b", "fig1c", "fig2", "fig3", "fig4", "fig5"}
}

// draw writes a figure to path and prints what there is to say about it.
func (f figureFlags) draw(cmd *cobra.Command, name, path string) error {
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
		f.profile = evidence.MainProfile(runs, figures.DataSet)
	}
	if settings := figures.Settings(name); settings != nil {
		return f.panels(cmd, runs, settings, path)
	}
	return f.blocks(cmd, runs, name, path)
}

// panels draws accuracy under growing corruption and prints how much faster
// than GMD BGMD was.
func (f figureFlags) panels(cmd *cobra.Command, runs []*record.Run, settings []string, path string) error {
	curves, err := evidence.Panels(runs, f.profile, figures.DataSet, figures.Model, settings)
	if curves == nil {
		return &inputError{err}
	}
	races, unfit := evidence.Races(runs, f.profile, figures.DataSet, figures.Model)
	warn(cmd, err, unfit) // both read every run
	plot, err := figures.Corruption(curves, f.x)
	if err != nil {
		return err
	}
	if err := plot.Save(path); err != nil {
		return err
	}
	fmt.Fprintf(cmd.OutOrStdout(), "Drawn: %d of the paper's %d epochs, profile %s.\n", curves[0].Epochs, paper.Epochs(figures.DataSet, f.profile), f.profile)
	return speedUps(cmd.OutOrStdout(), races, settings)
}

// speedUps prints GMD's time over BGMD's, to the best accuracy both reached.
func speedUps(w io.Writer, races []evidence.Race, settings []string) error {
	fmt.Fprint(w, "\nTime to the best accuracy that both reached; ratios are GMD over BGMD, above 1 BGMD is faster.\n\n")
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "setting\tsolver\tepochs\tto %\tGMD s\tgradients\taggregation\tBGMD s\tgradients\taggregation\ttotal ratio\taggregation ratio\t")
	for _, r := range races {
		if slices.Contains(settings, r.Setting) {
			fmt.Fprintf(t, "%s\t%s\t%d\t%.2f\t%.1f\t%.1f\t%.1f\t%.1f\t%.1f\t%.1f\t%.2f\t%.2f\t\n", figures.Label(r.Setting), r.Solver, r.Epochs, r.Accuracy,
				r.GMD.Total, r.GMD.Gradient, r.GMD.Aggregate, r.BGMD.Total, r.BGMD.Gradient, r.BGMD.Aggregate,
				r.GMD.Total/r.BGMD.Total, r.GMD.Aggregate/r.BGMD.Aggregate)
		}
	}
	return t.Flush()
}

// blocks draws residuals or accuracies of BGMD by memory and β, and prints accuracies.
func (f figureFlags) blocks(cmd *cobra.Command, runs []*record.Run, name, path string) error {
	found, err := evidence.ByBlock(runs, f.profile, figures.DataSet, figures.Model)
	warn(cmd, err)
	if found == nil {
		return &inputError{fmt.Errorf("plot: found no finished clean run of BGMD on %s in %s, profile %s: configs/figures/fig1.yaml has them", figures.DataSet, f.results, f.profile)}
	}
	draw := figures.Residuals
	if name == "fig1b" {
		draw = figures.Accuracies
		for _, b := range found {
			fmt.Fprintf(cmd.OutOrStdout(), "β = %-6g %-18s %.2f %% after %d epochs (%d)\n", b.Beta, figures.MemoryLabel(b.Memory), b.Accuracy(), b.Epochs, len(b.Runs))
		}
	}
	plot, err := draw(found)
	if err != nil {
		return err
	}
	return plot.Save(path)
}
