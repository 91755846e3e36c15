package train

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"testing"

	"github.com/bgmd/bgmd/internal/racing"
	"github.com/bgmd/bgmd/pkg/config"
	"github.com/bgmd/bgmd/pkg/data"
)

// TestMemory holds the estimate to the most memory that a process which trains a few
// steps has had in use, by the kernel's count, and the 15 MB by which a test's program
// is smaller than bgmd, for which the estimate is made.
func TestMemory(t *testing.T) {
	const smaller = 15e6
	const variable = "BGMD_TEST_MEMORY"
	if text := os.Getenv(variable); text != "" {
		var c config.Config
		if err := json.Unmarshal([]byte(text), &c); err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(context.Background())
		defer stop()
		few := Options{Observe: func(p Progress) {
			if p.Step == 3 {
				stop()
			}
		}}
		if _, err := Run(ctx, c, filepath.Join(t.TempDir(), "run"), few); err != nil {
			t.Fatal(err)
		}
		status, err := os.ReadFile("/proc/self/status")
		if err != nil {
			t.Fatal(err)
		}
		fmt.Printf("%s\n", status)
		return
	}
	if testing.Short() || racing.Enabled || runtime.GOOS != "linux" {
		t.Skip("starts processes of some hundred megabytes; the race detector takes several times as much; only Linux counts")
	}
	for _, test := range []struct {
		name   string
		change func(*config.Config)
	}{
		{"lenet, mean", func(*config.Config) {}},
		{"lenet, cm, many workers", func(c *config.Config) { c.Aggregator.Rule, c.Workers, c.Data.Batch = "cm", 6, 64 }},
		{"lenet, a memory a client, NumPy's noise", func(c *config.Config) {
			a := &c.Aggregator
			a.Rule, a.Block.Fraction, a.Block.Memory = "gm", 0.1, "client"
			c.Corruption.Gradient.Kind, c.Corruption.Gradient.Members, c.Corruption.Gradient.Fraction = "additive", "numpy", 0.4
		}},
		{"lenet, mixed rows", func(c *config.Config) { c.Aggregator.Pre, c.Aggregator.F = "nnm", 2 }},
		{"mlp, adam", func(c *config.Config) {
			c.Model.Name, c.Model.Widths, c.Optimizer.Kind = "mlp", []int{2000, 500}, "adam"
		}},
		{"resnet18", func(c *config.Config) { c.Model.Name, c.Data.Clients = "resnet18", 3 }},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := config.Defaults()
			c.Data.Set, c.Data.Clients, c.Data.Batch, c.Workers, c.Epochs = "synthetic", 32, 16, 2, 1
			test.change(&c)
			estimate, err := MemoryOf(c)
			if err != nil {
				t.Fatal(err)
			}
			text, err := json.Marshal(c)
			if err != nil {
				t.Fatal(err)
			}
			child := exec.Command(os.Args[0], "-test.run", "^TestMemory$")
			child.Env = append(os.Environ(), variable+"="+string(text))
			out, err := child.CombinedOutput()
			found := regexp.MustCompile(`VmHWM:\s+(\d+) kB`).FindSubmatch(out)
			if err != nil || found == nil {
				t.Fatalf("%v\n%s", err, out)
			}
			kib, err := strconv.ParseFloat(string(found[1]), 64)
			if err != nil {
				t.Fatal(err)
			}
			took := 1024*kib + smaller
			ratio := estimate.Total() / took
			t.Logf("%.0f MB, estimated %v: %.3f", took/1e6, estimate, ratio)
			if math.Abs(ratio-1) > 0.15 {
				t.Errorf("took %.0f MB, estimated were %v", took/1e6, estimate)
			}
		})
	}
}

