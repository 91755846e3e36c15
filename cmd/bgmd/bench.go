package main

import (
	"context"
	"io"

	"github.com/spf13/cobra"

	"github.com/bgmd/bgmd/internal/table"
)

func newBenchCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "bench",
		Short: "Measure how fast this machine trains and aggregates",
		Example: text(`
  bgmd bench step --model lenet --clients 32 --batch 64`),
		Args: cobra.NoArgs, // which names a mistyped subcommand
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newBenchStepCommand(), newBenchKernelCommand(), newBenchAggCommand())
	return cmd
}

// benchmark is something to time; R is what comes out.
type benchmark[R any] interface {
	Check() error
	Run(context.Context) (R, error)
}

// runBench checks, runs and prints a benchmark, and returns its result.
func runBench[R any](cmd *cobra.Command, b benchmark[R], asJSON bool, write func(io.Writer, R) error) (R, error) {
	if err := b.Check(); err != nil {
		return *new(R), badFlags(err)
	}
	r, err := b.Run(cmd.Context())
	switch {
	case err != nil:
	case asJSON:
		err = table.WriteJSON(cmd.OutOrStdout(), r)
	default:
		err = write(cmd.OutOrStdout(), r)
	}
	return r, err
}
