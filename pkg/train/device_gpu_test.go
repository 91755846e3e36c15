//go:build gpu && linux

package train

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"path/filepath"
	"reflect"
	"slices"
	"testing"

	"github.com/bgmd/bgmd/internal/cuda/cudatest"
	"github.com/bgmd/bgmd/pkg/agg"
	"github.com/bgmd/bgmd/pkg/checkpoint"
	"github.com/bgmd/bgmd/pkg/config"
	"github.com/bgmd/bgmd/pkg/data"
	"github.com/bgmd/bgmd/pkg/models"
	"github.com/bgmd/bgmd/pkg/models/device"
	"github.com/bgmd/bgmd/pkg/record"
)

func TestMain(m *testing.M) { cudatest.Main(m) }

// onDevice is tiny with some 20 steps in all, of the named model.
func onDevice(t *testing.T, model string) config.Config {
	c := tiny(t)
	c.Data.Batch, c.Epochs = 2, 5 // 24 images, 3 clients × 2: 4 steps an epoch
	c.Model.Name, c.Model.Widths, c.Model.Dropout = model, []int{24}, 0.5
	return c
}

// trainOn trains on the named device and returns the record and the parameters.
func trainOn(t *testing.T, c config.Config, device string) (*record.Run, []float32) {
	t.Helper()
	r := runOn(t, c, device)
	tensors, _, err := checkpoint.ReadTensors(filepath.Join(r.Dir, CheckpointName))
	if err != nil {
		t.Fatal(err)
	}
	var x []float32
	for _, tensor := range tensors {
		x = append(x, tensor.Data...)
	}
	return r, x
}

// TestDeviceTraining: over 20 steps, losses and parameters on a device follow the host's
// within 1e-4 (one step of resnet18: 1e-3), with dropout in training and in evaluation, and with everything a step can
// do differently.
func TestDeviceTraining(t *testing.T) {
	configs := map[string]config.Config{}
	for name, change := range cases() {
		c := onDevice(t, "mlp")
		if change(&c); c.Model.Name == "mlp" {
			configs["mlp, "+name] = c
		}
	}
	c := onDevice(t, "lenet")
	c.Optimizer.Momentum, c.Model.EvalDropout = 0.9, true
	c.Aggregator.Rule, c.Corruption.Gradient.Kind, c.Corruption.Gradient.Fraction = "gm", "bitflip", 0.4
	configs["lenet"] = c
	c = onDevice(t, "resnet18")
	c.Data.Clients, c.Data.Batch, c.Epochs, c.Optimizer.Momentum, c.Model.Buffers = 2, 8, 1, 0.9, "median"
	configs["resnet18"] = c
	for name, c := range configs {
		t.Run(name, func(t *testing.T) {
			want, wantX := trainOn(t, c, "cpu")
			got, x := trainOn(t, c, "gpu")
			most := 1e-4
			if c.Model.Name == "resnet18" { // the last norms see 8 values a channel, and magnify roundings
				most = 1e-3
			}
			for i, e := range want.Epochs {
				for _, loss := range [][2]record.Float{{got.Epochs[i].TrainLoss, e.TrainLoss}, {got.Epochs[i].TestLoss, e.TestLoss}} {
					a, b := float64(loss[0]), float64(loss[1])
					if !(math.Abs(a-b) <= most*b || a != a && b != b) {
						t.Errorf("epoch %d: a loss is %.9g, want %.9g", i, a, b)
					}
				}
			}
			var apart, all float64
			for i, v := range wantX {
				apart += math.Pow(float64(x[i]-v), 2)
				all += math.Pow(float64(v), 2)
			}
			if e := math.Sqrt(apart / all); !(e < most) {
				t.Errorf("parameters are %g apart", e)
			}
			if got.Environment.Backend != "cuda-sm90" || got.Environment.Device == nil || got.Environment.Device.Name != "emulator" {
				t.Errorf("the record says %s on %+v", got.Environment.Backend, got.Environment.Device)
			}
		})
	}
}

// TestDeviceKillAndResume: a process that is killed while it trains on a device costs
// nothing either.
func TestDeviceKillAndResume(t *testing.T) {
	c := onDevice(t, "mlp")
	c.Data.Batch, c.Epochs = 4, 2
	killAndResume(t, c, "gpu")
}

// TestDeviceNotes: what a run on a device does in memory is told once for the
// corruption and once for the rule, and nothing is where all stays there.
func TestDeviceNotes(t *testing.T) {
	for _, c := range []struct {
		rule, corruption string
		fraction         float64 // of a block
		want             string
	}{
		{"gm", "additive", 0.1, "[]"},
		{"cm", "bitflip", 1, "[]"},
		{"medoid", "gaussian", 1, "[]"},
		{"mean", "random-sign-flip", 1, `["gradients are copied from the GPU to memory for random-sign-flip of redrawn floor(0.4·n) rows"]`},
		{"meamed", "sign-flip", 1, `["gradients are copied from the GPU to memory for meamed(f=1)"]`},
	} {
		config := onDevice(t, "mlp")
		config.Epochs = 1
		config.Aggregator.Rule, config.Aggregator.Block.Fraction = c.rule, c.fraction
		config.Corruption.Gradient.Kind, config.Corruption.Gradient.Fraction = c.corruption, 0.4
		notes := []string{}
		_, err := Run(context.Background(), config, filepath.Join(t.TempDir(), "run"), Options{
			Device: "gpu", Note: func(text string) { notes = append(notes, text) },
		})
		if err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprintf("%q", notes); got != c.want {
			t.Errorf("%s, %s: notes %s, want %s", c.rule, c.corruption, got, c.want)
		}
	}
}

