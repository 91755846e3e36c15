package main

import (
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/bgmd/bgmd/pkg/bench"
)

func newBenchKernelCommand() *cobra.Command {
	var b bench.Kernels
	var figure string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "kernel",
		Short: "Time each layer's matrix products against what the processor can do",
		Long: text(`
Time the products of each kind of layer, on one core: forward, and the gradients
of weights and input. The best speed is printed beside two others: the peak, as
multiply-adds in registers reach it, and this program's product of 512×512 by
512×512. Operands are in the caches as far as they fit. Convolutions that are
computed with fewer multiplications come both ways, as do large linear layers, whose
weights are packed once a step; the speed is that of the multiplications and
additions done, the effective speed that of the definition's.

With --figure, also draw the roofline [Williams et al. 2009]: speeds over the
multiplications and additions that each product has for a byte of its operands,
counted once, below what the processor and its memory allow.`),
		Example: text(`
  bgmd bench kernel
  bgmd bench kernel --batch 128 --json
  bgmd bench kernel --batch 64 --figure roofline.png`),
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if figure != "" {
				if err := checkPicture("figure", figure); err != nil {
					return &configError{err}
				}
			}
			r, err := runBench(cmd, b, asJSON, writeKernels)
			if err != nil || figure == "" {
				return err
			}
			plot, err := r.Roofline()
			if err != nil {
				return err
			}
			return plot.Save(figure)
		},
	}
	f := cmd.Flags()
	f.IntSliceVar(&b.Batches, "batch", []int{16, 64, 128}, "samples a client, several with commas")
	f.IntVar(&b.MS, "time", 100, "`milliseconds` to time each kernel for")
	f.StringVar(&figure, "figure", "", "draw the roofline to this `file`")
	f.BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func writeKernels(out io.Writer, r bench.KernelsResult) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(out, "%s on one core: peak %.1f GFLOPS, sgemm %.1f\n\n", r.Backend, r.Peak, r.Sgemm)
	fmt.Fprintf(w, "layer\tproduct\tbatch\tGFLOPS\teffective\tof peak\tof sgemm\t\n")
	for _, k := range r.Products {
		fmt.Fprintf(w, "%s\t%s\t%d\t%.1f\t%.1f\t%.0f %%\t%.0f %%\t\n", k.Layer, k.Product, k.Batch, k.GFLOPS, k.Nominal, 100*k.OfPeak, 100*k.OfSgemm)
	}
	return w.Flush()
}
