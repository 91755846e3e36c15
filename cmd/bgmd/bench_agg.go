package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/bgmd/bgmd/internal/ram"
	"github.com/bgmd/bgmd/pkg/agg"
	"github.com/bgmd/bgmd/pkg/bench"
	"github.com/bgmd/bgmd/pkg/models/device"
)

func newBenchAggCommand() *cobra.Command {
	var b bench.Agg
	var figure, matrix string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "agg",
		Short: "Time every aggregation rule on a matrix of gradients",
		Long: text(`
Time every aggregation rule on an n×d matrix of gradients, a fifth of whose rows
are corrupt: the median of the calls, in milliseconds, as a multiple of the mean
and as the speed at which the matrix would have to be read once. "read" only
reads it. The block rule is the geometric median on a tenth of the coordinates,
with the memory of Algorithm 1; its split is given. On a device the matrix is there
already; rules that copy it to memory are marked.

With --figure, also time rules over dimensions from 10⁴ to d and draw that beside
the asymptotic costs of the paper's Figure 1(c).`),
		Example: text(`
  bgmd bench agg
  bgmd bench agg --n 10 --d 11000000 --rules mean,gm,krum --json
  bgmd bench agg --rules mean --d 10000000 --figure cost.png`),
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var err error
			if b.Device, err = chosenDevice(cmd); err != nil {
				return err
			}
			if figure != "" {
				if err := checkAggFigure(b, matrix, figure); err != nil {
					return &configError{err}
				}
			}
			if err := b.Check(); err != nil {
				return badFlags(err)
			}
			if matrix != "" {
				b.Matrix, _, err = readMatrix(cmd.InOrStdin(), matrix, func(n, d int) error { return ram.CheckMatrix(n, d, 0) })
				if err != nil {
					return err
				}
			}
			_, err = runBench(cmd, b, asJSON, writeAgg)
			switch {
			case errors.Is(err, agg.ErrTooManyRows):
				return &configError{err}
			case err != nil || figure == "":
				return lessWouldDo(err, "a smaller --n or --d")
			}
			plot, err := b.Figure(cmd.Context())
			if err != nil {
				return err
			}
			return plot.Save(figure)
		},
	}
	f := cmd.Flags()
	f.IntVar(&b.N, "n", 32, "rows, a client's gradient each")
	f.IntVar(&b.D, "d", 1_163_978, "coordinates of a gradient")
	f.IntVar(&b.Calls, "calls", 7, "calls to time, after one that is not")
	f.StringSliceVar(&b.Only, "rules", nil, "`names` of rules, comma-separated (default: all)")
	f.StringVar(&matrix, "matrix", "", "time on the matrix in this .npy `file` instead of one of --n by --d")
	f.StringVar(&figure, "figure", "", "draw cost over dimension to this `file`")
	addDeviceFlag(cmd)
	f.BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

// checkAggFigure reports what stands against drawing the figure to path.
func checkAggFigure(b bench.Agg, matrix, path string) error {
	var errs []error
	if matrix != "" {
		errs = append(errs, errors.New("--figure draws its own matrices: leave out --matrix"))
	}
	if cmp.Or(b.Device, device.Host) != device.Host {
		errs = append(errs, errors.New("--figure draws times in memory: leave out --device"))
	}
	if b.D <= bench.FigureFrom {
		errs = append(errs, fmt.Errorf("--figure needs dimensions from %d on: --d is %d", bench.FigureFrom, b.D))
	}
	return errors.Join(append(errs, checkPicture("figure", path))...)
}

func writeAgg(out io.Writer, r bench.AggResult) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(out, "%d rows of %d coordinates, %d cores, %s\n\n", r.N, r.D, r.Cores, r.Backend)
	fmt.Fprintf(w, "ms\t/ mean\tGB/s\t  rule\n")
	for _, t := range r.Rules {
		format, rule := "%.1f\t%.2f\t%.1f\t  %s\n", t.Rule
		if r.Device != "" {
			format = "%.3f\t%.2f\t%.1f\t  %s\n"
		}
		if t.Copied {
			rule += " (copied to memory)"
		}
		fmt.Fprintf(w, format, t.MS, t.ToMean, t.GBs, rule)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	if s := r.Split; s != (bench.BlockSplit{}) {
		fmt.Fprintf(out, "\nblock: score %.1f ms, select %.1f, gather %.1f, aggregate %.1f, remember %.1f\n", s.Score, s.Select, s.Gather, s.Aggregate, s.Remember)
	}
	return nil
}
