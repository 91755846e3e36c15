package bench

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/bgmd/bgmd/internal/bounds"
	"github.com/bgmd/bgmd/internal/gemm"
	"github.com/bgmd/bgmd/internal/par"
	"github.com/bgmd/bgmd/internal/ram"
	"github.com/bgmd/bgmd/internal/simd"
	"github.com/bgmd/bgmd/internal/stream"
	"github.com/bgmd/bgmd/pkg/agg"
	"github.com/bgmd/bgmd/pkg/models/device"
	"github.com/bgmd/bgmd/pkg/models/device/rows"
)

// Agg says on what to time which rules.
type Agg struct {
	N      int    `json:"n"`
	D      int    `json:"d"`
	Calls  int    `json:"calls"`
	Device string `json:"device,omitempty"`

	Only   []string   `json:"-"` // names of rules, or block; nil for all
	Matrix agg.Matrix `json:"-"` // to time on; N×D that are drawn if it is zero
}

// AggResult is what was measured.
type AggResult struct {
	Agg
	Backend string     `json:"backend"`
	Cores   int        `json:"cores"`
	Rules   []RuleTime `json:"rules"`
	Split   BlockSplit `json:"block_split_ms"`
}

// RuleTime is the time of one rule.
type RuleTime struct {
	Rule   string  `json:"rule"` // with its options
	MS     float64 `json:"ms"`   // median
	MinMS  float64 `json:"min_ms"`
	ToMean float64 `json:"ratio_to_mean"`
	GBs    float64 `json:"gb_per_s"`         // bytes of the matrix over the median
	Copied bool    `json:"copied,omitempty"` // from the device to memory, every time
}

// BlockSplit is where the time of the block rule goes.
type BlockSplit struct {
	Score     float64 `json:"score"`
	Select    float64 `json:"select"`
	Gather    float64 `json:"gather"`
	Aggregate float64 `json:"aggregate"`
	Remember  float64 `json:"remember"`
}

// block is the geometric median on a tenth of the coordinates, with the memory of
// [bgmd, Alg. 1].
const block = "block"

// Check reports all that [Agg.Run] cannot do, a line each that begins with the flag's
// name: rules for Only.
func (b Agg) Check() error {
	counts := []bounds.Count{{Name: "calls", Value: b.Calls, Least: 1}}
	if b.Matrix.Data == nil {
		counts = append([]bounds.Count{{Name: "n", Value: b.N, Least: 1}, {Name: "d", Value: b.D, Least: 1}}, counts...)
	}
	errs := []error{bounds.Check(counts...)}
	known := append(agg.Names(), block)
	for _, name := range b.Only {
		if !slices.Contains(known, name) {
			errs = append(errs, fmt.Errorf("rules has %q, want some of %s", name, strings.Join(known, ", ")))
		}
	}
	return errors.Join(errs...)
}

// Run times the rules. It refuses what [Agg.Check] reports, named rules that do not take
// so many rows ([agg.ErrTooManyRows]) and more numbers than there is memory for
// ([ram.Error]).
func (b Agg) Run(ctx context.Context) (r AggResult, err error) {
	G := b.Matrix
	if G.Data != nil {
		b.N, b.D = G.Rows, G.Cols
	}
	if err := b.Check(); err != nil {
		return AggResult{}, err
	}
	list, err := b.all()
	if err != nil {
		return AggResult{}, err
	}
	if G.Data == nil {
		var scratch float64 // rules keep theirs
		for _, t := range list {
			scratch += t.scratch
		}
		if err := ram.CheckMatrix(b.N, b.D, scratch); err != nil {
			return AggResult{}, err
		}
		G = cloud(b.N, b.D)
	}
	r = AggResult{Agg: b, Backend: gemm.Backend(), Cores: runtime.GOMAXPROCS(0)}
	first, copies := 1, 0 // rule, after reading; and of G so far
	dev, err := device.Open(b.Device)
	if err != nil {
		return AggResult{}, err
	}
	defer func() { err = errors.Join(err, dev.Close()) }()
	if dev != nil {
		if list, err = onDevice(dev, list, G); err != nil {
			return AggResult{}, err
		}
		r.Backend, first = dev.Name, 0
	}
	for _, t := range list {
		ms, stats, err := b.time(ctx, t, G)
		if err != nil {
			return AggResult{}, fmt.Errorf("%s: %w", t.name, err)
		}
		if stats.Block != nil {
			s := stats.Block.Seconds
			r.Split = BlockSplit{1e3 * s.Score, 1e3 * s.Select, 1e3 * s.Gather, 1e3 * s.Aggregate, 1e3 * s.Remember}
		}
		r.Rules = append(r.Rules, RuleTime{
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
func (b Agg) all() ([]timed, error) {
	list := []timed{{name: "read", run: read}}
	var errs []error
	add := func(name string, chain agg.Chain) {
		rule, err := chain.New()
		if err != nil {
			errs = append(errs, err)
			return
		}
		switch err := rule.Fits(b.N, b.D, agg.Step{}); {
		case b.Only != nil && !slices.Contains(b.Only, name) && name != "mean":
		case errors.Is(err, agg.ErrTooManyRows) && b.Only != nil:
			errs = append(errs, err)
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
			add(block, agg.Chain{Rule: "gm", Block: &agg.BlockOptions{Fraction: 0.1}})
		}
	}
	options.F = b.N / 5
	for _, p := range agg.PreAggregators() {
		if b.Only == nil {
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

// time returns the times of b.Calls calls in milliseconds, ascending, and the
// statistics of the last.
func (b Agg) time(ctx context.Context, t timed, G agg.Matrix) (ms []float64, stats agg.Stats, err error) {
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

// onDevice returns the rules of list, without reading, to be timed on a copy of G on a
// device.
func onDevice(dev *device.Device, list []timed, G agg.Matrix) ([]timed, error) {
	there, err := rows.Load(dev, G)
	if err != nil {
		return nil, err
	}
	var rules []timed
	for _, t := range list[1:] {
		rule := t.rule
		t.run = func(_ []float32, _ agg.Matrix, step agg.Step) (agg.Stats, error) {
			return agg.AggregateIn(rule, there, step)
		}
		t.copies = there.Copies
		rules = append(rules, t)
	}
	return rules, nil
}

// Of returns the time of a rule by its name alone.
func (r *AggResult) Of(name string) (RuleTime, bool) {
	for _, t := range r.Rules {
		if plain, _, _ := strings.Cut(t.Rule, "("); plain == name {
			return t, true
		}
	}
	return RuleTime{}, false
}
