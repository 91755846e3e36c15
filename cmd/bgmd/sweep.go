package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/bgmd/bgmd/internal/bounds"
	"github.com/bgmd/bgmd/internal/printable"
	"github.com/bgmd/bgmd/internal/ram"
	"github.com/bgmd/bgmd/internal/yamltext"
	"github.com/bgmd/bgmd/pkg/data"
	"github.com/bgmd/bgmd/pkg/models/device"
	"github.com/bgmd/bgmd/pkg/sweep"
)

func newSweepCommand() *cobra.Command {
	var spec sweep.Spec
	var jobs int
	var dry, estimate bool
	cmd := &cobra.Command{
		Use:   "sweep --config FILE",
		Short: "Train every run of a grid",
		Long: text(`
Train every run of a grid, each in a process of its own, several at a time.

FILE has axes of variants (pieces of configuration) or values of a key, and
every combination of them, with every seed, is a run:

  base: ../base.yaml              # a configuration file below all
  config:                         # what all runs share
    data: {set: fashion-mnist}
  seeds: [1, 2]
  grid:
    setting:
      clean: {}
      bitflip20: {corruption: {gradient: {kind: bitflip, fraction: 0.2}}}
    optimizer.lr: [0.1, 0.01]
  exclude:
    - {setting: clean, optimizer.lr: 0.1}
  override:
    - when: {setting: clean}
      config: {optimizer: {momentum: 0.5}}

Records are those of 'bgmd run', in OUT/NAME/seed-SEED-HASH, where the name is
made of the variants' names: clean-lr-0.01. A run whose record is complete,
diverged ones included, is not trained again; one that was stopped goes on. So
the same command goes on with a sweep that was stopped, in whatever way. A run
that fails stops no other; one that crashes is started again once.
Configurations and logs are in OUT/.sweep.`),
		Example: text(`
  bgmd sweep --config configs/table2/fashion-mnist.yaml --dry-run
  bgmd sweep --config configs/table2/fashion-mnist.yaml --jobs 2 --set epochs=5
  bgmd sweep --config configs/table2/fashion-mnist.yaml --only 'clean-*,bitflip40-bgmd'`),
		Args: noFile,
		RunE: func(cmd *cobra.Command, _ []string) error { return runSweep(cmd, spec, jobs, dry, estimate) },
	}
	flags := cmd.Flags()
	flags.StringVarP(&spec.File, "config", "c", "", "read the grid from this YAML `file`")
	flags.StringArrayVar(&spec.Sets, "set", nil, "set one key of every run, over the file (repeatable), as `key=value`, text to the letter")
	flags.UintSliceVar(&spec.Seeds, "seeds", nil, "`seeds`, such as 1,2,3, instead of the file's")
	flags.Lookup("seeds").DefValue = "" // not "[]"
	flags.StringVar(&spec.Only, "only", "", "`patterns`, such as 'clean-*,bitflip40-bgmd': train only runs with such names")
	flags.StringVarP(&spec.Out, "out", "o", "", "`folder` for the records (default runs/ and the file's name)")
	flags.IntVarP(&jobs, "jobs", "j", 1, "runs trained at once; they share the cores")
	flags.Bool("resume", true, "go on with what was begun; a sweep always does")
	flags.BoolVar(&dry, "dry-run", false, "list the runs and estimate their time, but train none")
	flags.BoolVar(&estimate, "estimate", false, "measure a few steps and estimate the time first")
	addDeviceFlag(cmd)
	if err := errors.Join(cmd.MarkFlagRequired("config"), cmd.MarkFlagFilename("config", "yaml", "yml"), cmd.MarkFlagDirname("out")); err != nil {
		panic(err) // no such flag: a mistake in this function
	}
	return cmd
}

