//go:build gpu && linux

package train

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/bgmd/bgmd/internal/cuda/cudatest"
	"github.com/bgmd/bgmd/pkg/checkpoint"
	"github.com/bgmd/bgmd/pkg/config"
	"github.com/bgmd/bgmd/pkg/record"
)

func TestMain(m *testing.M) {
	if err := cudatest.Use(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(m.Run())
}

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
