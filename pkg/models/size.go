package models

import (
	"math/rand/v2"

	"gorgonia.org/tensor"

	"github.com/bgmd/bgmd/pkg/models/nn"
)

// Size is what a network takes.
type Size struct {
	Params  int // d, elements
	Buffers int // of batch norm, elements
	Train   int // bytes of one replica's graph for Grad, without parameters and gradient
	Eval    int // the same for Predict
	Shared  int // bytes that all replicas share besides parameters and buffers
}

// SizeOf returns the size of the network that [New] builds. It builds nothing and
// takes no memory to speak of. Replicas and Rand are not looked at. It fails as New
// does.
func SizeOf(name string, o Options) (Size, error) {
	o.Replicas, o.Rand = 1, rand.New(rand.NewPCG(0, 0))
	layers, err := layersOf(name, o)
	if err != nil {
		return Size{}, err
	}
	var s Size
	for _, l := range layers {
		s.Params += nn.Len(l)
		if normed, ok := l.(nn.Normed); ok {
			for _, norm := range normed.Norms() {
				s.Buffers += norm.Len()
			}
		}
	}
	var evalShared int
	if s.Train, s.Shared, err = graphSize(layers, o, o.Batch, true); err != nil {
		return Size{}, err
	}
	s.Eval, evalShared, err = graphSize(layers, o, o.EvalBatch, false)
	s.Shared = max(s.Shared, evalShared)
	return s, err
}

// graphSize is the bytes that newHostGraph takes for n samples, and those that all graphs
// share.
func graphSize(layers []nn.Layer, o Options, n int, train bool) (bytes, shared int, err error) {
	fast := nn.FastSize{Direct: o.Direct}
	x := tensor.Shape{o.Shape.C, o.Shape.H, o.Shape.W, n}
	bytes = 4*x.TotalSize() + 8*n // images and labels
	for _, l := range layers {
		var of int
		if err = fast.Add(l, x, train); err != nil {
			return 0, 0, err
		}
		if x, of, err = l.Size(x, train); err != nil {
			return 0, 0, err
		}
		bytes += of
	}
	if train {
		bytes += 2 * 4 * x.TotalSize() // the loss: probabilities and the logits' gradient
	}
	return bytes + fast.Graph(), fast.Net(), nil
}
