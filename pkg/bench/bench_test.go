package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"math"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/bgmd/bgmd/pkg/agg"
	"github.com/bgmd/bgmd/pkg/plots"
)

// TestStep: a step of one client has a time, speeds and shares that add up to 1.
func TestStep(t *testing.T) {
	r, err := Step{Model: "mlp", Clients: 2, Batch: 3, Steps: 2, Workers: 5}.Run(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if r.Workers != 2 {
		t.Errorf("%d workers, want one a client", r.Workers)
	}
	if !(0 < r.MinMS && r.MinMS <= r.MS && r.MS <= r.MaxMS) {
		t.Errorf("times %g, %g, %g, want them above 0 and ascending", r.MinMS, r.MS, r.MaxMS)
	}
	if r.GFLOPS <= 0 || r.Nominal != r.GFLOPS || math.Abs(r.OfSgemm*2*r.Sgemm/r.GFLOPS-1) > 1e-9 {
		t.Errorf("speed %g, effective %g, %g of sgemm's %g a worker", r.GFLOPS, r.Nominal, r.OfSgemm, r.Sgemm)
	}
	sum := 0.0
	for _, share := range r.Split {
		sum += share
	}
	if math.Abs(sum-1) > 1e-9 {
		t.Errorf("shares %v add up to %g", r.Split, sum)
	}
}

// TestAgg: reading and the mean come first, then what was asked for and nothing else.
func TestAgg(t *testing.T) {
	r, err := Agg{N: 10, D: 500, Calls: 3, Only: []string{"gm", block}}.Run(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, rule := range r.Rules {
		names = append(names, rule.Rule)
		if rule.MS <= 0 || rule.MinMS > rule.MS || rule.Copied {
			t.Errorf("%+v", rule)
		}
	}
	if len(names) < 4 || names[0] != "read" || names[1] != "mean" {
		t.Fatalf("%q, want reading, the mean and then the rules", names)
	}
	if mean, ok := r.Of("mean"); !ok || mean.ToMean != 1 {
		t.Errorf("the mean takes %g times as long as itself", mean.ToMean)
	}
	if _, ok := r.Of(block); !ok {
		t.Errorf("no block among %q", names)
	}
	if _, ok := r.Of("krum"); ok {
		t.Error("krum is timed, which was not asked for")
	}
	if r.Split == (BlockSplit{}) {
		t.Error("the block has no split")
	}
}

// TestAggMatrix: a matrix that is given counts, not N and D, and its NaN is found.
func TestAggMatrix(t *testing.T) {
	G := agg.NewMatrix(4, 7)
	r, err := Agg{Calls: 1, Only: []string{"cm"}, Matrix: G}.Run(context.Background())
	if err != nil || r.N != 4 || r.D != 7 {
		t.Errorf("%d×%d, %v, want 4×7", r.N, r.D, err)
	}
	G.Row(3)[2] = float32(math.NaN())
	if _, err := (Agg{Calls: 1, Matrix: G}).Run(context.Background()); !errors.Is(err, agg.ErrNotFinite) {
		t.Errorf("a NaN: got %v, want %v", err, agg.ErrNotFinite)
	}
}

// TestTooManyRows: a rule that was named is refused; without names it is left out.
func TestTooManyRows(t *testing.T) {
	_, err := Agg{N: 10_001, D: 1, Calls: 1, Only: []string{"krum"}}.Run(context.Background())
	if !errors.Is(err, agg.ErrTooManyRows) {
		t.Errorf("got %v, want %v", err, agg.ErrTooManyRows)
	}
}

// TestPublishedResult: the published times are read and give the same file again.
func TestPublishedResult(t *testing.T) {
	text, err := os.ReadFile("../../results/aggregation/rules.json")
	if err != nil {
		t.Fatal(err)
	}
	var r AggResult
	if err := json.Unmarshal(text, &r); err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetIndent("", "  ")
	if err := e.Encode(r); err != nil {
		t.Fatal(err)
	}
	if b.String() != string(text) {
		t.Errorf("written again it is\n%s\nwant\n%s", &b, text)
	}
}

// TestFigure: the asymptotic costs meet the mean's time at the right end in the ratios
// of [bgmd, Table 1] for n = 4: log₂4 = 2, (100+4)/4 = 26 and (10+4)/4 = 3.5.
func TestFigure(t *testing.T) {
	b := Agg{N: 4, D: 12_000, Calls: 1}
	plot, err := b.Figure(context.Background())
	if err != nil || plot == nil {
		t.Fatal(err)
	}
	mean := plots.Line{X: []float64{10_000, 12_000}, Y: []float64{3, 5}}
	for i, want := range []float64{2, 26, 3.5} {
		line := b.asymptotic(mean)[i]
		if got := line.Y[1] / mean.Y[1]; math.Abs(got-want) > 1e-9 {
			t.Errorf("%s: %g times the mean, want %g", line.Label, got, want)
		}
	}
	if _, err := (Agg{N: 4, D: FigureFrom, Calls: 1}).Figure(context.Background()); err == nil {
		t.Error("a figure of one dimension is drawn")
	}
}

// TestNext: dimensions grow by the cube root of 10, and none is near the last.
func TestNext(t *testing.T) {
	got := []int{FigureFrom}
	for got[len(got)-1] < 110_000 {
		got = append(got, next(got[len(got)-1], 110_000))
	}
	if want := []int{10_000, 21_544, 46_415, 110_000}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

// TestKernels: every product has a speed, and its share of the peak is of that.
func TestKernels(t *testing.T) {
	r, err := Kernels{Batches: []int{1, 2}, MS: 1}.Run(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, p := range r.Products {
		seen[p.Layer] = true
		if p.GFLOPS <= 0 || p.Intensity <= 0 || math.Abs(p.OfPeak*r.Peak-p.GFLOPS) > 1e-9*p.GFLOPS {
			t.Errorf("%+v", p)
		}
	}
	for _, c := range convs {
		if !seen[c.layer] {
			t.Errorf("%s is not timed", c.layer)
		}
	}
	if plot, err := r.Roofline(); err != nil || plot == nil {
		t.Error(err)
	}
}

// TestCheck: all that is wrong is said at once, in lines that begin with a flag's name.
func TestCheck(t *testing.T) {
	for _, tt := range []struct {
		err  error
		want []string
	}{
		{Step{Model: "vgg", Clients: 0, Batch: 1, Steps: 1}.Check(), []string{"clients is 0, want at least 1", `model is "vgg", want one of `}},
		{Agg{N: 0, D: 1, Calls: 0, Only: []string{"krun"}}.Check(), []string{"n is 0, ", "calls is 0, ", `rules has "krun", want some of `}},
		{Kernels{MS: 1}.Check(), []string{"batch is empty"}},
		{Kernels{MS: 0, Batches: []int{0}}.Check(), []string{"time is 0, ", "batch is 0, "}},
	} {
		if tt.err == nil {
			t.Errorf("allowed, want %q", tt.want)
			continue
		}
		lines := strings.Split(tt.err.Error(), "\n")
		if len(lines) != len(tt.want) {
			t.Errorf("%q, want %q", lines, tt.want)
			continue
		}
		for i, want := range tt.want {
			if !strings.HasPrefix(lines[i], want) {
				t.Errorf("%q, want %q", lines[i], want)
			}
		}
	}
}
