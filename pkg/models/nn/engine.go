package nn

import (
	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"github.com/bgmd/bgmd/pkg/models/nn/kernel"
)

// Engine computes layers: the [Host], or a device. When a layer is put into a graph, it
// asks the engine of its pass once for its state, which the graph then runs. A graph has
// only values of its own engine.
//
// A layer checks its input before it asks. Geometries and shapes have the batch of the
// whole graph.
type Engine interface {
	ConvPool(l ConvPool, c kernel.Conv, params gorgonia.Value, pass *Pass) (State, error)
	Linear(l Linear, n int, params gorgonia.Value, pass *Pass) (State, error)
	Stem(l Stem, c kernel.Conv, params gorgonia.Value, pass *Pass) (State, error)
	Residual(l Residual, units []kernel.Conv, params gorgonia.Value, pass *Pass) (State, error)
	AveragePool(x tensor.Shape) (State, error)
	// Loss is the state of [SoftmaxCrossEntropy], which takes labels in place of
	// parameters.
	Loss(logits tensor.Shape) (State, error)
}

// State is one layer in one graph.
type State interface {
	// Forward computes the output from the input and the layer's parameters, nil
	// where it has none.
	Forward(x, params gorgonia.Value) (gorgonia.Value, error)
	// Train allocates what Backward needs. The input's gradient has the given shape;
	// nil means that it is not needed, as in a first layer. The graph calls Train once,
	// when it is differentiated.
	Train(din tensor.Shape) error
	// Backward takes the gradient of the last Forward's output. It writes the
	// gradient of the parameters to grad and returns the gradient of the input.
	Backward(dout, grad gorgonia.Value) (gorgonia.Value, error)
}

// Host is the engine of this process: values are [Array]s, or vectors of Gorgonia's.
type Host struct{}

// engine is the pass's, or the host.
func (p *Pass) engine() Engine {
	if p.Engine == nil {
		return Host{}
	}
	return p.Engine
}

// layer is what a layer's ops are made of.
type layer struct {
	name  string
	shape tensor.Shape   // of the output
	first bool           // the input needs no gradient
	grad  gorgonia.Value // of the parameters; nil for none that are trained
}

// apply puts the layer into the graph of x, with params nil for none.
//
// The gradient is one op that computes all of the layer's derivatives (see op).
func (l layer) apply(st State, x, params *gorgonia.Node, pass *Pass) (*gorgonia.Node, error) {
	inputs := gorgonia.Nodes{x}
	if params != nil {
		inputs = append(inputs, params)
	}
	return op{
		name: l.name, shape: l.shape, pass: pass,
		do: func(in []gorgonia.Value) (gorgonia.Value, error) {
			if len(in) == 1 {
				return st.Forward(in[0], nil)
			}
			return st.Forward(in[0], in[1])
		},
		wrt: []bool{!l.first, l.grad != nil}[:len(inputs)],
		diff: func(in gorgonia.Nodes, _, dout *gorgonia.Node) (gorgonia.Nodes, error) {
			return l.differentiate(st, in, dout, pass)
		},
	}.apply(inputs...)
}

// differentiate returns the nodes of the inputs' gradients.
func (l layer) differentiate(st State, in gorgonia.Nodes, dout *gorgonia.Node, pass *Pass) (gorgonia.Nodes, error) {
	var din tensor.Shape
	if !l.first {
		din = in[0].Shape()
	}
	if err := st.Train(din); err != nil {
		return nil, err
	}
	shape := din
	if l.first {
		shape = l.grad.Shape()
	}
	back, err := op{
		name: l.name + ".grad", shape: shape, pass: pass,
		do: func(v []gorgonia.Value) (gorgonia.Value, error) {
			din, err := st.Backward(v[0], l.grad)
			if l.first {
				return l.grad, err
			}
			return din, err
		},
	}.apply(dout)
	switch {
	case err != nil:
		return nil, err
	case l.first:
		return gorgonia.Nodes{nil, back}, nil
	case l.grad == nil:
		return gorgonia.Nodes{back, nil}[:len(in)], nil
	}
	grad, err := slot(l.name+".params.grad", back, l.grad, pass)
	return gorgonia.Nodes{back, grad}, err
}
