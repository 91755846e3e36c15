package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/bgmd/bgmd/pkg/config"
	"github.com/bgmd/bgmd/pkg/data"
	"github.com/bgmd/bgmd/pkg/plots"
	"github.com/bgmd/bgmd/pkg/record"
	"github.com/bgmd/bgmd/pkg/train"
)

func newRunCommand() *cobra.Command {
	var out, initial string
	var workers int
	var resume bool
	cmd := &cobra.Command{
		Use:   "run [--config FILE]",
		Short: "Train as a configuration says, and record it",
		Long: text(`
Train as a configuration says, and leave a complete record in the folder
OUT/NAME/seed-SEED-HASH, where HASH stands for everything in the configuration
that decides the result: what was run and on what, a line of metrics an epoch,
the last checkpoint (safetensors with PyTorch's names), a summary and a plot of
accuracy against wall-clock time. What the file and --set do not say is as in the
paper.

A record is never overwritten. A run that was stopped, by Ctrl-C or in any other
way, goes on with --resume from its last whole epoch and ends as if nothing had
happened; without its checkpoint it starts over. One that has finished is only
drawn again.

With --init, short for --set model.init=FILE, training starts from the parameters
(and running averages) of a safetensors file with PyTorch's names: a checkpoint,
or one that PyTorch wrote. HASH stands for the file's path, not for what is in it; the
record has its MD5 sum.`),
		Example: text(`
  bgmd run --config configs/quickstart.yaml
  bgmd run --set data.set=synthetic --set data.clients=8 --set data.batch=32 --set epochs=4
  bgmd run --config configs/quickstart.yaml --set aggregator.rule=mean --seed 2
  bgmd run --config configs/fashion-mnist/bitflip40-gm.yaml --out /tmp/runs --resume`),
		Args: noFile,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := setInitial(cmd, initial); err != nil {
				return err
			}
			c, err := loadConfig(cmd)
			if err != nil {
				return err
			}
			if c.Name == "" { // without a file to name it after
				c.Name = c.Data.Set
			}
			if cmd.Flags().Changed("workers") {
				c.Workers = workers
				if err := c.Validate(); err != nil {
					return &configError{fmt.Errorf("--workers: %w", err)}
				}
			}
			on, err := chosenDevice(cmd)
			if err != nil {
				return err
			}
			dir := filepath.Join(out, c.Folder())
			progress := newProgress(cmd.OutOrStdout(), cmd.ErrOrStderr())
			summary, err := train.Run(cmd.Context(), c, dir, train.Options{
				Resume: resume, Device: on, Observe: progress.observe, Note: progress.note,
				Begin: func(set *data.Set, backend string) {
					warnOfOtherFiles(cmd.ErrOrStderr(), set, c.Data.Dir)
					progress.begin(c, dir, backend)
				},
			})
			progress.end()
			if err != nil {
				return c.Locate(err)
			}
			return conclude(cmd, c, dir, summary)
		},
	}
	addConfigFlags(cmd)
	cmd.Flags().StringVarP(&out, "out", "o", "runs", "`folder` for the records")
	cmd.Flags().StringVar(&initial, "init", "", "start from the parameters in this safetensors `file`")
	cmd.Flags().IntVar(&workers, "workers", 0, "clients computed at once, over the configuration; 0 is one a core")
	cmd.Flags().BoolVar(&resume, "resume", false, "go on with a run that was stopped")
	addDeviceFlag(cmd)
	if err := cmd.MarkFlagDirname("out"); err != nil {
		panic(err) // no such flag: a mistake in this function
	}
	return cmd
}

// setInitial makes --init a --set of model.init.
func setInitial(cmd *cobra.Command, file string) error {
	switch file {
	case "":
		return nil
	case standard:
		return &configError{fmt.Errorf("--init is %q, want a file: the record names it, and a run that was stopped may read it again", standard)}
	}
	for _, assignment := range assignments(cmd) {
		if strings.HasPrefix(assignment, "model.init=") {
			return &configError{fmt.Errorf("--init %s and --set %s: want one of them", file, assignment)}
		}
	}
	return cmd.Flags().Set("set", "model.init="+file)
}

// conclude plots the run and prints how it ended.
func conclude(cmd *cobra.Command, c config.Config, dir string, s *record.Summary) error {
	out := cmd.OutOrStdout()
	fmt.Fprintf(out, "\n%s after %d epochs: test accuracy %.2f %%, best %.2f %%, %s\n",
		s.Status, s.Epochs, s.FinalTestAccuracy, s.BestTestAccuracy, duration(s.Seconds.Total))
	tidy(cmd, dir)
	plots, err := plotRun(c, dir)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "record  %s\nplot    %s\n", dir, strings.Join(plots, "\n        "))
	switch s.Status {
	case record.Diverged:
		return fmt.Errorf("%w at step %d: %s", errDiverged, s.DivergedAtStep, s.Reason)
	case record.Interrupted:
		return fmt.Errorf("interrupted: --resume goes on after epoch %d", s.Epochs)
	}
	return nil
}

// tidy removes what a killed process has left beside an ended run's record.
func tidy(cmd *cobra.Command, dir string) {
	printError(cmd.ErrOrStderr(), "bgmd: warning: ", record.Tidy(dir))
}

// plotNames are the plots that plotRun leaves.
var plotNames = []string{"accuracy.png", "accuracy.svg"}

// plotted tells whether all plots are there.
func plotted(dir string) bool {
	return !slices.ContainsFunc(plotNames, func(name string) bool {
		_, err := os.Stat(filepath.Join(dir, name))
		return errors.Is(err, fs.ErrNotExist)
	})
}

// plotRun draws the run's accuracy over time into its folder.
func plotRun(c config.Config, dir string) ([]string, error) {
	run, err := record.Read(dir)
	if err != nil {
		return nil, err
	}
	rule, err := c.Rule()
	if err != nil {
		return nil, err
	}
	plot, err := plots.AccuracyPlot([]plots.Series{plots.One(run, rule.String())}, plots.Time, "")
	if err != nil {
		return nil, err
	}
	var paths []string
	for _, name := range plotNames {
		path := filepath.Join(dir, name)
		if err := plot.Save(path); err != nil {
			return nil, err
		}
		paths = append(paths, path)
	}
	return paths, nil
}