// runSweep lists, estimates or trains the runs.
func runSweep(cmd *cobra.Command, spec sweep.Spec, jobs int, dry, estimate bool) error {
	on, err := chosenDevice(cmd)
	if err != nil {
		return err
	}
	if spec.Out == "" {
		spec.Out = filepath.Join("runs", yamltext.Stem(spec.File))
	}
	if err := bounds.Check(bounds.Count{Name: "jobs", Value: jobs, Least: 1}); err != nil {
		return badFlags(err)
	}
	if own, err := os.Stat(filepath.Join(spec.Out, sweep.Folder)); err == nil {
		if info, err := os.Stat(filepath.Dir(spec.File)); err == nil && os.SameFile(info, own) {
			return &configError{fmt.Errorf("--config is %q, in the folder to which the sweep writes the configurations of its runs: move it elsewhere", spec.File)}
		}
	}
	runs, warnings, err := spec.Runs()
	if err != nil {
		return &configError{err}
	}
	printError(cmd.ErrOrStderr(), "bgmd: warning: ", errors.Join(warnings...))
	var todo []sweep.Job
	for _, r := range runs {
		todo = append(todo, sweep.Look(r))
	}
	out := cmd.OutOrStdout()
	if dry {
		if err := listJobs(out, todo); err != nil {
			return err
		}
	}
	if dry || estimate {
		if err := printEstimate(cmd.Context(), out, todo, on); err != nil {
			return locateRun(err)
		}
	}
	if err := checkSweepMemory(cmd, jobs, dry, todo); err != nil || dry {
		return err
	}
	if err := lookAtSets(cmd.ErrOrStderr(), todo); err != nil {
		return err
	}
	return launch(cmd, spec.Out, on, jobs, todo)
}

// locateRun adds to an error about one run's keys, which only the data could reveal, where
// these keys are written and which run it is.
func locateRun(err error) error {
	of, ok := errors.AsType[*sweep.RunError](err)
	if !ok || !isKeyError(err) {
		return fmt.Errorf("estimate the time: %w", err)
	}
	return fmt.Errorf("%w, in run %s", of.Config.Locate(err), of.Config.Name)
}

// ownImage is, on Linux, the program that is running, even where another one has
// been built in its place: all runs of a sweep are of one program.
const ownImage = "/proc/self/exe"

// checkSweepMemory prints, in a dry run, how much memory the runs that are left take.
// Otherwise it refuses more runs at once than there is memory for. A run that does not
// fit even by itself reports that itself.
func checkSweepMemory(cmd *cobra.Command, jobs int, dry bool, todo []sweep.Job) error {
	largest, together := sweep.Memory(todo, jobs, runtime.GOMAXPROCS(0))
	if !dry {
		if ram.Check(largest, "") != nil {
			return nil
		}
		err := ram.Check(together, fmt.Sprintf("%d runs at once", jobs))
		if err != nil {
			err = fmt.Errorf("sweep: %w: less would do with --jobs below %d", err, jobs)
		}
		return err
	}
	if largest == 0 {
		return nil
	}
	line := "about " + ram.Text(largest) + " of memory for the largest run"
	if jobs > 1 {
		line += fmt.Sprintf(", %s for %d at once", ram.Text(together), jobs)
	}
	_, err := fmt.Fprintln(cmd.OutOrStdout(), line)
	return err
}

// launch trains what is left and says how it ended.
func launch(cmd *cobra.Command, out, on string, jobs int, todo []sweep.Job) error {
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find the program to start: %w", err)
	}
	table := newSweepTable(cmd.OutOrStdout(), cmd.ErrOrStderr())
	l := sweep.Launcher{Out: out, Program: []string{self}, Diverged: exitDiverged, Device: on, Jobs: jobs, Cores: runtime.GOMAXPROCS(0), Observe: table.observe}
	if _, err := os.Stat(ownImage); err == nil {
		l.File = ownImage
	}
	done, err := l.Launch(cmd.Context(), todo)
	table.clear()
	if done == nil {
		return err
	}
	printError(cmd.ErrOrStderr(), "bgmd: warning: ", err)
	errs := []error{complete(cmd, done)}
	s := tally(done)
	fmt.Fprintf(cmd.OutOrStdout(), "%s; records in %s\n", s, out)
	if cmd.Context().Err() != nil && s.left > 0 {
		return errors.New("interrupted: the same command goes on")
	}
	if s.failed != nil {
		errs = append(errs, fmt.Errorf("%s: %s", plural(len(s.failed), "run failed", "runs failed"), strings.Join(s.failed, ", ")))
	}
	return errors.Join(errs...)
}

