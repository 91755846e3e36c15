package models

import (
	"fmt"

	"github.com/bgmd/bgmd/pkg/data"
	"github.com/bgmd/bgmd/pkg/models/nn"
)

// lenet is the network that [bgmd] trains on Fashion-MNIST, as its authors'
// code has it, with 1,163,978 parameters for ten classes:
//
//	conv 5×5 1→64, max-pool 2, ReLU
//	conv 5×5 64→64, max-pool 2, ReLU
//	fc 1024→1024, ReLU, dropout
//	fc 1024→classes
func lenet(o Options) ([]nn.Layer, error) {
	if want := (data.Shape{C: 1, H: 28, W: 28}); o.Shape != want {
		return nil, fmt.Errorf("models: lenet: images are %v, want %v", o.Shape, want)
	}
	return []nn.Layer{
		nn.ConvPool{Name: "conv1", In: 1, Out: 64, Kernel: 5, First: true},
		nn.ConvPool{Name: "conv2", In: 64, Out: 64, Kernel: 5, Flat: true},
		nn.Linear{Name: "fc1", In: 1024, Out: 1024, ReLU: true, Dropout: o.Dropout},
		nn.Linear{Name: "fc2", In: 1024, Out: o.Classes},
	}, nil
}
