package main

import (
	"errors"
	"fmt"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/bgmd/bgmd/pkg/train/record"
	"github.com/bgmd/bgmd/pkg/train/report"
)

func newPlotCommand() *cobra.Command {
	var out, axis, title string
	cmd := &cobra.Command{
		Use:   "plot RUN...",
		Short: "Draw the accuracy of recorded runs",
		Long: text(`
Draw the test accuracy of recorded runs against wall-clock time, epochs or
steps: a line a run, in the order given. RUN is a run's folder. The ending of
the output decides its format: .png, .svg or .pdf. Runs that are still going on
are drawn as far as they are.`),
		Example: text(`
  bgmd plot results/fashion-mnist/bitflip40-*/seed-1-* -o bitflip40.svg
  bgmd plot runs/quickstart/seed-1-4f2a9c01 -x epoch -o quickstart.png`),
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, dirs []string) error {
			x, err := report.ParseAxis(axis)
			if err != nil {
				return &configError{err}
			}
			runs, err := readRuns(dirs)
			if err != nil {
				return err
			}
			plot, err := report.AccuracyPlot(runs, x, title)
			if err != nil {
				return err
			}
			if err := plot.Save(out); err != nil {
				return err
			}
			fmt.Fprintln(cmd.OutOrStdout(), out)
			return nil
		},
	}
	f := cmd.Flags()
	f.StringVarP(&out, "out", "o", "accuracy.png", "`file` to write")
	f.StringVarP(&axis, "axis", "x", string(report.Time), "`axis` to plot against: time, epoch or step")
	f.StringVar(&title, "title", "", "the plot's `title` (default: the folder that the runs share)")
	return cmd
}

// readRuns reads runs to be drawn together and names each by the folder around
// it, its experiment, or by both where experiments are not all different.
func readRuns(dirs []string) ([]report.Series, error) {
	var runs []report.Series
	var errs []error
	seen := map[string]bool{}
	twice := false
	for _, dir := range dirs {
		run, err := record.Read(dir)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		twice = twice || seen[run.Experiment()]
		seen[run.Experiment()] = true
		runs = append(runs, report.Series{Run: run, Label: run.Experiment()})
	}
	for i := range runs {
		if twice {
			runs[i].Label = filepath.Join(runs[i].Label, runs[i].Run.Name())
		}
	}
	return runs, errors.Join(errs...)
}
