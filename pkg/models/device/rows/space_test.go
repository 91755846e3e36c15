//go:build gpu && linux

package rows_test

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/bgmd/bgmd/internal/cuda"
	"github.com/bgmd/bgmd/internal/cuda/cudatest"
	"github.com/bgmd/bgmd/pkg/agg"
	"github.com/bgmd/bgmd/pkg/agg/aggtest"
	"github.com/bgmd/bgmd/pkg/models/device"
	"github.com/bgmd/bgmd/pkg/models/device/rows"
)

func TestMain(m *testing.M) { cudatest.Main(m) }

// space is a space that can be filled and read.
type space struct {
	*rows.Space
	t    *testing.T
	dev  *device.Device
	rows cuda.Rows
}

func open(t *testing.T) *device.Device {
	t.Helper()
	dev, err := device.Open("gpu")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := dev.Close(); err != nil {
			t.Error(err)
		}
	})
	return dev
}

func newSpace(t *testing.T, dev *device.Device, n, d int) space {
	t.Helper()
	r, err := device.AllocRows(dev, n, d)
	if err != nil {
		t.Fatal(err)
	}
	s, err := rows.New(dev, r)
	if err != nil {
		t.Fatal(err)
	}
	return space{s, t, dev, r}
}

func (s space) Load(G agg.Matrix) {
	for i := range G.Rows {
		if err := cuda.Write(s.dev.Stream, s.rows.Row(i), G.Row(i)); err != nil {
			s.t.Fatal(err)
		}
	}
}

func (s space) Result() []float32 {
	dst := make([]float32, s.rows.D)
	if err := cuda.Read(s.dev.Stream, dst, s.Space.Result); err != nil {
		s.t.Fatal(err)
	}
	return dst
}

// TestSpace runs every rule, alone, dropping rows and in blocks of every memory and
// selection, on the device and in memory. Each run has a device of its own, for the
// emulator guards all memory that is taken at every call.
func TestSpace(t *testing.T) {
	var dev *device.Device
	aggtest.RunSpace(t, func(n, d int) aggtest.Space {
		var err error
		if err = dev.Close(); err == nil {
			dev, err = device.Open("gpu")
		}
		if err != nil {
			t.Fatal(err)
		}
		return newSpace(t, dev, n, d)
	}, 2e-6)
	if err := dev.Close(); err != nil {
		t.Error(err)
	}
}

// TestSizes: the results, weights, certificates and residuals of blocks are those in
// memory, to rounding, for any number of rows and odd lengths.
func TestSizes(t *testing.T) {
	block := func(rule string) func() (agg.Aggregator, error) {
		return func() (agg.Aggregator, error) {
			inner, err := agg.New(rule, agg.Options{})
			if err != nil {
				return nil, err
			}
			return agg.NewBlock(inner, agg.BlockOptions{Fraction: 0.1, Memory: "gm-weighted"})
		}
	}
	builds := map[string]func() (agg.Aggregator, error){"block of gm": block("gm")}
	for _, name := range []string{"mean", "cm", "gm", "trimmed-mean"} {
		builds[name] = func() (agg.Aggregator, error) { return agg.New(name, agg.Options{}) }
	}
	for _, size := range [][2]int{{1, 1}, {1, 77}, {2, 31}, {3, 1001}, {17, 257}, {32, 999}, {33, 65}, {64, 333}} {
		n, d := size[0], size[1]
		t.Run(fmt.Sprintf("%d×%d", n, d), func(t *testing.T) {
			s := newSpace(t, open(t), n, d)
			for name, build := range builds {
				here, err := build()
				if err != nil {
					t.Fatal(err)
				}
				there, _ := build()
				for step := range 2 {
					G := aggtest.Random(n, d, uint64(step))
					s.Load(G)
					want := make([]float32, d)
					at := agg.Step{Gamma: 0.1}
					wantStats, err := here.Aggregate(want, G, at)
					if err != nil {
						t.Fatal(err)
					}
					stats, err := agg.AggregateIn(there, s, at)
					if err != nil {
						t.Fatal(err)
					}
					near(t, name, floats(s.Result()), floats(want), 1e-6)
					near(t, name+": weights", stats.Weights, wantStats.Weights, 1e-5)
					if a, b := stats.GM, wantStats.GM; b != nil {
						near(t, name+": residual", []float64{a.Residual}, []float64{b.Residual}, 1e-5)
					}
					if a, b := stats.Block, wantStats.Block; b != nil {
						near(t, name+": outside", []float64{a.Residual}, []float64{b.Residual}, 1e-6)
					}
				}
			}
			if s.Copies() != 0 {
				t.Errorf("the rows are copied %d times", s.Copies())
			}
		})
	}
}

