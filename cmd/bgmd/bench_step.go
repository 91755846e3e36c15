package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/bgmd/bgmd/pkg/bench"
	"github.com/bgmd/bgmd/pkg/models"
)

func newBenchStepCommand() *cobra.Command {
	var b bench.Step
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "step",
		Short: "Time one step's gradients: every client's, into its row of G",
		Long: text(`
Time one step's gradients: forward and backward pass on every client's batch,
each gradient written to its row of the clients' matrix G. Aggregation is not
part of it. The median of the steps is printed, with the layers' shares of the
time and the part that the step reaches of what matrix products alone do on the
same cores. On a GPU the time includes drawing batches on the host and copying G
there, and the shares are those of these phases, or of the layers with
BGMD_CUDA_SYNC=1. Noise in place of images costs the same: 1×28×28 pixels, 3×32×32 for
resnet18.`),
		Example: text(`
  bgmd bench step --model lenet --clients 32 --batch 64
  bgmd bench step --batch 16 --workers 1 --json`),
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			if b.Device, err = chosenDevice(cmd); err != nil {
				return err
			}
			_, err = runBench(cmd, b, asJSON, writeStep)
			return lessWouldDo(err, "smaller --clients, --batch or --workers")
		},
	}
	f := cmd.Flags()
	f.StringVar(&b.Model, "model", "lenet", "the `name` of a model: "+strings.Join(models.Names(), ", "))
	f.IntVar(&b.Clients, "clients", 32, "clients, rows of G")
	f.IntVar(&b.Batch, "batch", 64, "samples a client")
	f.IntVar(&b.Steps, "steps", 5, "steps to time, after one that is not")
	f.BoolVar(&b.Direct, "direct", false, "compute convolutions by definition, as model.conv=direct does")
	addDeviceFlag(cmd)
	f.IntVar(&b.Workers, "workers", 0, "clients computed at once; 0 is one a core")
	f.BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func writeStep(out io.Writer, r bench.StepResult) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "%s, %d clients × %d samples, %d workers, %s\n\n", r.Model, r.Clients, r.Batch, r.Workers, r.Backend)
	fmt.Fprintf(w, "time a step\t%.1f ms\tmedian of %d (%.1f to %.1f)\n", r.MS, r.Steps, r.MinMS, r.MaxMS)
	if r.Sgemm > 0 {
		fmt.Fprintf(w, "speed\t%.1f GFLOPS\t%.0f %% of sgemm's %.1f a core\n", r.GFLOPS, 100*r.OfSgemm, r.Sgemm)
	} else {
		fmt.Fprintf(w, "speed\t%.1f GFLOPS\tover the whole step\n", r.GFLOPS)
	}
	if r.Nominal != r.GFLOPS {
		fmt.Fprintf(w, "effective\t%.1f GFLOPS\tconvolutions counted by their definition\n", r.Nominal)
	}
	fmt.Fprintf(w, "allocated a step\t%.1f kB\t\n", r.AllocKB)
	fmt.Fprintf(w, "peak memory\t%.0f MB\t\n\n", r.PeakMB)
	ops := slices.SortedFunc(maps.Keys(r.Split), func(a, b string) int {
		return int(1e6 * (r.Split[b] - r.Split[a]))
	})
	for _, op := range ops {
		if r.Split[op] >= 0.001 {
			fmt.Fprintf(w, "%s\t%.1f %%\t\n", op, 100*r.Split[op])
		}
	}
	return w.Flush()
}
