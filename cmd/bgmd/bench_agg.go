package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/bgmd/bgmd/internal/gemm"
	"github.com/bgmd/bgmd/internal/par"
	"github.com/bgmd/bgmd/internal/ram"
	"github.com/bgmd/bgmd/internal/simd"
	"github.com/bgmd/bgmd/internal/stream"
	"github.com/bgmd/bgmd/pkg/agg"
	"github.com/bgmd/bgmd/pkg/models/device"
)

func newBenchAggCommand() *cobra.Command {
	var b aggBench
	var figure string
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
			b.stdin = cmd.InOrStdin()
			if figure != "" {
				if err := b.checkFigure(figure); err != nil {
					return &configError{err}
				}
			}
			if _, err := runBench(cmd, &b, asJSON); err != nil || figure == "" {
				return err
			}
			return b.figure(cmd.Context(), figure)
		},
	}
	f := cmd.Flags()
	f.IntVar(&b.N, "n", 32, "rows, a client's gradient each")
	f.IntVar(&b.D, "d", 1_163_978, "coordinates of a gradient")
	f.IntVar(&b.Calls, "calls", 7, "calls to time, after one that is not")
	f.StringSliceVar(&b.rules, "rules", nil, "`names` of rules, comma-separated (default: all)")
	f.StringVar(&b.matrix, "matrix", "", "time on the matrix in this .npy `file` instead of one of --n by --d")
	f.StringVar(&figure, "figure", "", "draw cost over dimension to this `file`")
	addDeviceFlag(cmd)
	f.BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

// aggBench says what to time.
type aggBench struct {
	N      int    `json:"n"`
	D      int    `json:"d"`
	Calls  int    `json:"calls"`
	Device string `json:"device,omitempty"`
	rules  []string

	matrix string // file with the matrix, or empty
	stdin  io.Reader
}

// aggResult is what was measured.
type aggResult struct {
	aggBench
	Backend string    `json:"backend"`
	Cores   int       `json:"cores"`
	Rules   []aggTime `json:"rules"`
	Split   aggSplit  `json:"block_split_ms"`
}

// aggTime is the time of one rule.
type aggTime struct {
	Rule   string  `json:"rule"` // with its options
	MS     float64 `json:"ms"`   // median
	MinMS  float64 `json:"min_ms"`
	ToMean float64 `json:"ratio_to_mean"`
	GBs    float64 `json:"gb_per_s"`         // bytes of the matrix over the median
	Copied bool    `json:"copied,omitempty"` // from the device to memory, every time
}

// aggSplit is where the time of the block rule goes.
type aggSplit struct {
	Score     float64 `json:"score"`
	Select    float64 `json:"select"`
	Gather    float64 `json:"gather"`
	Aggregate float64 `json:"aggregate"`
	Remember  float64 `json:"remember"`
}

const (
	readRule  = "read"
	blockRule = "block"
)

func (b aggBench) check() error {
	errs := outOfRange([]count{{"n", b.N, 1}, {"d", b.D, 1}, {"calls", b.Calls, 1}})
	known := append(agg.Names(), blockRule)
	for _, name := range b.rules {
		if !slices.Contains(known, name) {
			errs = append(errs, fmt.Errorf("--rules has %q, want some of %s", name, strings.Join(known, ", ")))
		}
	}
	return errors.Join(errs...)
}

// timed is a rule to be timed.
type timed struct {
	name string
	run  func(dst []float32, G agg.Matrix, step agg.Step) (agg.Stats, error)
	rule agg.Aggregator // nil for reading

	scratch float64    // bytes
	copies  func() int // of a matrix on a device; nil for one in memory
}

// all returns what is timed: reading, every rule that n rows allow, the textbook
// solvers, pre-aggregators before the mean, and the block rule.
func (b aggBench) all() ([]timed, error) {
	list := []timed{{name: readRule, run: read}}
	var errs []error
	add := func(name string, chain agg.Chain) {
		rule, err := chain.New()
		if err != nil {
			errs = append(errs, err)
			return
		}
		switch err := rule.Fits(b.N, b.D, agg.Step{}); {
		case b.rules != nil && !slices.Contains(b.rules, name) && name != "mean":
		case errors.Is(err, agg.ErrTooManyRows) && b.rules != nil:
			errs = append(errs, &configError{err})
		case !errors.Is(err, agg.ErrTooManyRows):
			list = append(list, timed{name: rule.String(), run: rule.Aggregate, rule: rule, scratch: rule.Scratch(b.N, b.D)})
		}
	}
	options := agg.DefaultOptions()
	for _, r := range agg.Rules() {
		most := r.MaxCorrupt(b.N)
		if most < 0 {
			continue
		}
		options.F = min(b.N/5, most)
		add(r.Name, agg.Chain{Rule: r.Name, Options: options})
		if r.Name == "gm" {
			for _, solver := range agg.Solvers()[1:] {
				add("gm", agg.Chain{Rule: "gm", Options: agg.Options{Solver: solver}})
			}
			// On a tenth of the coordinates, with the memory of [bgmd, Alg. 1].
			add(blockRule, agg.Chain{Rule: "gm", Block: &agg.BlockOptions{Fraction: 0.1}})
		}
	}
	options.F = b.N / 5
	for _, p := range agg.Pres() {
		if b.rules == nil {
			add(p.Name, agg.Chain{Rule: "mean", Options: options, Pre: p.Name})
		}
	}
	return list, errors.Join(errs...)
}

