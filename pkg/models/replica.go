package models

import (
	"fmt"
	"math/rand/v2"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"github.com/bgmd/bgmd/pkg/data"
	"github.com/bgmd/bgmd/pkg/models/nn"
)

// Replica is one copy of a network's graph. It is not safe for concurrent use;
// two replicas of one net may run side by side.
type Replica struct {
	ID          int // from 0, below Net.Replicas
	net         *Net
	updated     bool // by Each, which the call is from
	train, eval *graph
}

func newReplica(net *Net, layers []nn.Layer, o Options) (*Replica, error) {
	train, err := newGraph(net, layers, o, o.Batch, true)
	if err != nil {
		return nil, err
	}
	eval, err := newGraph(net, layers, o, o.EvalBatch, false)
	return &Replica{ID: len(net.replicas), net: net, train: train, eval: eval}, err
}

// Grad writes the gradient of the batch's mean cross-entropy to dst, which has
// one element a parameter, and returns that loss. rng draws the dropout masks.
// The batch has the size given in [Options.Batch].
func (r *Replica) Grad(dst []float32, b *data.Batch, rng *rand.Rand) (float64, error) {
	g := r.train
	if want := len(r.net.params); len(dst) != want {
		return 0, fmt.Errorf("models: gradient has %d elements, want %d", len(dst), want)
	}
	for _, window := range g.grads {
		window.Set(dst[:window.Size()])
		dst = dst[window.Size():]
	}
	r.update()
	if err := g.run(b, rng); err != nil {
		return 0, err
	}
	return float64(*g.loss.Value().(*gorgonia.F32)), nil
}

// Statistics are the means and variances of the batch of the last Grad that
// batch norm saw, in the order of [Net.Buffers], valid until the next. The
// variances have the divisor count−1, as PyTorch averages them.
func (r *Replica) Statistics() []float32 { return r.train.pass.Buffers.Batch }

// Logits are those of the last Grad, classes×N, valid until the next.
func (r *Replica) Logits() []float32 { return r.train.logits.Value().(*nn.Array).Float32s() }

// update tells the graphs of changed parameters, outside of Each.
func (r *Replica) update() {
	if !r.updated {
		r.net.update()
	}
}

// Flops counts the multiplications and additions of the matrix products of one
// call of Grad, and those that they have by the layers' definition, which are more
// where convolutions are computed with fewer.
func (r *Replica) Flops() (done, byDefinition int) {
	return r.train.pass.Flops, r.train.pass.ByDefinition
}

// Profile has every later call of Grad add the seconds that each op takes to
// seconds, under the layer's name, with ".grad" behind it for its gradient.
func (r *Replica) Profile(seconds map[string]float64) { r.train.pass.Seconds = seconds }

// Predict returns the logits of the batch's images, classes×N, valid until the
// replica's next call. With an rng, dropout stays on, as in the authors' code.
// The batch has the size given in [Options.EvalBatch].
func (r *Replica) Predict(b *data.Batch, rng *rand.Rand) ([]float32, error) {
	r.update()
	if err := r.eval.run(b, rng); err != nil {
		return nil, err
	}
	return r.eval.logits.Value().(*nn.Array).Float32s(), nil
}

// graph is a compiled Gorgonia graph with windows on what goes in and out.
type graph struct {
	machine gorgonia.VM
	shape   data.Shape
	classes int
	images  *nn.Array
	labels  []int
	pass    nn.Pass
	grads   []*nn.Array // windows on the gradient's vector, one a layer
	logits  *gorgonia.Node
	loss    *gorgonia.Node
}

func newGraph(net *Net, layers []nn.Layer, o Options, n int, train bool) (*graph, error) {
	g := &graph{shape: o.Shape, classes: o.Classes, images: nn.Window(o.Shape.C, o.Shape.H, o.Shape.W, n), labels: make([]int, n)}
	g.pass.Filters = net.filters
	g.images.Set(make([]float32, g.images.Size()))
	switch {
	case train:
		g.pass.Buffers.Batch = make([]float32, len(net.buffers))
	case !o.BatchStats:
		g.pass.Buffers.Running = net.buffers
	}
	expr := gorgonia.NewGraph()
	node := gorgonia.NewTensor(expr, tensor.Float32, 4, gorgonia.WithShape(g.images.Shape()...), gorgonia.WithName("images"), gorgonia.WithValue(g.images))
	labels := gorgonia.NewVector(expr, tensor.Int, gorgonia.WithShape(n), gorgonia.WithName("labels"), gorgonia.WithValue(tensor.New(tensor.WithShape(n), tensor.WithBacking(g.labels))))

	var params gorgonia.Nodes
	var fast nn.FastSize
	at := 0
	for i, l := range layers {
		var err error
		size := nn.Len(l)
		if !o.Direct {
			if err = fast.Add(l, node.Shape(), train); err != nil {
				return nil, err
			}
		}
		if size == 0 {
			if node, err = l.Apply(node, nil, nil, &g.pass); err != nil {
				return nil, err
			}
			continue
		}
		values, grad := nn.Window(size), nn.Window(size)
		values.Set(net.params[at : at+size])
		at += size
		p := gorgonia.NewVector(expr, tensor.Float32, gorgonia.WithShape(size), gorgonia.WithName(fmt.Sprintf("layer %d", i)), gorgonia.WithValue(values))
		if node, err = l.Apply(node, p, grad, &g.pass); err != nil {
			return nil, err
		}
		params, g.grads = append(params, p), append(g.grads, grad)
	}
	fast.Reserve(&g.pass)
	g.logits = node
	if train {
		var err error
		if g.loss, err = nn.SoftmaxCrossEntropy(node, labels, &g.pass); err != nil {
			return nil, err
		}
		if _, err = gorgonia.Grad(g.loss, params...); err != nil {
			return nil, fmt.Errorf("differentiate: %w", err)
		}
	}
	g.machine = gorgonia.NewTapeMachine(expr)
	return g, nil
}

func (g *graph) run(b *data.Batch, rng *rand.Rand) error {
	if b.Shape != g.shape || b.N != len(g.labels) {
		return fmt.Errorf("models: batch is %d images of %v, want %d of %v", b.N, b.Shape, len(g.labels), g.shape)
	}
	for i, label := range b.Labels {
		if label >= g.classes {
			return fmt.Errorf("models: label %d of the batch is %d, want below %d, or negative for none", i, label, g.classes)
		}
	}
	g.images.Set(b.X)
	copy(g.labels, b.Labels)
	g.pass.Rand = rng
	g.machine.Reset()
	if err := g.machine.RunAll(); err != nil {
		return fmt.Errorf("models: run the graph: %w", err)
	}
	return nil
}
