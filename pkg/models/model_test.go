package models_test

import (
	"errors"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"github.com/bgmd/bgmd/internal/racing"
	"github.com/bgmd/bgmd/pkg/data"
	"github.com/bgmd/bgmd/pkg/models"
	"github.com/bgmd/bgmd/pkg/models/modelstest"
)

// inputs are the images that each model is tested on, and the options that only
// it has.
var inputs = map[string]models.Options{
	"lenet":    {Shape: data.Shape{C: 1, H: 28, W: 28}, Classes: 10, Dropout: 0.5},
	"mlp":      {Shape: data.Shape{C: 2, H: 9, W: 11}, Classes: 4, Widths: []int{80, 40}, Dropout: 0.5},
	"resnet18": {Shape: data.Shape{C: 3, H: 20, W: 20}, Classes: 10},
}

func TestModels(t *testing.T) {
	for _, name := range models.Names() {
		t.Run(name, func(t *testing.T) {
			skipLarge(t, name)
			o, ok := inputs[name]
			if !ok {
				t.Fatal("add the model's images to inputs")
			}
			modelstest.Run(t, name, o)
		})
	}
	t.Run("resnet18, cifar", func(t *testing.T) {
		skipLarge(t, "resnet18")
		modelstest.Run(t, "resnet18", models.Options{Shape: data.Shape{C: 3, H: 10, W: 8}, Classes: 5, Stem: "cifar"})
	})
}

// skipLarge leaves out, in short and under the race detector, what takes 11 GB and
// minutes there.
func skipLarge(t *testing.T, model string) {
	if (testing.Short() || racing.Enabled) && model == "resnet18" {
		t.Skip("large")
	}
}

func lenetOptions(change func(*models.Options)) models.Options {
	o := inputs["lenet"]
	o.Dropout = 0
	o.Batch, o.EvalBatch, o.Replicas, o.Rand = 2, 2, 1, rand.New(rand.NewPCG(1, 1))
	change(&o)
	return o
}

func TestNewRefuses(t *testing.T) {
	for _, c := range []struct {
		name, model string
		change      func(*models.Options)
		want        string
	}{
		{"unknown model", "lenot", func(*models.Options) {}, `models: unknown model "lenot" (have lenet, mlp, resnet18)`},
		{"no batch", "lenet", func(o *models.Options) { o.Batch = 0 }, "models: lenet: batch is 0, want at least 1"},
		{"no evaluation batch", "lenet", func(o *models.Options) { o.EvalBatch = -1 }, "models: lenet: evaluation batch is -1, want at least 1"},
		{"no replica", "lenet", func(o *models.Options) { o.Replicas = 0 }, "models: lenet: replicas is 0, want at least 1"},
		{"no classes, all dropped", "lenet", func(o *models.Options) { o.Classes, o.Dropout = 0, 1 }, "models: lenet: classes is 0, want at least 1\ndropout is 1, want [0, 1)"},
		{"no generator", "lenet", func(o *models.Options) { o.Rand = nil }, "models: lenet: no generator for the initial parameters"},
		{"colour images", "lenet", func(o *models.Options) { o.Shape = data.Shape{C: 3, H: 32, W: 32} }, "models: lenet: images are 3×32×32, want 1×28×28"},
		{"unknown stem", "resnet18", func(o *models.Options) { o.Stem = "vgg" }, `models: resnet18: stem is "vgg", want imagenet or cifar`},
		{"channels", "resnet18", func(o *models.Options) { o.Shape.C = 16 }, "models: resnet18: images have 16 channels, want 1 to 15"},
		{"no units", "mlp", func(o *models.Options) { o.Widths = []int{0, 5, -1} }, "models: mlp: width 1 is 0, want at least 1\nmodels: mlp: width 3 is -1, want at least 1"},
	} {
		if _, err := models.New(c.model, lenetOptions(c.change)); err == nil || err.Error() != c.want {
			t.Errorf("%s: error is %v, want %q", c.name, err, c.want)
		}
	}
}

func TestLabelsAreChecked(t *testing.T) {
	net, err := models.New("lenet", lenetOptions(func(*models.Options) {}))
	if err != nil {
		t.Fatal(err)
	}
	b := data.NewBatch(inputs["lenet"].Shape, 2)
	b.Labels[1] = 10
	_, err = net.Replica(0).Grad(make([]float32, len(net.Params())), b, nil)
	if want := "models: label 1 of the batch is 10, want below 10, or negative for none"; err == nil || err.Error() != want {
		t.Errorf("error is %v, want %q", err, want)
	}
}

func TestEach(t *testing.T) {
	for _, replicas := range []int{1, 3} {
		net, err := models.New("lenet", lenetOptions(func(o *models.Options) { o.Replicas = replicas }))
		if err != nil {
			t.Fatal(err)
		}
		if net.Replicas() != replicas {
			t.Fatalf("%d replicas, want %d", net.Replicas(), replicas)
		}
		for _, count := range []int{0, 1, 20} {
			var mu sync.Mutex
			var calls []int
			busy := make([]sync.Mutex, replicas)
			err := net.Each(count, func(r *models.Replica, i int) error {
				if r != net.Replica(r.ID) {
					t.Errorf("replica %d is not that of its number", r.ID)
				}
				if !busy[r.ID].TryLock() {
					t.Errorf("replica %d has two calls at once", r.ID)
					return nil
				}
				defer busy[r.ID].Unlock()
				mu.Lock()
				defer mu.Unlock()
				calls = append(calls, i)
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
			slices.Sort(calls)
			var want []int
			for i := range count {
				want = append(want, i)
			}
			if !slices.Equal(calls, want) {
				t.Errorf("%d replicas, count %d: calls are %v", replicas, count, calls)
			}
		}
	}
}

// TestEachStopsAfterErrors fails two calls that are under way together.
func TestEachStopsAfterErrors(t *testing.T) {
	net, err := models.New("lenet", lenetOptions(func(o *models.Options) { o.Replicas = 2 }))
	if err != nil {
		t.Fatal(err)
	}
	failures := []error{errors.New("first"), errors.New("second")}
	var meet sync.WaitGroup
	meet.Add(2)
	err = net.Each(100, func(_ *models.Replica, i int) error {
		if i >= 2 {
			t.Errorf("call %d starts after both replicas failed", i)
			return nil
		}
		meet.Done()
		meet.Wait()
		return failures[i]
	})
	for _, want := range failures {
		if !errors.Is(err, want) {
			t.Errorf("error is %v, want %q among them", err, want)
		}
	}
}