// TestTooMuch: a run for which there is no memory says so, and what would help most,
// before it leaves anything.
func TestTooMuch(t *testing.T) {
	defer debug.SetMemoryLimit(debug.SetMemoryLimit(200e6))
	for _, test := range []struct {
		change func(*config.Config)
		want   string
	}{
		// G of 4000 clients is 4·4000·11,178,506 bytes: ResNet-18's parameters of
		// one channel are 64·2·49 fewer than of three.
		{func(c *config.Config) { c.Model.Name, c.Data.Clients, c.Data.Batch = "resnet18", 4000, 1 },
			"train: 188 GB of memory are needed (gradients 179 GB), but 200 MB are left under GOMEMLIMIT: less would do with data.clients below 4000"},
		{func(c *config.Config) {
			c.Data.Clients, c.Data.Batch = 40, 16
			c.Aggregator.Block.Fraction, c.Aggregator.Block.Memory = 0.1, "client"
		}, "aggregator.block.memory mean, not client, then data.clients below 40"},
		{func(c *config.Config) { c.Data.Clients, c.Data.Batch, c.Workers = 8, 1600, 2 }, ": less would do with workers below 2, then data.batch below 1600"},
		{func(c *config.Config) { c.Model.Name, c.Model.Widths = "mlp", []int{30_000, 1000} }, ": less would do with smaller model.widths than [30000, 1000], then data.clients below 32"},
	} {
		c := config.Defaults()
		c.Data.Set = "synthetic"
		test.change(&c)
		dir := filepath.Join(t.TempDir(), "run")
		if _, err := Run(context.Background(), c, dir, Options{}); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("error is %v, want %q in it", err, test.want)
		}
		if _, err := os.Stat(dir); !os.IsNotExist(err) {
			t.Errorf("the folder is there: %v", err)
		}
		if _, err := Measure(context.Background(), c, ""); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("Measure's error is %v, want %q in it", err, test.want)
		}
	}
}

// TestLargestConfig: at the upper bounds of all keys at once nothing overflows, and
// checking takes no memory and no time.
func TestLargestConfig(t *testing.T) {
	const most, mostLayers, mostUnits = 100_000, 100, 1_000_000                                        // of the keys' ranges, see bgmd config
	clients := map[string]int{"mean": most, "cm": most, "gm": 10_000, "caf": 10_000, "bulyan": 10_000} // agg.ErrTooManyRows
	for rule, n := range clients {
		c := config.Defaults()
		c.Model.Name, c.Aggregator.Rule, c.Aggregator.Block.Memory, c.Aggregator.Block.Fraction = "mlp", rule, "client", 0.5
		c.Data.Clients, c.Data.Batch, c.Workers, c.Epochs, c.Aggregator.Bucket = n, most, most, most, most
		c.Model.Widths = make([]int, mostLayers)
		for i := range c.Model.Widths {
			c.Model.Widths[i] = mostUnits
		}
		c.Schedule.Kind, c.Schedule.Warmup = "cosine", most
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		err := c.Validate()
		runtime.ReadMemStats(&after)
		if err != nil {
			t.Errorf("%s: %v", rule, err)
		}
		if bytes := after.TotalAlloc - before.TotalAlloc; bytes > 1<<20 {
			t.Errorf("%s: checking takes %d bytes", rule, bytes)
		}
		m, err := MemoryOf(c)
		// G alone, of weights between the hidden layers alone.
		if least := 4 * float64(n) * (mostLayers - 1) * mostUnits * mostUnits; err != nil || !(m.Gradients > least) || math.IsInf(m.Total(), 0) || m.Total() < m.Gradients {
			t.Errorf("%s: %v, %v, want more than %v", rule, m, err, least)
		}
		if lr := c.StepSize(0); !(lr > 0) {
			t.Errorf("%s: the first step's size is %v", rule, lr)
		}
	}
}

// TestExtent: the sizes that the estimate goes by are those of the sets.
func TestExtent(t *testing.T) {
	for _, name := range data.Names() {
		extent, err := data.ExtentOf(name)
		if err != nil {
			t.Fatal(err)
		}
		if name == "synthetic" {
			set, err := data.Load(name, "", 1)
			if err != nil {
				t.Fatal(err)
			}
			if got := (data.Extent{Shape: set.Shape, Classes: set.Classes, Train: set.Train.Len(), Test: set.Test.Len()}); got != extent {
				t.Errorf("%s is %+v, want %+v", name, got, extent)
			}
		}
	}
}