// read reads all of G and nothing else.
func read(_ []float32, G agg.Matrix, _ agg.Step) (agg.Stats, error) {
	var bad atomic.Bool
	par.For(len(G.Data), 1<<16, func(_, lo, hi int) {
		if !simd.Finite(G.Data[lo:hi]) {
			bad.Store(true)
		}
	})
	if bad.Load() {
		return agg.Stats{}, agg.ErrNotFinite
	}
	return agg.Stats{}, nil
}

func (b aggBench) run(ctx context.Context) (r aggResult, err error) {
	var G agg.Matrix
	if b.matrix != "" {
		if G, _, err = readMatrix(b.stdin, b.matrix, func(n, d int) error { return ram.CheckMatrix(n, d, 0) }); err != nil {
			return aggResult{}, err
		}
		b.N, b.D = G.Rows, G.Cols
	}
	list, err := b.all()
	if err != nil {
		return aggResult{}, err
	}
	if b.matrix == "" {
		var scratch float64 // rules keep theirs
		for _, t := range list {
			scratch += t.scratch
		}
		if err := ram.CheckMatrix(b.N, b.D, scratch); err != nil {
			return aggResult{}, lessWouldDo(err, "a smaller --n or --d")
		}
		G = cloud(b.N, b.D)
	}
	r = aggResult{aggBench: b, Backend: gemm.Backend(), Cores: runtime.GOMAXPROCS(0)}
	first, copies := 1, 0 // rule, after reading; and of G so far
	dev, err := device.Open(b.Device)
	if err != nil {
		return aggResult{}, err
	}
	defer func() { err = errors.Join(err, dev.Close()) }()
	if dev != nil {
		if list, err = onDevice(dev, list, G); err != nil {
			return aggResult{}, err
		}
		r.Backend, first = dev.Name, 0
	}
	for _, t := range list {
		ms, stats, err := b.time(ctx, t, G)
		if err != nil {
			return aggResult{}, fmt.Errorf("%s: %w", t.name, err)
		}
		if stats.Block != nil {
			s := stats.Block.Seconds
			r.Split = aggSplit{1e3 * s.Score, 1e3 * s.Select, 1e3 * s.Gather, 1e3 * s.Aggregate, 1e3 * s.Remember}
		}
		r.Rules = append(r.Rules, aggTime{
			Rule: t.name, MS: median(ms), MinMS: ms[0], GBs: float64(4*b.N*b.D) / 1e6 / median(ms),
			Copied: t.copies != nil && t.copies() > copies,
		})
		if t.copies != nil {
			copies = t.copies()
		}
	}
	mean := r.Rules[first].MS
	for i := range r.Rules {
		r.Rules[i].ToMean = r.Rules[i].MS / mean
	}
	return r, nil
}

// time returns the times of b.Calls calls in milliseconds, ascending, and the
// statistics of the last.
func (b aggBench) time(ctx context.Context, t timed, G agg.Matrix) (ms []float64, stats agg.Stats, err error) {
	dst := make([]float32, G.Cols)
	for i := range b.Calls + 1 {
		if err := ctx.Err(); err != nil {
			return nil, stats, err
		}
		step := agg.Step{Gamma: 0.01, Rand: stream.Root(1).At(stream.Aggregate, i)}
		start := time.Now()
		if stats, err = t.run(dst, G, step); err != nil {
			return nil, stats, err
		}
		if i > 0 {
			ms = append(ms, 1e3*time.Since(start).Seconds())
		}
	}
	slices.Sort(ms)
	return ms, stats, nil
}

// median returns the median of sorted values.
func median(x []float64) float64 { return (x[(len(x)-1)/2] + x[len(x)/2]) / 2 }

// cloud returns rows around a common vector, the first fifth of them far off.
func cloud(n, d int) agg.Matrix {
	G := agg.NewMatrix(n, d)
	par.For(n, 1, func(i, _, _ int) {
		common, own := rand.New(rand.NewPCG(1, 0)), rand.New(rand.NewPCG(2, uint64(i)))
		scale := float32(1e-2)
		if i < n/5 {
			scale = 1
		}
		row := G.Row(i)
		for j := range row {
			row[j] = scale * float32(common.Float64()+2*own.Float64()-1.5)
		}
	})
	return G
}

func (r aggResult) write(out io.Writer) error {
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
	if s := r.Split; s != (aggSplit{}) {
		fmt.Fprintf(out, "\nblock: score %.1f ms, select %.1f, gather %.1f, aggregate %.1f, remember %.1f\n", s.Score, s.Select, s.Gather, s.Aggregate, s.Remember)
	}
	return nil
}
