package agg

import (
	"errors"
	"math"
	"slices"
	"strings"
	"testing"
)

// TestBlockIsAlgorithm1 runs several steps beside the oracle, with a γ that
// changes.
func TestBlockIsAlgorithm1(t *testing.T) {
	const n, d = 9, 120
	for _, inner := range []string{"mean", "cm", "gm"} {
		for _, memory := range Memories() {
			if inner == "cm" && memory == memoryGMWeighted {
				continue
			}
			block := must(NewBlock(must(New(inner, Options{})), BlockOptions{Fraction: 0.205, Memory: memory}))
			want := &oracle{inner, memory, make([][]float64, n)}
			for i := range want.m {
				want.m[i] = make([]float64, d)
			}
			for step := range 6 {
				G := rows(n, d, 0.5, 1, 2, 5, uint64(step))
				gamma := 0.1 / float64(step+1)
				dst := make([]float32, d)
				stats, err := block.Aggregate(dst, G, Step{Gamma: gamma})
				if err != nil {
					t.Fatal(err)
				}
				y, residual := want.step(G, gamma, 24) // ⌊0.205·120⌋
				if gap := distance(y, toFloat64(dst)); gap > 1e-5*norm(y) {
					t.Errorf("%v: step %d is off by %g", block, step, gap/norm(y))
				}
				if stats.Block.Size != 24 || math.Abs(stats.Block.Residual-residual) > 1e-6 {
					t.Errorf("%v: step %d: %+v, want size 24 and residual %g", block, step, *stats.Block, residual)
				}
			}
		}
	}
}

// TestBlockKeepsAToleranceInUnitsOfGradients gives a block's rows, γG, to a rule
// whose tolerance is in units of G's: it stops where it stops on G itself.
func TestBlockKeepsAToleranceInUnitsOfGradients(t *testing.T) {
	G := rows(7, 50, 1, 1, 0, 0, 3)
	for _, solver := range Solvers() {
		inner := must(New("gm", Options{Solver: solver, Stop: "step", Eps: 1e-3}))
		got, want := make([]float32, 50), make([]float32, 50)
		direct := *must(inner.Aggregate(want, G, Step{})).GM
		for _, memory := range []string{"none", "client"} {
			block := must(NewBlock(inner, BlockOptions{Fraction: 1, Memory: memory}))
			stats := must(block.Aggregate(got, G, Step{Gamma: 1e-5}))
			if stats.GM.Iterations != direct.Iterations {
				t.Errorf("%v: %d iterations, want %d", block, stats.GM.Iterations, direct.Iterations)
			}
			for j := range want {
				if math.Abs(float64(got[j]-want[j])) > 1e-5 {
					t.Errorf("%v: coordinate %d is %v, want %v", block, j, got[j], want[j])
				}
			}
		}
	}
}

// TestLemma1 checks ‖C_k(G) − G‖² ≤ (1 − k/d)‖G‖² [bgmd, Lemma 1]: for top-k
// always, for the others in expectation, with equality for random.
func TestLemma1(t *testing.T) {
	const d, trials = 200, 200
	r := newRand(5)
	for _, selection := range Selections() {
		G := rows(5, d, 1, 0.3, 0, 0, 4)
		bound := 1 - 0.25
		block := must(NewBlock(must(New("mean", Options{})), BlockOptions{Fraction: 0.25, Select: selection, Memory: "none"}))
		var sum, squares float64
		for range trials {
			residual := must(block.Aggregate(make([]float32, d), G, Step{Gamma: 1, Rand: r})).Block.Residual
			sum += residual
			squares += residual * residual
		}
		mean := sum / trials
		slack := 4 * math.Sqrt(max(0, squares/trials-mean*mean)/trials) // four standard errors
		if mean > bound+slack {
			t.Errorf("%s: residual %g, want at most %g", selection, mean, bound)
		}
		if selection == selectRandom && mean < bound-slack {
			t.Errorf("random: residual %g, want %g", mean, bound)
		}
	}
}

func TestBlockErrors(t *testing.T) {
	gm := func() Aggregator { return must(New("gm", Options{})) }
	for want, o := range map[string]BlockOptions{
		`agg: rule "block": fraction is 0, want (0, 1]`:                                                              {},
		`agg: rule "block": fraction is 1.5, want (0, 1]`:                                                            {Fraction: 1.5},
		`agg: rule "block": select is "best", want one of top-k, random, norm-proportional`:                          {Fraction: 1, Select: "best"},
		`agg: rule "block": memory is "long", want one of mean, client, gm-weighted, none`:                           {Fraction: 1, Memory: "long"},
		"agg: rule \"block\": fraction is NaN, want (0, 1]\nagg: rule \"block\": select is \"x\", want one of top-k": {Fraction: math.NaN(), Select: "x"},
	} {
		if _, err := NewBlock(gm(), o); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("error %v, want %s", err, want)
		}
	}
	for _, inner := range []Aggregator{
		must(New("cm", Options{})), must(New("gm", Options{OnFail: "zero"})),
	} {
		if _, err := NewBlock(inner, BlockOptions{Fraction: 1, Memory: "gm-weighted"}); err == nil {
			t.Errorf("%v with memory gm-weighted: no error", inner)
		}
	}
	block := must(NewBlock(gm(), BlockOptions{Fraction: 1}))
	if _, err := NewBlock(block, BlockOptions{Fraction: 1}); err == nil {
		t.Error("a block in a block: no error")
	}
	G, dst := rows(3, 10, 1, 1, 0, 0, 1), make([]float32, 10)
	for _, gamma := range []float64{0, -1, math.NaN(), math.Inf(1)} {
		if _, err := block.Aggregate(dst, G, Step{Gamma: gamma}); err == nil {
			t.Errorf("gamma %v: no error", gamma)
		}
	}
	for _, selection := range Selections()[1:] {
		drawing := must(NewBlock(gm(), BlockOptions{Fraction: 1, Select: selection}))
		if _, err := drawing.Aggregate(dst, G, Step{Gamma: 1}); err == nil {
			t.Errorf("%s without a Rand: no error", selection)
		}
	}
}

