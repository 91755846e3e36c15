package models_test

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"testing"

	"github.com/bgmd/bgmd/internal/racing"
	"github.com/bgmd/bgmd/pkg/data"
	"github.com/bgmd/bgmd/pkg/models"
)

// TestSizeOf holds the computed size of a network against the bytes that building it
// takes by the allocator's count: they differ by nodes, names and rounding.
func TestSizeOf(t *testing.T) {
	if racing.Enabled {
		t.Skip("the race detector allocates, too")
	}
	grey, rgb := data.Shape{C: 1, H: 28, W: 28}, data.Shape{C: 3, H: 32, W: 32}
	for _, test := range []struct {
		model string
		o     models.Options
	}{
		{"lenet", models.Options{Shape: grey, Batch: 64, EvalBatch: 80}},
		{"lenet", models.Options{Shape: grey, Batch: 16, EvalBatch: 3}},
		{"lenet", models.Options{Shape: grey, Batch: 20, EvalBatch: 16}},
		{"lenet", models.Options{Shape: grey, Batch: 64, EvalBatch: 80, Direct: true}},
		{"resnet18", models.Options{Shape: rgb, Batch: 20, EvalBatch: 16}},
		{"mlp", models.Options{Shape: grey, Batch: 512, EvalBatch: 80, Widths: []int{200, 100}, Dropout: 0.5}},
		{"mlp", models.Options{Shape: rgb, Batch: 512, EvalBatch: 512}},
		{"resnet18", models.Options{Shape: rgb, Batch: 5, EvalBatch: 3}},
		{"resnet18", models.Options{Shape: rgb, Batch: 2, EvalBatch: 8, Stem: "cifar", BatchStats: true}},
		{"resnet18", models.Options{Shape: grey, Batch: 8, EvalBatch: 1}},
	} {
		t.Run(fmt.Sprint(test.model, test.o.Shape, test.o.Batch, test.o.Stem), func(t *testing.T) {
			o := test.o
			o.Classes = 10
			size, err := models.SizeOf(test.model, o)
			if err != nil {
				t.Fatal(err)
			}
			one, net := built(t, test.model, o, 1)
			three, _ := built(t, test.model, o, 3)
			if size.Params != len(net.Params()) || size.Buffers != len(net.Buffers()) {
				t.Errorf("%d parameters and %d buffers, want %d and %d", size.Params, size.Buffers, len(net.Params()), len(net.Buffers()))
			}
			// A replica's share: what is built once cancels out.
			got, want := float64(size.Train+size.Eval), float64(three-one)/2
			if got > want || got < 0.95*want-400e3 {
				t.Errorf("a replica takes %.0f bytes, computed were %.0f", want, got)
			}
		})
	}
}

// built returns the bytes allocated in building a network.
func built(t *testing.T, model string, o models.Options, replicas int) (uint64, *models.Net) {
	t.Helper()
	o.Replicas, o.Rand = replicas, rand.New(rand.NewPCG(1, 1))
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	net, err := models.New(model, o)
	if err != nil {
		t.Fatal(err)
	}
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc, net
}

func TestSizeOfFailsAsNew(t *testing.T) {
	for _, test := range []struct {
		model string
		o     models.Options
		want  string
	}{
		{"perceptron", models.Options{}, `models: unknown model "perceptron" (have lenet, mlp, resnet18)`},
		{"lenet", models.Options{Shape: data.Shape{C: 3, H: 32, W: 32}, Classes: 10, Batch: 1, EvalBatch: 1}, "models: lenet: images are 3×32×32, want 1×28×28"},
		{"mlp", models.Options{Shape: data.Shape{C: 1, H: 28, W: 28}, Classes: 10, EvalBatch: 1}, "models: mlp: batch is 0, want at least 1"},
		{"resnet18", models.Options{Shape: data.Shape{C: 3, H: 0, W: 32}, Classes: 10, Batch: 1, EvalBatch: 1, Stem: "cifar"}, "nn: conv1: image is 0×32, want at least 1×1"},
	} {
		if _, err := models.SizeOf(test.model, test.o); err == nil || err.Error() != test.want {
			t.Errorf("%s: error is %v, want %s", test.model, err, test.want)
		}
	}
}