// TestDeviceResume: a run that stops in its second epoch on a device goes on as if it had
// not, with every vector that a checkpoint can hold.
func TestDeviceResume(t *testing.T) {
	c := onDevice(t, "mlp")
	c.Epochs, c.Optimizer.Kind, c.Optimizer.LR = 3, "adam", 1e-3
	c.Aggregator.Rule, c.Aggregator.Block.Fraction, c.Aggregator.Block.Memory = "gm", 0.1, "client"
	c.Corruption.Gradient.Kind, c.Corruption.Gradient.Fraction, c.Corruption.Gradient.Members = "additive", 0.4, "redrawn"
	want := runOn(t, c, "gpu").Summary
	dir := filepath.Join(t.TempDir(), "run")
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	_, err := Run(ctx, c, dir, Options{Device: "gpu", Observe: func(p Progress) {
		if p.Epoch == 2 && p.Step == 2 {
			stop()
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	got, err := Run(context.Background(), c, dir, Options{Device: "gpu", Resume: true})
	if err != nil {
		t.Fatal(err)
	}
	if got.Status != record.Finished || got.Digest != want.Digest {
		t.Errorf("%s with digest %s, want %s", got.Status, got.Digest, want.Digest)
	}
}

// netOnDevice is a small net for the batches of so many clients, 2 samples each.
func netOnDevice(t *testing.T, clients int) *models.Net {
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
	net, err := models.New("mlp", models.Options{
		Shape: data.Shape{C: 1, H: 3, W: 5}, Classes: 3, Widths: []int{17}, Batch: 2, EvalBatch: 1, Replicas: 1,
		Device: dev, Clients: clients, Rand: rand.New(rand.NewPCG(1, 1)),
	})
	if err != nil {
		t.Fatal(err)
	}
	return net
}

// TestDeviceManyClients: more clients than rules take on a device are aggregated in
// memory, which is told.
func TestDeviceManyClients(t *testing.T) {
	for clients, want := range map[int]string{
		64: "",
		65: "gradients are copied from the GPU to memory: 65 clients are more than rules take there",
	} {
		var said string
		at, err := newPlace(netOnDevice(t, clients), clients, func(text string) { said = text })
		if err != nil {
			t.Fatal(err)
		}
		if _, there := at.(*resident); said != want || there != (want == "") {
			t.Errorf("%d clients: %T, %q, want %q", clients, at, said, want)
		}
	}
}

// TestDeviceOptimizers: from the same gradients, optimisers move parameters and vectors on
// a device as in memory, to the bit, over steps and over a Settle between them.
func TestDeviceOptimizers(t *testing.T) {
	net := netOnDevice(t, 3)
	there, err := newPlace(net, 3, nil)
	if err != nil {
		t.Fatal(err)
	}
	cm, err := agg.New("cm", agg.Options{})
	if err != nil {
		t.Fatal(err)
	}
	d := len(net.Params())
	for _, c := range []config.Optimizer{
		{WeightDecay: 0.1},
		{Momentum: 0.9, WeightDecay: 0.1},
		{Momentum: 0.9, Nesterov: true},
		{Kind: "adam", Beta1: 0.9, Beta2: 0.99, Eps: 1e-8, WeightDecay: 0.1},
	} {
		here := &inMemory{x: slices.Clone(net.Params()), u: make([]float32, d)}
		o, want := newOptimizer(c, d), newOptimizer(c, d)
		for step := range 4 {
			err := net.Grads(models.Clients{
				Count: 3, Row: there.row(),
				Draw: func(_, i int, b *data.Batch) {
					for j := range b.X {
						b.X[j] = float32(i*step+j) / 10
					}
					clear(b.Labels)
				},
				Done: func(int, float64, []float32) {},
			})
			if err != nil {
				t.Fatal(err)
			}
			if _, here.G, err = there.(*resident).Host(); err != nil {
				t.Fatal(err)
			}
			for _, p := range []struct {
				place
				optimizer
			}{{here, want}, {there, o}} {
				if _, err := p.aggregate(cm, agg.Step{}); err != nil {
					t.Fatal(err)
				}
				if err := p.step(p.place, 0.1, step+1); err != nil {
					t.Fatal(err)
				}
			}
			if step == 0 {
				continue // without a Settle
			}
			if err := there.Settle(); err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(net.Params(), here.x) {
				t.Fatalf("%+v, step %d: other parameters than in memory", c, step)
			}
			if !reflect.DeepEqual(o.state(), want.state()) {
				t.Fatalf("%+v, step %d: other vectors than in memory", c, step)
			}
		}
	}
}
