package models

import (
	"fmt"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"github.com/bgmd/bgmd/pkg/models/nn"
)

// graph is a network as a compiled Gorgonia graph, on the host or on a device.
type graph struct {
	expr    *gorgonia.ExprGraph
	machine gorgonia.VM
	pass    nn.Pass
	logits  *gorgonia.Node
	loss    *gorgonia.Node // nil where it is not for training
}

// values are what a graph reads and writes, all of the pass's engine.
type values struct {
	images gorgonia.Value // C×H×W×N
	labels gorgonia.Value // N ints
	// params and grad return a layer's part of the vector of parameters and of
	// the gradient's.
	params, grad func(at, size int) gorgonia.Value
}

// compile builds the graph of the layers, with train that of their gradient, too.
// What the pass says of engine, weights and buffers must be set.
func (g *graph) compile(layers []nn.Layer, v values, train bool) error {
	expr := gorgonia.NewGraph()
	images, labels := v.images.Shape(), v.labels.Shape()
	node := gorgonia.NewTensor(expr, tensor.Float32, len(images), gorgonia.WithShape(images...), gorgonia.WithName("images"), gorgonia.WithValue(v.images))
	truth := gorgonia.NewVector(expr, tensor.Int, gorgonia.WithShape(labels...), gorgonia.WithName("labels"), gorgonia.WithValue(v.labels))

	var trained gorgonia.Nodes
	fast := nn.FastSize{Direct: g.pass.Direct}
	at := 0
	for i, l := range layers {
		var err error
		if g.pass.Weights != nil {
			if err = fast.Add(l, node.Shape(), train); err != nil {
				return err
			}
		}
		size := nn.Len(l)
		if size == 0 {
			if node, err = l.Apply(node, nil, nil, &g.pass); err != nil {
				return err
			}
			continue
		}
		p := gorgonia.NewVector(expr, tensor.Float32, gorgonia.WithShape(size), gorgonia.WithName(fmt.Sprintf("layer %d", i)), gorgonia.WithValue(v.params(at, size)))
		if node, err = l.Apply(node, p, v.grad(at, size), &g.pass); err != nil {
			return err
		}
		trained = append(trained, p)
		at += size
	}
	fast.Reserve(&g.pass)
	g.logits = node
	if train {
		var err error
		if g.loss, err = nn.SoftmaxCrossEntropy(node, truth, &g.pass); err != nil {
			return err
		}
		if _, err = gorgonia.Grad(g.loss, trained...); err != nil {
			return fmt.Errorf("differentiate: %w", err)
		}
	}
	g.expr, g.machine = expr, gorgonia.NewTapeMachine(expr)
	return nil
}

func (g *graph) run() error {
	if err := g.pass.Run(g.expr, g.machine); err != nil {
		return fmt.Errorf("models: run the graph: %w", err)
	}
	return nil
}