func floats(x []float32) []float64 {
	y := make([]float64, len(x))
	for i, v := range x {
		y[i] = float64(v)
	}
	return y
}

// near compares vectors to a tolerance relative to the largest element, at least 1.
func near(t *testing.T, what string, got, want []float64, tolerance float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s: %d elements, want %d", what, len(got), len(want))
	}
	largest := 1.0
	for _, v := range want {
		largest = max(largest, math.Abs(v))
	}
	for i, v := range want {
		if !(math.Abs(got[i]-v) <= tolerance*largest) {
			t.Fatalf("%s: %v at %d, want %v", what, got[i], i, v)
		}
	}
}

// TestTooManyRows: more rows than a kernel sorts in registers are refused.
func TestTooManyRows(t *testing.T) {
	dev := open(t)
	r, err := device.AllocRows(dev, rows.Most+1, 3)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := rows.New(dev, r); err == nil || err.Error() != "rows: 65 rows, want 1 to 64" {
		t.Errorf("error %v", err)
	}
}

// TestMemoryMoves: a block goes on with a memory that was saved as if nothing had
// happened, on the device to the bit, and in memory, where it is saved anew.
func TestMemoryMoves(t *testing.T) {
	const n, d = 5, 301
	for _, memory := range agg.Memories() {
		t.Run(memory, func(t *testing.T) {
			s := newSpace(t, open(t), n, d)
			fresh := func() agg.Aggregator {
				inner, err := agg.New("gm", agg.Options{})
				if err != nil {
					t.Fatal(err)
				}
				b, err := agg.NewBlock(inner, agg.BlockOptions{Fraction: 0.2, Memory: memory})
				if err != nil {
					t.Fatal(err)
				}
				return b
			}
			step := func(rule agg.Aggregator, number uint64) []float32 {
				s.Load(aggtest.Random(n, d, number))
				if _, err := agg.AggregateIn(rule, s, agg.Step{Gamma: 0.1}); err != nil {
					t.Fatal(err)
				}
				return s.Result()
			}
			rule := fresh()
			step(rule, 1)
			step(rule, 2)
			state := slices.Clone(rule.Traits().Memory.State())
			want := step(rule, 3)
			resumed := fresh()
			if err := resumed.Traits().Memory.Restore(state); err != nil {
				t.Fatal(err)
			}
			if got := step(resumed, 3); !slices.Equal(got, want) {
				t.Error("a step after Restore on the device differs")
			}
			if !slices.Equal(rule.Traits().Memory.State(), resumed.Traits().Memory.State()) {
				t.Error("so does the memory")
			}
			host, dst := fresh(), make([]float32, d)
			if err := host.Traits().Memory.Restore(state); err != nil {
				t.Fatal(err)
			}
			if _, err := host.Aggregate(dst, aggtest.Random(n, d, 3), agg.Step{Gamma: 0.1}); err != nil {
				t.Fatal(err)
			}
			near(t, "in memory", floats(dst), floats(want), 1e-5)
			if err := rule.Traits().Memory.Restore(state[:len(state)/2]); (err == nil) != (memory == "none") {
				t.Errorf("half a memory: error %v", err)
			}
		})
	}
}

// TestMemoryOverflows: a memory beyond float32 is an error, and leaves the one before.
func TestMemoryOverflows(t *testing.T) {
	const n, d = 3, 70
	s := newSpace(t, open(t), n, d)
	for _, memory := range []string{"mean", "gm-weighted"} {
		inner, err := agg.New("mean", agg.Options{})
		if err != nil {
			t.Fatal(err)
		}
		b, err := agg.NewBlock(inner, agg.BlockOptions{Fraction: 0.1, Memory: memory})
		if err != nil {
			t.Fatal(err)
		}
		G := aggtest.Random(n, d, 1)
		s.Load(G)
		if _, err := agg.AggregateIn(b, s, agg.Step{Gamma: 1}); err != nil {
			t.Fatal(err)
		}
		before := slices.Clone(b.State())
		for i := range n {
			G.Row(i)[5], G.Row(i)[6] = 3e38, 3e38
		}
		s.Load(G)
		_, err = agg.AggregateIn(b, s, agg.Step{Gamma: 2})
		if !errors.Is(err, agg.ErrNotFinite) || !strings.Contains(err.Error(), "the memory overflows") {
			t.Errorf("%s: error %v", memory, err)
		}
		if !slices.Equal(b.State(), before) {
			t.Errorf("%s: the memory has changed", memory)
		}
	}
}
