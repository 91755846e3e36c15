//go:build gpu && linux

package models

import "github.com/bgmd/bgmd/pkg/models/nn"

// AddSmall adds the model small, which has resnet18's kinds of layers: on resnet18
// itself the emulator takes seconds. What it returns removes the model.
func AddSmall() (remove func()) {
	architectures["small"] = func(o Options) ([]nn.Layer, error) {
		stem := nn.Stem{Conv: "conv1", Norm: "bn1", In: o.Shape.C, Out: 16, Kernel: 3, Stride: 1, Pad: 1}
		if o.Stem == "imagenet" {
			stem.Kernel, stem.Stride, stem.Pad, stem.Pool = 7, 2, 3, true
		}
		return []nn.Layer{
			stem,
			nn.Residual{Name: "layer1.0", In: 16, Out: 16, Stride: 1},
			nn.Residual{Name: "layer2.0", In: 16, Out: 20, Stride: 2},
			nn.AveragePool{},
			nn.Linear{Name: "fc", In: 20, Out: o.Classes},
		}, nil
	}
	return func() { delete(architectures, "small") }
}