// complete finishes runs whose processes were killed, or failed, after the record was
// complete: it draws missing plots and tidies up.
func complete(cmd *cobra.Command, jobs []sweep.Job) error {
	var errs []error
	for _, j := range jobs {
		if !j.Done() || cmd.Context().Err() != nil {
			continue
		}
		tidy(cmd, j.Dir)
		if plotted(j.Dir) {
			continue
		}
		if _, err := plotRun(j.Config, j.Dir); err != nil {
			errs = append(errs, fmt.Errorf("draw %s: %w", j, err))
		}
	}
	return errors.Join(errs...)
}

// sweepTally counts jobs by how they are.
type sweepTally struct {
	done, left, all int
	failed          []string
}

func tally(jobs []sweep.Job) sweepTally {
	t := sweepTally{all: len(jobs)}
	for _, j := range jobs {
		switch {
		case j.Done():
			t.done++
		case j.State == sweep.Failed:
			t.failed = append(t.failed, j.String())
		default:
			t.left++
		}
	}
	return t
}

func (t sweepTally) String() string {
	s := fmt.Sprintf("%d of %d done", t.done, t.all)
	if t.failed != nil {
		s += fmt.Sprintf(", %d failed", len(t.failed))
	}
	return s
}

// listJobs prints the runs of a grid, and below them why some have failed.
func listJobs(w io.Writer, jobs []sweep.Job) error {
	table := tabwriter.NewWriter(w, 0, 0, len(gap), ' ', 0)
	fmt.Fprintln(table, "NAME\tSEED\tSTATE\tFOLDER")
	for _, j := range jobs {
		fmt.Fprintf(table, "%s\t%d\t%s\t%s\n", j.Config.Name, j.Config.Seed, j.State, j.Dir)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	for _, j := range jobs {
		if j.Err != nil {
			fmt.Fprintf(w, "%s: %s\n", j, printable.Text(j.Err.Error()))
		}
	}
	return nil
}

// printEstimate prints how long the runs that are left take or, where data is missing,
// that it is.
func printEstimate(ctx context.Context, w io.Writer, jobs []sweep.Job, on string) error {
	left := tally(jobs).left
	if left == 0 {
		_, err := fmt.Fprintln(w, "nothing is left to train")
		return err
	}
	cores := runtime.GOMAXPROCS(0)
	estimate, err := sweep.Estimate(ctx, jobs, on, cores)
	if errors.Is(err, data.ErrData) {
		printError(w, "no estimate of the time: ", err)
		return nil
	}
	if err != nil {
		return err
	}
	with := plural(cores, "core", "cores")
	if on != "" && on != device.Host {
		with = on + " and " + with
	}
	_, err = fmt.Fprintf(w, "about %s for %s on %s\n", roughly(estimate), plural(left, "run", "runs"), with)
	return err
}

// roughly writes an estimated time.
func roughly(d time.Duration) string {
	switch minutes := int(d.Round(time.Minute).Minutes()); {
	case d < 90*time.Second:
		return fmt.Sprintf("%.0f s", d.Seconds())
	case minutes < 60:
		return fmt.Sprintf("%d min", minutes)
	default:
		return fmt.Sprintf("%d h %d min", minutes/60, minutes%60)
	}
}

// plural counts in words.
func plural(n int, one, more string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, more)
}
