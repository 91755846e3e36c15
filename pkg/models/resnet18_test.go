package models_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/bgmd/bgmd/pkg/models"
)

// TestResNet18Parameters has the names and shapes of torchvision's
// resnet18(num_classes=10).named_parameters(), in its order.
func TestResNet18Parameters(t *testing.T) {
	for stem, want := range map[string]int{
		"imagenet": 11_181_642, // torchvision's 11,689,512 with fc 512→10 for 512→1000
		"cifar":    11_173_962, // less 64·3·(7·7 − 3·3)
	} {
		o := inputs["resnet18"]
		o.Stem, o.Batch, o.EvalBatch, o.Replicas, o.Rand = stem, 2, 2, 1, rand.New(rand.NewPCG(1, 1))
		net, err := models.New("resnet18", o)
		if err != nil {
			t.Fatal(err)
		}
		if got := len(net.Params()); got != want {
			t.Errorf("%s: %d parameters, want %d", stem, got, want)
		}
		if got := len(net.Buffers()); got != 2*4800 {
			t.Errorf("%s: %d buffers, want 9600", stem, got)
		}
		var names []string
		for _, x := range net.Export()[:62] {
			names = append(names, fmt.Sprint(x.Name, x.Shape))
		}
		if want := torchvisionNames(stem); !slices.Equal(names, want) {
			t.Errorf("%s: tensors are\n%q\nwant\n%q", stem, names, want)
		}
	}
}

func torchvisionNames(stem string) []string {
	k := map[string]int{"imagenet": 7, "cifar": 3}[stem]
	var names []string
	add := func(conv, norm string, co, ci, k int) {
		names = append(names, fmt.Sprint(conv, ".weight", []int{co, ci, k, k}), fmt.Sprint(norm, ".weight", []int{co}), fmt.Sprint(norm, ".bias", []int{co}))
	}
	add("conv1", "bn1", 64, 3, k)
	in := 64
	for stage, out := range []int{64, 128, 256, 512} {
		for block := range 2 {
			name := fmt.Sprintf("layer%d.%d.", stage+1, block)
			add(name+"conv1", name+"bn1", out, in, 3)
			add(name+"conv2", name+"bn2", out, out, 3)
			if in != out {
				add(name+"downsample.0", name+"downsample.1", out, in, 1)
			}
			in = out
		}
	}
	return append(names, "fc.weight[10 512]", "fc.bias[10]")
}
