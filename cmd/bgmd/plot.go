package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/bgmd/bgmd/pkg/evidence"
	"github.com/bgmd/bgmd/pkg/train/record"
	"github.com/bgmd/bgmd/pkg/train/report"
)

func newPlotCommand() *cobra.Command {
	var out, axis, title string
	var f figures
	cmd := &cobra.Command{
		Use:   "plot FIGURE | RUN...",
		Short: "Draw a figure of the paper, or the accuracy of recorded runs",
		Long: text(`
Draw a figure of the paper from the records below --results:

  fig1a  residual error of the block by step, for every β there is
  fig1b  accuracy by β, with and without memory
  fig1c  time of an aggregation by dimension, measured now (about a minute)
  fig2   accuracy under impulse noise: none, 20 %, 40 %
  fig3   the same under a bit flip
  fig4   the same under a backdoor
  fig5   mean and medians of a corrupted cloud of points

With fig2 to fig4 go the times that GMD and BGMD took to the accuracy that both
reached, by solver, gradients and aggregation apart.

Or draw the test accuracy of recorded runs against wall-clock time, epochs or
steps. RUN is a run's folder, a folder of runs, or a pattern in quotes; runs that
differ in their seeds alone become one line in a band from the least to the
largest. Runs that are still going on are drawn as far as they are.

The ending of the output decides its format: .png, .svg or .pdf.`),
		Example: text(`
  bgmd plot fig3 -o fig3.svg
  bgmd plot results/fashion-mnist/bitflip40-* -o bitflip40.svg
  bgmd plot runs/quickstart/seed-1-4f2a9c01 -x epoch -o quickstart.png`),
		Args:      cobra.MinimumNArgs(1),
		ValidArgs: figureNames(),
		RunE: func(cmd *cobra.Command, args []string) error {
			x, err := report.ParseAxis(axis)
			if err != nil {
				return &configError{err}
			}
			if len(args) == 1 && slices.Contains(figureNames(), args[0]) {
				if out == "" {
					out = args[0] + ".png"
				}
				f.x = x
				if err := f.draw(cmd.Context(), cmd.OutOrStdout(), args[0], out); err != nil {
					return err
				}
				fmt.Fprintln(cmd.OutOrStdout(), out)
				return nil
			}
			if out == "" {
				out = "accuracy.png"
			}
			series, err := readSeries(args)
			if err != nil {
				return err
			}
			plot, err := report.AccuracyPlot(series, x, title)
			if err != nil {
				return err
			}
			return saveAndTell(cmd, plot, out)
		},
	}
	flags := cmd.Flags()
	flags.StringVarP(&out, "out", "o", "", "`file` to write (default: FIGURE.png or accuracy.png)")
	flags.StringVarP(&axis, "axis", "x", string(report.Time), "`axis` to plot against: time, epoch or step")
	flags.StringVar(&title, "title", "", "the plot's `title` (default: the folder that the runs share)")
	flags.StringVar(&f.results, "results", "results", "`folder` below which a figure's records are looked for")
	flags.StringVar(&f.profile, "profile", "", "`profile` of a figure's runs (default: that of most runs)")
	return cmd
}

// readSeries reads runs to be drawn together. It names a line by the folder
// around its runs, its experiment, or, where experiments are not all different,
// by the run too.
func readSeries(args []string) ([]report.Series, error) {
	runs, err := readRuns(args)
	if err != nil {
		return nil, err
	}
	var series []report.Series
	type seed struct {
		experiment, variant string
		seed                uint64
	}
	seeds := map[seed]bool{} // a second run of one seed is a line of its own
	place := map[[2]string]int{}
	names := map[string]int{}
	for _, run := range runs {
		key := [2]string{run.Experiment(), run.Dir}
		if f, err := evidence.FactsOf(run); err == nil && !seeds[seed{run.Experiment(), f.Variant(), f.Seed}] {
			seeds[seed{run.Experiment(), f.Variant(), f.Seed}] = true
			key[1] = f.Variant()
		}
		if i, ok := place[key]; ok {
			series[i].Runs = append(series[i].Runs, run)
			continue
		}
		place[key] = len(series)
		series = append(series, report.One(run, run.Experiment()))
		names[run.Experiment()]++
	}
	for i, s := range series {
		if names[s.Label] > 1 {
			series[i].Label = filepath.Join(s.Label, s.Runs[0].Name())
		}
	}
	return series, nil
}

// readRuns reads the runs that folders and patterns stand for, each once.
func readRuns(args []string) ([]*record.Run, error) {
	var runs []*record.Run
	var errs []error
	seen := map[string]bool{}
	for _, arg := range args {
		dirs := []string{arg}
		if strings.ContainsAny(arg, "*?[") {
			if found, err := filepath.Glob(arg); err == nil && found != nil {
				dirs = found
			}
		}
		for _, dir := range dirs {
			if info, err := os.Stat(dir); err != nil || !info.IsDir() {
				errs = append(errs, &configError{fmt.Errorf("plot: %q is neither a figure, one of %s, which are drawn one at a time, nor a folder of runs",
					arg, strings.Join(figureNames(), ", "))})
				continue
			}
			below, err := record.ReadAll(dir)
			if err == nil && len(below) == 0 {
				err = fmt.Errorf("plot: %s: found no run there", dir)
			}
			errs = append(errs, err)
			for _, run := range below {
				if !seen[run.Dir] {
					seen[run.Dir] = true
					runs = append(runs, run)
				}
			}
		}
	}
	return runs, errors.Join(errs...)
}

// saveAndTell writes a picture to path and prints where it is.
func saveAndTell(cmd *cobra.Command, picture interface{ Save(path string) error }, path string) error {
	if err := picture.Save(path); err != nil {
		return err
	}
	_, err := fmt.Fprintln(cmd.OutOrStdout(), path)
	return err
}
