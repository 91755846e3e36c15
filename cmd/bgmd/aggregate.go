package main

import (
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/bgmd/bgmd/internal/npy"
	"github.com/bgmd/bgmd/internal/ram"
	"github.com/bgmd/bgmd/internal/stream"
	"github.com/bgmd/bgmd/internal/table"
	"github.com/bgmd/bgmd/pkg/agg"
)

func newAggregateCommand() *cobra.Command {
	var a aggregation
	var out string
	var seed uint64
	cmd := &cobra.Command{
		Use:   "aggregate FILE",
		Short: "Aggregate the rows of a NumPy matrix",
		Long: text(`
Aggregate the rows of a NumPy matrix, a client's gradient each, as numpy.save
writes it (.npy), or numpy.savez one alone (.npz): two dimensions, float16, float32
or float64. The aggregate, one dimension, goes to OUT as float32, or as float64 if
the matrix is; the arithmetic is in float32 with sums in float64, and a float64
that float32 cannot hold is refused. What the rule has to say is printed as JSON: the weights of the rows,
where the result is a mean of them; how near a geometric median is to the exact
one, which has a residual of 0; the block and what it left out; and how many
rows were dropped.

Rules that take each coordinate on its own (` + separableNames() + `)
read a file part by part, so that it may be larger than memory; all others, and
all that goes around rules, need the matrix in memory, as float32.

FILE - is standard input; with -o - the JSON goes to standard error. Rules and their options are listed by bgmd rules.`),
		Example: text(`
  bgmd aggregate grads.npy -o out.npy
  bgmd aggregate --rule krum --opt f=3 --pre nnm grads.npy -o out.npy
  bgmd aggregate --rule gm --opt eps=1e-6 --block 0.1 --drop-non-finite - -o - < grads.npy > out.npy`),
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			rule, err := a.build()
			if err != nil {
				return &configError{err}
			}
			var dst []float32
			var result aggregated
			if rule.Traits().Separable && isRegular(args[0]) {
				dst, result, err = a.columns(rule, args[0], partSize)
			} else {
				dst, result, err = a.all(rule, cmd.InOrStdin(), args[0], stream.Root(seed).At(stream.Aggregate))
			}
			if err != nil {
				return err
			}
			if err := writeVector(out, dst, result.double); err != nil {
				return err
			}
			return table.WriteJSON(cmd.OutOrStdout(), result)
		},
	}
	f := cmd.Flags()
	f.StringVar(&a.Rule, "rule", "gm", "the `name` of a rule")
	f.StringArrayVar(&a.options, "opt", nil, "set an option of the rule or pre-aggregator, as `key=value` (repeatable)")
	f.StringVar(&a.Pre, "pre", "", "the `name` of a pre-aggregator to go before the rule")
	f.Float64Var(&a.block, "block", 1, "aggregate this `share` of the coordinates, those with the largest norms, and leave the others 0")
	f.BoolVar(&a.DropNonFinite, "drop-non-finite", false, "leave out rows with NaN or Inf instead of refusing them")
	f.Uint64Var(&seed, "seed", 1, "seed of rules that draw")
	f.StringVarP(&out, "out", "o", "", "`file` to write")
	names := func(list []string) func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return cobra.FixedCompletions(list, cobra.ShellCompDirectiveNoFileComp)
	}
	if err := errors.Join(cmd.MarkFlagRequired("out"),
		cmd.RegisterFlagCompletionFunc("rule", names(agg.Names())),
		cmd.RegisterFlagCompletionFunc("pre", names(agg.PreNames()))); err != nil {
		panic(err)
	}
	return cmd
}

// aggregation says how to aggregate.
type aggregation struct {
	agg.Chain
	options []string // assignments to Chain's
	block   float64  // share of the coordinates; 1 is no block
}

// build returns the rule with all that goes around it.
func (a aggregation) build() (agg.Aggregator, error) {
	if err := a.parse(); err != nil {
		return nil, err
	}
	if a.block != 1 {
		a.Block = &agg.BlockOptions{Fraction: a.block, Memory: "none"}
	}
	return a.New()
}

