// Package nn builds the layers of the project's networks as Gorgonia ops with
// symbolic gradients. The arithmetic is in package kernel; here are only the
// ops, their buffers and their derivatives.
//
// Chosen: ops that own their output buffers, one op a layer, on arrays with the
// batch innermost.
// Rejected: Gorgonia's stock Conv2d, MaxPool2D and Dropout, several times
// slower, which copy and allocate at every run and draw from the clock.
// Stock ops still serve as an independent check in this package's tests.
package nn

import (
	"encoding/binary"
	"fmt"
	"hash"
	"hash/fnv"
	"slices"
	"sync/atomic"
	"time"

	"github.com/chewxy/hm"
	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// op adapts a function on values to Gorgonia's Op and SDOp.
//
// A layer's forward op has do and diff. Its gradient is one op, too, whose only
// input is the output's gradient (the rest it has from the forward pass) and
// which computes all of the layer's derivatives at once; since a Gorgonia op
// has one result, it returns one of them and leaves the others in buffers,
// which ops made by slot hand out.
type op struct {
	name  string
	id    uint64
	types hm.Type
	arity int
	shape tensor.Shape
	pass  *Pass
	do    func(in []gorgonia.Value) (gorgonia.Value, error)

	// diff returns a node a differentiable input, nil for the others.
	diff func(in gorgonia.Nodes, out, grad *gorgonia.Node) (gorgonia.Nodes, error)
	wrt  []bool
}

var lastID atomic.Uint64

// apply puts o into the graph as the parent of the given nodes.
func (o op) apply(in ...*gorgonia.Node) (*gorgonia.Node, error) {
	o.id = lastID.Add(1)
	o.arity = len(in)
	types := make([]hm.Type, 0, len(in)+1)
	for _, n := range in {
		types = append(types, n.Type())
	}
	var result hm.Type = tensor.Float32
	if len(o.shape) > 0 {
		result = gorgonia.TensorType{Dims: len(o.shape), Of: tensor.Float32}
	}
	o.types = hm.NewFnType(append(types, result)...)
	node, err := gorgonia.ApplyOp(&o, in...)
	if err != nil {
		return nil, fmt.Errorf("nn: %s: %w", o.name, err)
	}
	return node, nil
}

// slot is a node that stands for a value which the op of node from has filled.
func slot(name string, from *gorgonia.Node, v gorgonia.Value, pass *Pass) (*gorgonia.Node, error) {
	return op{
		name: name, shape: v.Shape(), pass: pass,
		do: func([]gorgonia.Value) (gorgonia.Value, error) { return v, nil },
	}.apply(from)
}

func (o *op) Arity() int    { return o.arity }
func (o *op) Type() hm.Type { return o.types }

func (o *op) InferShape(...gorgonia.DimSizer) (tensor.Shape, error) { return o.shape, nil }

func (o *op) Do(in ...gorgonia.Value) (gorgonia.Value, error) {
	if o.pass.note != nil {
		o.pass.note(call{o, slices.Clone(in)})
	}
	if o.pass.Seconds == nil {
		return o.do(in)
	}
	start := time.Now()
	v, err := o.do(in)
	o.pass.Seconds[o.name] += time.Since(start).Seconds()
	return v, err
}

func (o *op) ReturnsPtr() bool     { return true }
func (o *op) CallsExtern() bool    { return false } // true makes Gorgonia preallocate
func (o *op) OverwritesInput() int { return -1 }
func (o *op) String() string       { return o.name }

// WriteHash makes every op unique: Gorgonia merges nodes whose hashes agree,
// and two layers of one shape must keep buffers of their own.
func (o *op) WriteHash(h hash.Hash) {
	_ = binary.Write(h, binary.LittleEndian, o.id)
	fmt.Fprint(h, o.name)
}

func (o *op) Hashcode() uint32 {
	h := fnv.New32a()
	o.WriteHash(h)
	return h.Sum32()
}

func (o *op) DiffWRT(inputs int) []bool {
	if o.diff == nil {
		return make([]bool, inputs)
	}
	return o.wrt
}

func (o *op) SymDiff(in gorgonia.Nodes, out, grad *gorgonia.Node) (gorgonia.Nodes, error) {
	return o.diff(in, out, grad)
}
