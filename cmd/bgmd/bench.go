package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/bgmd/bgmd/internal/ram"
	"github.com/bgmd/bgmd/internal/stream"
	"github.com/bgmd/bgmd/pkg/agg"
	"github.com/bgmd/bgmd/pkg/config"
	"github.com/bgmd/bgmd/pkg/data"
	"github.com/bgmd/bgmd/pkg/models"
	"github.com/bgmd/bgmd/pkg/models/device"
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

func newBenchStepCommand() *cobra.Command {
	var b stepBench
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
			if b.Device, err = chosenDevice(cmd); err == nil {
				_, err = runBench(cmd, &b, asJSON)
			}
			return err
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

// bench is something to time; R is what comes out.
type bench[R interface{ write(io.Writer) error }] interface {
	check() error
	run(context.Context) (R, error)
}

// runBench checks, runs and prints a benchmark, and returns its result.
func runBench[R interface{ write(io.Writer) error }](cmd *cobra.Command, b bench[R], asJSON bool) (R, error) {
	if err := b.check(); err != nil {
		return *new(R), &configError{err}
	}
	r, err := b.run(cmd.Context())
	switch {
	case err != nil:
	case asJSON:
		err = writeJSON(cmd.OutOrStdout(), r)
	default:
		err = r.write(cmd.OutOrStdout())
	}
	return r, err
}

// stepBench says what to time.
type stepBench struct {
	Model   string `json:"model"`
	Clients int    `json:"clients"`
	Batch   int    `json:"batch"`
	Steps   int    `json:"steps"`
	Workers int    `json:"workers"`
	Direct  bool   `json:"direct"` // convolutions by definition
	Device  string `json:"device,omitempty"`
}

// stepResult is what was measured.
type stepResult struct {
	stepBench
	Backend string             `json:"backend"`
	MS      float64            `json:"ms_per_step"` // median
	MinMS   float64            `json:"min_ms_per_step"`
	MaxMS   float64            `json:"max_ms_per_step"`
	GFLOPS  float64            `json:"gflops"`                // of the matrix products, over the whole step
	Nominal float64            `json:"effective_gflops"`      // the same, with convolutions counted by definition
	Sgemm   float64            `json:"sgemm_gflops_one_core"` // 512×512×512 products; 0 on a device
	OfSgemm float64            `json:"share_of_sgemm"`        // speed a worker over that
	AllocKB float64            `json:"alloc_kb_per_step"`
	PeakMB  float64            `json:"peak_mb"` // of the process
	Split   map[string]float64 `json:"split"`   // share of the workers' time by op
}

func (b *stepBench) check() error {
	errs := outOfRange([]count{{"clients", b.Clients, 1}, {"batch", b.Batch, 1}, {"steps", b.Steps, 1}, {"workers", b.Workers, 0}})
	if !slices.Contains(models.Names(), b.Model) {
		errs = append(errs, fmt.Errorf("--model is %q, want one of %s", b.Model, strings.Join(models.Names(), ", ")))
	}
	if b.Workers == 0 {
		b.Workers = runtime.GOMAXPROCS(0)
	}
	return errors.Join(errs...)
}

// rowsOf is where the gradients of a net's clients go; nil on a device, where they stay.
func rowsOf(net *models.Net, clients int) (row func(i int) []float32, err error) {
	if there, err := net.Resident(); there != nil || err != nil {
		return nil, err
	}
	rows, err := net.Rows(clients)
	return agg.Matrix{Data: rows, Rows: clients, Cols: len(net.Params())}.Row, err
}

// count is a flag whose value has a lower bound.
type count struct {
	flag         string
	value, least int
}

// most is the upper bound of all such flags: no product of two overflows.
const most = 1_000_000_000

// outOfRange reports the flags outside their bounds.
func outOfRange(counts []count) (errs []error) {
	for _, c := range counts {
		if c.value < c.least {
			errs = append(errs, fmt.Errorf("--%s is %d, want at least %d", c.flag, c.value, c.least))
		}
		if c.value > most {
			errs = append(errs, fmt.Errorf("--%s is %d, want at most %d", c.flag, c.value, most))
		}
	}
	return errs
}

func (b stepBench) run(ctx context.Context) (r stepResult, err error) {
	root := stream.Root(1)
	shape := data.Shape{C: 1, H: 28, W: 28}
	if b.Model == "resnet18" {
		shape = data.Shape{C: 3, H: 32, W: 32}
	}
	o := config.Defaults().Model.Options()
	o.Shape, o.Classes, o.Batch, o.EvalBatch = shape, 10, b.Batch, 1
	o.Replicas, o.Rand, o.Direct = min(b.Workers, b.Clients), root.At(stream.Init), b.Direct
	size, err := models.SizeOf(b.Model, o)
	if err != nil {
		return stepResult{}, err
	}
	if err := ram.Check(4*float64(b.Clients+1)*float64(size.Params)+float64(o.Replicas)*float64(size.Train+size.Eval)+float64(size.Shared), ""); err != nil {
		return stepResult{}, fmt.Errorf("%w: less would do with smaller --clients, --batch or --workers", err)
	}
	if o.Device, err = device.Open(b.Device); err != nil {
		return stepResult{}, err
	}
	defer func() {
		if closed := o.Device.Close(); err == nil {
			err = closed
		}
	}()
	o.Clients = b.Clients
	net, err := models.New(b.Model, o)
	if err != nil {
		return stepResult{}, err
	}
	batch := noise(shape, b.Batch, root.At(stream.Synthetic))
	row, err := rowsOf(net, b.Clients)
	if err != nil {
		return stepResult{}, err
	}
	step := func(i int) error {
		return net.Grads(models.Clients{
			Count: b.Clients,
			Draw: func(_, _ int, to *data.Batch) {
				copy(to.X, batch.X)
				copy(to.Labels, batch.Labels)
			},
			Dropout: func(client int) *rand.PCG { return root.Source(stream.Dropout, i, client) },
			Row:     row,
			Done:    func(int, float64, []float32) {},
		})
	}
	if err := step(0); err != nil {
		return stepResult{}, err
	}
	profiles, err := net.Profile()
	if err != nil {
		return stepResult{}, err
	}
	var times []float64
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for i := range b.Steps {
		if err := ctx.Err(); err != nil {
			return stepResult{}, err
		}
		start := time.Now()
		if err = step(i + 1); err != nil {
			return stepResult{}, err
		}
		times = append(times, time.Since(start).Seconds())
	}
	runtime.ReadMemStats(&after)
	slices.Sort(times)
	done, byDefinition := net.Flops()
	median := (times[(b.Steps-1)/2] + times[b.Steps/2]) / 2
	r = stepResult{
		stepBench: b, Backend: net.Backend(),
		MS: 1e3 * median, MinMS: 1e3 * times[0], MaxMS: 1e3 * times[b.Steps-1],
		GFLOPS:  float64(done*b.Clients) / median / 1e9,
		Nominal: float64(byDefinition*b.Clients) / median / 1e9,
		AllocKB: float64(after.TotalAlloc-before.TotalAlloc) / 1024 / float64(b.Steps),
		PeakMB:  peakMB(),
		Split:   shares(profiles),
	}
	r.Workers = net.Workers()
	if o.Device == nil {
		r.Sgemm = sgemmGFLOPS()
		r.OfSgemm = r.GFLOPS / (r.Sgemm * float64(r.Workers))
	}
	return r, nil
}

func noise(shape data.Shape, n int, rng *rand.Rand) *data.Batch {
	b := data.NewBatch(shape, n)
	for i := range b.X {
		b.X[i] = float32(rng.NormFloat64())
	}
	for i := range b.Labels {
		b.Labels[i] = rng.IntN(10)
	}
	return b
}

// shares adds up the workers' seconds by op and divides them by their sum.
func shares(profiles []map[string]float64) map[string]float64 {
	sum := map[string]float64{}
	var all float64
	for _, p := range profiles {
		for op, s := range p {
			sum[op] += s
			all += s
		}
	}
	for op := range sum {
		sum[op] /= all
	}
	return sum
}

// peakMB is the largest amount of memory the process has had in use, in MB.
// Linux's rusage counts the process that started this one, too.
func peakMB() float64 {
	if bytes := procValue("/proc/self/status", "VmHWM"); bytes > 0 {
		return float64(bytes) / (1 << 20)
	}
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		return 0
	}
	if runtime.GOOS == "darwin" {
		return float64(usage.Maxrss) / (1 << 20)
	}
	return float64(usage.Maxrss) / (1 << 10)
}

func (r stepResult) write(out io.Writer) error {
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
