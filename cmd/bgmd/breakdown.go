package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/bgmd/bgmd/pkg/agg"
	"github.com/bgmd/bgmd/pkg/breakdown"
)

func newBreakdownCommand() *cobra.Command {
	var e breakdown.Experiment
	var out string
	cmd := &cobra.Command{
		Use:   "breakdown",
		Short: "Measure how far corrupt rows move every rule",
		Long: text(`
Measure how far corrupt rows move every rule, as their share ψ grows from 0 to
1/2. Rows are a common N(0, 1) vector plus N(0, 1) noise of their own; f of them
become corrupt, and every rule is told that f, or the most that it can stand.
The distance between a rule's result and the mean of the honest rows is in units
of the honest rows' own distance from it: below 1 a rule is nearer than a row.

Written to OUT: breakdown.csv, a plot an attack, and toy.png, a cloud of 14
points in the plane of which 6 are corrupt, with the mean and two medians of it.`),
		Example: text(`
  bgmd breakdown --out results/breakdown
  bgmd breakdown --rules cm,gm,krum --attacks alie,ipm --n 20 --d 100 --seeds 20`),
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := e.Check(); err != nil {
				return badFlags(err)
			}
			points, err := e.Run(cmd.Context())
			if errors.Is(err, agg.ErrTooManyRows) {
				return &configError{err}
			}
			if err != nil {
				return lessWouldDo(err, "a smaller --n or --d")
			}
			paths, err := e.Write(out, points)
			for _, path := range paths {
				fmt.Fprintln(cmd.OutOrStdout(), path)
			}
			return err
		},
	}
	f := cmd.Flags()
	f.StringSliceVar(&e.Rules, "rules", nil, "`names` of rules, comma-separated, or all (default: those of the paper's Table 1)")
	f.StringSliceVar(&e.Attacks, "attacks", []string{"bitflip", "sign-flip", "gaussian", "alie", "ipm", "mimic"}, "`names` of gradient corruptions")
	f.IntVar(&e.N, "n", 32, "rows")
	f.IntVar(&e.D, "d", 1000, "coordinates of a row")
	f.IntVar(&e.Seeds, "seeds", 5, "matrices to average over")
	f.StringVarP(&out, "out", "o", "breakdown", "`folder` to write to; what is there is replaced")
	return cmd
}