// parse reads the options and refuses those that nothing would read.
func (a *aggregation) parse() error {
	rule, ok := agg.Lookup(a.Rule)
	if !ok {
		_, err := agg.New(a.Rule, a.Options)
		return err
	}
	pre, ok := agg.LookupPre(a.Pre)
	if a.Pre != "" && !ok {
		_, err := agg.NewPre(a.Pre, nil, a.Options)
		return err
	}
	read := a.Reads()
	given := map[string]bool{}
	var errs []error
	for _, assignment := range a.options {
		key, value, ok := strings.Cut(assignment, "=")
		switch {
		case !ok:
			errs = append(errs, fmt.Errorf("--opt %s: want key=value", assignment))
		case given[key]:
			errs = append(errs, fmt.Errorf("--opt %s: %s is given twice", assignment, key))
		case !slices.Contains(read, key) && slices.Contains(agg.OptionNames(), key):
			have := "has no options"
			if len(read) > 0 {
				have = "has " + strings.Join(read, ", ")
			}
			errs = append(errs, fmt.Errorf("--opt %s: %s %s", assignment, strings.TrimSpace(a.Pre+" "+a.Rule), have))
		default:
			given[key] = true
			if err := a.Set(key, value); err != nil {
				errs = append(errs, fmt.Errorf("--opt %s: %w", assignment, err))
			}
		}
	}
	given["beta"] = a.Beta != 0 // which stands for f
	return errors.Join(append(errs, a.checkGiven(given, rule.Options, pre.Options))...)
}

// checkGiven reports what nobody has said to the rule or what goes before it: options for
// which there is no default, and how many rows may be corrupt.
func (a aggregation) checkGiven(given map[string]bool, rule, pre []string) error {
	for _, o := range agg.OptionTable() {
		switch {
		case o.Ask == "" || given[o.Name]:
		case slices.Contains(rule, o.Name):
			return fmt.Errorf("--rule %s: say %s: --opt %s=%v", a.Rule, o.Ask, o.Name, o.Default)
		case slices.Contains(pre, o.Name):
			return fmt.Errorf("--pre %s: say %s: --opt %s=%v", a.Pre, o.Ask, o.Name, o.Default)
		}
	}
	byShare := slices.Contains(rule, "beta")
	ruleAsks, preAsks := slices.Contains(rule, "f"), slices.Contains(pre, "f")
	switch {
	case given["f"] && given["beta"] && byShare && !preAsks:
		return fmt.Errorf("--opt f and --opt beta: %s drops f rows or a share of them, want one of the two", a.Rule)
	case preAsks && !given["f"]:
		return fmt.Errorf("--pre %s: say how many rows may be corrupt: --opt f=2", a.Pre)
	case ruleAsks && !given["f"] && byShare && !given["beta"]:
		return fmt.Errorf("--rule %s: say how many rows may be corrupt: --opt f=2, or their share: --opt beta=0.2", a.Rule)
	case ruleAsks && !given["f"] && !byShare:
		return fmt.Errorf("--rule %s: say how many rows may be corrupt: --opt f=2", a.Rule)
	}
	return nil
}

// aggregated is what is printed of an aggregation.
type aggregated struct {
	Rule    string       `json:"rule"`
	N       int          `json:"n"`
	D       int          `json:"d"`
	Seconds float64      `json:"seconds"`
	Dropped int          `json:"dropped"`
	Weights []float64    `json:"weights,omitempty"`
	GM      *certificate `json:"gm,omitempty"`
	Block   *block       `json:"block,omitempty"`

	double bool // the matrix holds float64
}

type certificate struct {
	Iterations int     `json:"iterations"`
	Residual   float64 `json:"residual"`
	Converged  bool    `json:"converged"`
}

type block struct {
	Size     int     `json:"size"`
	Residual float64 `json:"residual"`
}

// separableNames lists the rules that take each coordinate on its own.
func separableNames() string {
	var names []string
	for _, r := range agg.Rules() {
		if r.Traits().Separable {
			names = append(names, r.Name)
		}
	}
	return strings.Join(names, ", ")
}

