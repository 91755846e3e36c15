package main

import (
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"github.com/bgmd/bgmd/pkg/plots"
)

func newPlotCommand() *cobra.Command {
	var out, axis, title string
	var f figureFlags
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
			x, err := plots.ParseAxis(axis)
			if err != nil {
				return &configError{err}
			}
			figure := len(args) == 1 && slices.Contains(figureNames(), args[0])
			switch {
			case out != "":
			case figure:
				out = args[0] + ".png"
			default:
				out = "accuracy.png"
			}
			if err := checkPicture("out", out); err != nil {
				return err
			}
			if figure {
				f.x = x
				if err := f.draw(cmd, args[0], out); err != nil {
					return err
				}
				fmt.Fprintln(cmd.OutOrStdout(), out)
				return nil
			}
			series, err := readSeries(cmd, args)
			if err != nil {
				return err
			}
			plot, err := plots.AccuracyPlot(series, x, title)
			if err != nil {
				return err
			}
			return saveAndTell(cmd, plot, out)
		},
	}
	flags := cmd.Flags()
	flags.StringVarP(&out, "out", "o", "", "`file` to write (default: FIGURE.png or accuracy.png)")
	flags.StringVarP(&axis, "axis", "x", string(plots.Time), "`axis` to plot against: time, epoch or step")
	flags.StringVar(&title, "title", "", "the plot's `title` (default: the folder that the runs share)")
	flags.StringVar(&f.results, "results", "results", "`folder` below which a figure's records are looked for")
	flags.StringVar(&f.profile, "profile", "", "`profile` of a figure's runs (default: that of most runs)")
	return cmd
}

// saveAndTell writes a picture to path and prints where it is.
func saveAndTell(cmd *cobra.Command, picture interface{ Save(path string) error }, path string) error {
	if err := picture.Save(path); err != nil {
		return err
	}
	_, err := fmt.Fprintln(cmd.OutOrStdout(), path)
	return err
}
