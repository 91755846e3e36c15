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
	train, eval *hostGraph
	batch, seen *data.Batch // of Net.Grads and Net.Predict; nil before
}

func newReplica(net *Net, layers []nn.Layer, o Options) (*Replica, error) {
	train, err := newHostGraph(net, layers, o, o.Batch, true)
	if err != nil {
		return nil, err
	}
	eval, err := newHostGraph(net, layers, o, o.EvalBatch, false)
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
		r.net.weights.Update()
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

// hostGraph is a graph of the host's with windows on what goes in and out.
type hostGraph struct {
	graph
	shape   data.Shape
	classes int
	images  *nn.Array
	labels  []int
	grads   []*nn.Array // windows on the gradient's vector, one a layer
}

func newHostGraph(net *Net, layers []nn.Layer, o Options, n int, train bool) (*hostGraph, error) {
	g := &hostGraph{shape: o.Shape, classes: o.Classes, images: nn.Window(o.Shape.C, o.Shape.H, o.Shape.W, n), labels: make([]int, n)}
	g.pass.Weights, g.pass.Direct = &net.weights, o.Direct
	g.images.Set(make([]float32, g.images.Size()))
	switch {
	case train:
		g.pass.Buffers.Batch = make([]float32, len(net.buffers))
	case !o.BatchStats:
		g.pass.Buffers.Running = net.buffers
	}
	return g, g.compile(layers, values{
		images: g.images,
		labels: tensor.New(tensor.WithShape(n), tensor.WithBacking(g.labels)),
		params: func(at, size int) gorgonia.Value {
			w := nn.Window(size)
			w.Set(net.params[at : at+size])
			return w
		},
		grad: func(_, size int) gorgonia.Value {
			w := nn.Window(size)
			g.grads = append(g.grads, w)
			return w
		},
	}, train)
}

func (g *hostGraph) run(b *data.Batch, rng *rand.Rand) error {
	if err := checkBatch(b, g.shape, len(g.labels), g.classes); err != nil {
		return err
	}
	g.images.Set(b.X)
	copy(g.labels, b.Labels)
	g.pass.Rand = rng
	return g.graph.run()
}

// checkBatch refuses a batch that is not n images of the given shape and classes.
func checkBatch(b *data.Batch, shape data.Shape, n, classes int) error {
	if b.Shape != shape || b.N != n {
		return fmt.Errorf("models: batch is %d images of %v, want %d of %v", b.N, b.Shape, n, shape)
	}
	for i, label := range b.Labels {
		if label >= classes {
			return fmt.Errorf("models: label %d of the batch is %d, want below %d, or negative for none", i, label, classes)
		}
	}
	return nil
}