func isRegular(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}

// all aggregates a matrix in memory.
func (a aggregation) all(rule agg.Aggregator, stdin io.Reader, path string, r *rand.Rand) ([]float32, aggregated, error) {
	G, double, err := readMatrix(stdin, path, func(n, d int) error {
		if err := rule.Fits(n, d, agg.Step{}); errors.Is(err, agg.ErrTooManyRows) {
			return &inputError{err}
		}
		return ram.CheckMatrix(n, d, rule.Scratch(n, d))
	})
	if err != nil {
		return nil, aggregated{}, err
	}
	dst := make([]float32, G.Cols)
	start := time.Now()
	stats, err := rule.Aggregate(dst, G, agg.Step{Gamma: 1, Rand: r})
	if err != nil {
		return nil, aggregated{}, a.explain(err, path, G, 0)
	}
	result := resultOf(rule, G.Rows, G.Cols, stats, time.Since(start))
	result.double = double
	return dst, result, nil
}

// explain says of an error of the rule, about a part of the matrix that begins at
// column from, whether the matrix is to blame, and where, or what the rule was result.
func (a aggregation) explain(err error, path string, part agg.Matrix, from int) error {
	if path == standard {
		path = standardInput
	}
	switch {
	case errors.Is(err, agg.ErrTooManyRows):
		return &inputError{fmt.Errorf("%s: %w", path, err)}
	case !errors.Is(err, agg.ErrNotFinite):
		return &configError{err}
	case a.DropNonFinite:
		return &inputError{fmt.Errorf("%s: %w", path, err)}
	}
	for i := range part.Rows {
		for j, v := range part.Row(i) {
			if v-v != 0 {
				return &inputError{fmt.Errorf("%s: row %d, column %d is %v: --drop-non-finite leaves out such rows", path, i, from+j, v)}
			}
		}
	}
	return &inputError{fmt.Errorf("%s: %w", path, err)}
}

// partSize is the number of elements of a part of a matrix, 64 MB.
const partSize = 1 << 24

// columns aggregates a file with a separable rule, in parts of the
// given number of elements.
func (a aggregation) columns(rule agg.Aggregator, path string, size int) ([]float32, aggregated, error) {
	fail := func(err error) ([]float32, aggregated, error) {
		return nil, aggregated{}, &inputError{fmt.Errorf("%s: %w", path, err)}
	}
	file, err := npy.Open(path)
	if err != nil {
		return fail(err)
	}
	defer file.Close()
	rows, cols, double := file.Shape()
	dst := make([]float32, cols)
	var stats agg.Stats
	var took time.Duration
	var part []float32
	for lo, step := 0, max(1, size/rows); lo < cols; lo += step {
		hi := min(lo+step, cols)
		if part, err = file.Columns(part, lo, hi); err != nil {
			return fail(err)
		}
		start := time.Now()
		stats, err = rule.Aggregate(dst[lo:hi], agg.Matrix{Data: part, Rows: rows, Cols: hi - lo}, agg.Step{Gamma: 1})
		if err != nil {
			return nil, aggregated{}, a.explain(err, path, agg.Matrix{Data: part, Rows: rows, Cols: hi - lo}, lo)
		}
		took += time.Since(start)
	}
	result := resultOf(rule, rows, cols, stats, took)
	result.double = double
	return dst, result, nil
}

// resultOf describes an aggregation that took so long.
func resultOf(rule agg.Aggregator, n, d int, s agg.Stats, took time.Duration) aggregated {
	result := aggregated{Rule: rule.String(), N: n, D: d, Seconds: math.Round(1e6*took.Seconds()) / 1e6, Dropped: s.Dropped, Weights: s.Weights}
	if s.GM != nil {
		result.GM = &certificate{s.GM.Iterations, s.GM.Residual, s.GM.Converged}
	}
	if s.Block != nil {
		result.Block = &block{s.Block.Size, s.Block.Residual}
	}
	return result
}
