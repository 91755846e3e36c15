package models

import (
	"errors"
	"fmt"

	"github.com/bgmd/bgmd/pkg/models/nn"
)

// mlp is a multilayer perceptron on images of any shape, flattened as PyTorch
// does (channels, rows, columns):
//
//	fc1   C·H·W→widths[0], ReLU, dropout
//	…     a layer for each of the widths
//	fcL   →classes
//
// Without widths it is linear: logistic regression.
func mlp(o Options) ([]nn.Layer, error) {
	var layers []nn.Layer
	var errs []error
	in := o.Shape.Size()
	add := func(out int, hidden bool) {
		l := nn.Linear{Name: fmt.Sprintf("fc%d", len(layers)+1), In: in, Out: out, First: len(layers) == 0}
		if hidden {
			l.ReLU, l.Dropout = true, o.Dropout
		}
		layers, in = append(layers, l), out
	}
	for i, width := range o.Widths {
		if width < 1 {
			errs = append(errs, fmt.Errorf("models: mlp: width %d is %d, want at least 1", i+1, width))
		}
		add(width, true)
	}
	add(o.Classes, false)
	return layers, errors.Join(errs...)
}
