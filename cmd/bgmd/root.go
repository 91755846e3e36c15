package main

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// noFile refuses arguments of commands that take a file as --config.
func noFile(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return fmt.Errorf("%s: takes no argument %q: a configuration goes to --config", cmd.Name(), args[0])
	}
	return nil
}

// newRoot returns the command bgmd with all its subcommands.
func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:   "bgmd",
		Short: "Train neural networks on corrupt data, robustly",
		Long: text(`
Train neural networks on corrupt data, robustly.

bgmd runs experiments on robust training: many clients send gradients, some of
them corrupt, and an aggregation rule such as the geometric median, or block
coordinate geometric median descent (BGMD), makes one step of them.

Exit codes: 0 done, 1 failed, 2 the command line or the configuration is wrong,
3 data or records are missing or damaged, 4 training diverged. What takes more
memory than there is fails before anything is done.

A file called - is standard input where one is read, and standard output where one is
written; a picture is a PNG there, and what is printed goes to standard error.

Arithmetic is done with the fastest instructions that the processor has. The
environment variable BGMD_KERNELS=avx512, avx2 or generic chooses others. Where the
program is built for them, --device gpu, or BGMD_DEVICE=gpu, has a GPU compute.`),
		Example: text(`
  bgmd doctor                                   what this machine has and lacks
  bgmd config                                   every setting there is
  bgmd config --config configs/quickstart.yaml  one experiment in full`),
		SilenceErrors:     true,
		SilenceUsage:      true,
		PersistentPreRunE: checkOutput,
	}
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return flagError(err) })
	root.AddCommand(stoppable(newRunCommand()), newGradientCommand(), stoppable(newSweepCommand()), newTableCommand(), newPlotCommand(), newReportCommand(),
		newAggregateCommand(), newRulesCommand(), newBreakdownCommand(), newBenchCommand(),
		newDataCommand(), newConfigCommand(), newDoctorCommand(), newVersionCommand())

	root.CompletionOptions.HiddenDefaultCmd = true // it works, but is no part of the subject
	refuseTwice(root)
	outputToStandard(root)
	return root
}

// flagError says what a flag takes in place of what strconv says.
func flagError(err error) error {
	invalid, ok := errors.AsType[*pflag.InvalidValueError](err)
	if !ok {
		return err
	}
	if errors.Is(err, errTwice) {
		f := invalid.GetFlag()
		return fmt.Errorf("--%s is given twice, %q and %q, want it once", f.Name, f.Value, invalid.GetValue())
	}
	want, ok := map[string]string{
		"int": "a whole number", "uint64": "a whole number from 0 on", "float64": "a number",
		"bool": "true or false", "duration": "a time such as 90s or 5m",
	}[invalid.GetFlag().Value.Type()]
	if !ok {
		return err
	}
	if errors.Is(err, strconv.ErrRange) {
		want += " that fits in 64 bits"
	}
	return fmt.Errorf("--%s is %q, want %s", invalid.GetFlag().Name, invalid.GetValue(), want)
}

// text trims the line breaks that make a raw string readable in the source.
func text(s string) string { return strings.Trim(s, "\n") }
