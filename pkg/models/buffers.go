package models

import (
	"fmt"
	"slices"

	"github.com/bgmd/bgmd/pkg/models/nn"
)

// bufferMomentum is the weight of the newest batch in the running averages, as
// in PyTorch.
const bufferMomentum = 0.1

// Buffers is the vector of all running averages of batch norm, not a copy:
// norm by norm the channels' means and then their variances. They are not
// parameters: no gradient trains them. It is empty for models without batch
// norm.
func (n *Net) Buffers() []float32 { return n.buffers }

// UpdateBuffers moves the running averages towards the statistics of a step's
// batches, in the order of Buffers, and counts the step:
//
//	buffers ← 0.9·buffers + 0.1·statistics
func (n *Net) UpdateBuffers(statistics []float32) {
	for i, s := range statistics {
		n.buffers[i] = float32((1-bufferMomentum)*float64(n.buffers[i]) + bufferMomentum*float64(s))
	}
	n.tracked++
}

// addNorms counts the layers' batch norms and gives them PyTorch's first averages: means 0
// and variances 1.
func (n *Net) addNorms(layers []nn.Layer) {
	for _, l := range layers {
		if normed, ok := l.(nn.Normed); ok {
			n.norms = append(n.norms, normed.Norms()...)
		}
	}
	for _, norm := range n.norms {
		n.buffers = append(n.buffers, make([]float32, norm.Channels)...)
		n.buffers = append(n.buffers, slices.Repeat([]float32{1}, norm.Channels)...)
	}
}

// bufferTensors lists the buffers, their data windows on the vector, under
// PyTorch's names; without the counts.
func (n *Net) bufferTensors() []Tensor {
	var ts []Tensor
	at := 0
	for _, norm := range n.norms {
		for _, part := range []string{"running_mean", "running_var"} {
			ts = append(ts, Tensor{norm.Name + "." + part, []int{norm.Channels}, n.buffers[at : at+norm.Channels]})
			at += norm.Channels
		}
	}
	return ts
}

// exportBuffers returns a copy of the buffers, a tensor each, with the number
// of steps as PyTorch's num_batches_tracked.
func (n *Net) exportBuffers() []Tensor {
	ts := n.bufferTensors()
	for i := range ts {
		ts[i].Data = slices.Clone(ts[i].Data)
	}
	for _, norm := range n.norms {
		ts = append(ts, Tensor{Name: countName(norm), Data: []float32{float32(n.tracked)}})
	}
	return ts
}

func countName(norm nn.Norm) string { return norm.Name + ".num_batches_tracked" }

// importBuffers sets the buffers from tensors that checkBuffers has passed. A
// count may be missing, as it is in files of PyTorch's before 1.0.
func (n *Net) importBuffers(byName map[string]Tensor) {
	for _, t := range n.bufferTensors() {
		copy(t.Data, byName[t.Name].Data)
	}
	if len(n.norms) > 0 {
		if t, ok := byName[countName(n.norms[0])]; ok && len(t.Data) == 1 {
			n.tracked = int(t.Data[0])
		}
	}
}

func (n *Net) checkBuffers(byName map[string]Tensor) (errs []error) {
	for _, want := range n.bufferTensors() {
		if err := fits(byName, want.Name, want.Shape); err != nil {
			errs = append(errs, err)
		}
	}
	return errs
}

// fits tells whether there is a tensor of the given name and shape.
func fits(byName map[string]Tensor, name string, shape []int) error {
	size := 1
	for _, s := range shape {
		size *= s
	}
	switch t, ok := byName[name]; {
	case !ok:
		return fmt.Errorf("models: no tensor %q", name)
	case !slices.Equal(t.Shape, shape) || len(t.Data) != size:
		return fmt.Errorf("models: tensor %q has shape %v and %d elements, want %v", name, t.Shape, len(t.Data), shape)
	}
	return nil
}