// quiet is an inner rule that promises weights and gives none, and fails when told to.
type quiet struct {
	anyRows
	err error
}

func (q *quiet) Traits() Traits           { return Traits{Weights: true} }
func (q *quiet) Scratch(int, int) float64 { return 0 }

func (q *quiet) String() string { return "quiet" }
func (q *quiet) Aggregate(dst []float32, _ Matrix, _ Step) (Stats, error) {
	clear(dst)
	return Stats{}, q.err
}

func TestFailedStepKeepsMemory(t *testing.T) {
	const big = math.MaxFloat32
	huge := Matrix{Data: []float32{big, big, big, big}, Rows: 2, Cols: 2}
	fails := &quiet{err: errors.New("told to")}
	for name, c := range map[string]struct {
		inner     Aggregator
		memory    string
		state     []float32
		notFinite bool
	}{
		"inner fails":          {fails, memoryMean, []float32{1, 2}, false},
		"inner has no weights": {&quiet{}, memoryGMWeighted, []float32{1, 2}, false},
		"mean overflows":       {&quiet{}, memoryMean, []float32{big, big / 2}, true},
		"weighted overflows":   {must(New("gm", Options{})), memoryGMWeighted, []float32{big, big}, true},
		"client overflows":     {&quiet{}, memoryClient, []float32{big, 0, 0, 0}, true},
		"result overflows":     {must(New("mean", Options{})), memoryMean, []float32{1, big}, true},
		"memory of other size": {must(New("mean", Options{})), memoryMean, []float32{1, 2, 3}, false},
		"client of other size": {must(New("mean", Options{})), memoryClient, []float32{1, 2, 3}, false},
	} {
		block := must(NewBlock(c.inner, BlockOptions{Fraction: 0.5, Memory: c.memory}))
		if err := block.Restore(c.state); err != nil {
			t.Fatal(err)
		}
		gamma := 1.0
		if name == "result overflows" {
			gamma = 1e-3
		}
		_, err := block.Aggregate(make([]float32, 2), huge, Step{Gamma: gamma})
		if err == nil || errors.Is(err, ErrNotFinite) != c.notFinite {
			t.Errorf("%s: error %v", name, err)
		}
		if !slices.Equal(block.State(), c.state) {
			t.Errorf("%s: the memory is %v, want %v", name, block.State(), c.state)
		}
	}
	client := must(NewBlock(&quiet{}, BlockOptions{Fraction: 0.5, Memory: memoryClient}))
	if _, err := client.Aggregate(make([]float32, 2), huge, Step{Gamma: 1}); err != nil {
		t.Errorf("entries that just fit: %v", err)
	}
}

func TestRestoreRefusesNonsense(t *testing.T) {
	mean := must(New("mean", Options{}))
	if err := must(NewBlock(mean, BlockOptions{Fraction: 1, Memory: "none"})).Restore([]float32{1}); err == nil {
		t.Error("memory for none: no error")
	}
	err := must(NewBlock(mean, BlockOptions{Fraction: 1})).Restore([]float32{1, float32(math.NaN())})
	if !errors.Is(err, ErrNotFinite) {
		t.Errorf("NaN in the memory: error %v, want ErrNotFinite", err)
	}
}

func TestBlockSize(t *testing.T) {
	for _, c := range []struct {
		fraction float64
		d, want  int
	}{{0.1, 1_163_978, 116_397}, {0.29, 100, 29}, {0.1, 5, 1}, {1, 7, 7}, {0.05, 1_163_978, 58_198}} {
		if got := blockSize(c.fraction, c.d); got != c.want {
			t.Errorf("%v of %d is %d, want %d", c.fraction, c.d, got, c.want)
		}
	}
}

func TestBlockOfZeros(t *testing.T) {
	block := must(NewBlock(must(New("gm", Options{})), BlockOptions{Fraction: 0.1}))
	dst := []float32{1, 1, 1}
	stats := must(block.Aggregate(dst, NewMatrix(4, 3), Step{Gamma: 1}))
	if !slices.Equal(dst, []float32{0, 0, 0}) || stats.Block.Residual != 0 || stats.Block.Size != 1 {
		t.Errorf("zeros give %v, %+v", dst, *stats.Block)
	}
}
