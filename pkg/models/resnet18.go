package models

import (
	"fmt"
	"strings"

	"github.com/bgmd/bgmd/pkg/models/nn"
)

// stems has the first layers that resnet18 may have.
var stems = []string{"imagenet", "cifar"}

// Stems lists the stems of resnet18.
func Stems() []string { return stems }

// resnet18 is torchvision's ResNet-18 [He et al. 2016], which [bgmd] trains on
// CIFAR-10, for images of any size and up to 15 channels; for three channels
// and ten classes it has 11,181,642 parameters:
//
//	conv1           7×7 3→64, stride 2, padding 3, batch norm, ReLU, max-pool 3, stride 2
//	layer1.0, .1    two blocks of 64 channels
//	layer2 … layer4 two each of 128, 256, 512, the first with stride 2
//	avgpool         mean over all pixels
//	fc              512→classes
//
// On 32×32 pixels that stem leaves 8×8. The stem cifar is what is usual for
// small images instead: 3×3, stride 1, padding 1, without the pool.
func resnet18(o Options) ([]nn.Layer, error) {
	stem := nn.Stem{Conv: "conv1", Norm: "bn1", In: o.Shape.C, Out: 64, Kernel: 7, Stride: 2, Pad: 3, Pool: true}
	switch o.Stem {
	case "", "imagenet":
	case "cifar":
		stem.Kernel, stem.Stride, stem.Pad, stem.Pool = 3, 1, 1, false
	default:
		return nil, fmt.Errorf("models: resnet18: stem is %q, want %s", o.Stem, strings.Join(stems, " or "))
	}
	if c := o.Shape.C; c < 1 || c > 15 {
		return nil, fmt.Errorf("models: resnet18: images have %d channels, want 1 to 15", c)
	}
	layers := []nn.Layer{stem}
	in := stem.Out
	for stage := range 4 {
		for block := range 2 {
			l := nn.Residual{Name: fmt.Sprintf("layer%d.%d", stage+1, block), In: in, Out: 64 << stage, Stride: 1}
			if stage > 0 && block == 0 {
				l.Stride = 2
			}
			layers, in = append(layers, l), l.Out
		}
	}
	return append(layers, nn.AveragePool{}, nn.Linear{Name: "fc", In: in, Out: o.Classes}), nil
}
