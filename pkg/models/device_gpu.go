//go:build gpu && linux

package models

import (
	"cmp"
	"fmt"
	"time"

	"gorgonia.org/gorgonia"

	"github.com/bgmd/bgmd/internal/cuda"
	"github.com/bgmd/bgmd/pkg/models/device"
	"github.com/bgmd/bgmd/pkg/models/nn"
)

// onDevice runs a net on a device: one graph for the batches of all clients of a step,
// and one for a batch of evaluation. The host draws batches, hands them over, and gets
// back the clients' gradients.
type onDevice struct {
	net     *Net
	dev     *device.Device
	options Options

	params       cuda.Memory[float32]
	ahead        bool // params are newer than the host's
	hostParams   cuda.Pinned[float32]
	gradients    cuda.Rows            // a row a client
	hostGradient cuda.Pinned[float32] // for rows, once it was called

	train, eval *deviceGraph
	running     cuda.Memory[float32] // of batch norm, for evaluation
	hostRunning cuda.Pinned[float32]
	statistics  cuda.Pinned[float32] // of the clients' batches
	phases      *phases              // nil where nobody asks
	drawn       *batches             // what clients draw, on its way to the device
	images      cuda.Memory[float32] // the same there, client by client
	losses      cuda.Pinned[float64]
	test        testSet
}

// deviceGraph is a graph on the device and its inputs.
type deviceGraph struct {
	graph
	engine *device.Engine
	images *device.Array
	labels *device.Labels
}

func newOnDevice(net *Net, layers []nn.Layer, o Options) (runner, error) {
	d, size := len(net.params), o.Shape.Size()
	r := &onDevice{net: net, dev: o.Device, options: o}
	buffers := len(net.buffers)
	var errs [9]error
	r.params, errs[0] = device.Alloc[float32](r.dev, d)
	r.hostParams, errs[1] = device.AllocPinned[float32](r.dev, d)
	r.gradients, errs[2] = device.AllocRows(r.dev, o.Clients, d)
	r.images, errs[3] = device.Alloc[float32](r.dev, o.Clients*o.Batch*size)
	r.losses, errs[4] = device.AllocPinned[float64](r.dev, o.Clients)
	r.drawn, errs[5] = newBatches(r.dev, o, o.Clients, o.Batch)
	r.running, errs[6] = device.Alloc[float32](r.dev, buffers)
	r.hostRunning, errs[7] = device.AllocPinned[float32](r.dev, buffers)
	r.statistics, errs[8] = device.AllocPinned[float32](r.dev, o.Clients*buffers)
	err := cmp.Or(errs[:]...)
	if err == nil {
		r.train, err = r.compile(layers, o.Clients, o.Batch, true)
	}
	if err == nil {
		r.eval, err = r.compile(layers, 1, o.EvalBatch, false)
	}
	if err == nil {
		err = r.test.reserve(r)
	}
	return r, err
}

// compile builds the graph for the samples of clients, n each.
func (r *onDevice) compile(layers []nn.Layer, clients, n int, train bool) (*deviceGraph, error) {
	g, s := &deviceGraph{}, r.options.Shape
	var errs [3]error
	g.engine, errs[0] = device.NewEngine(r.dev, clients, n, r.gradients.Stride, len(r.net.buffers))
	g.images, errs[1] = device.NewArray(r.dev, s.C, s.H, s.W, clients*n)
	g.labels, errs[2] = device.NewLabels(r.dev, clients*n)
	if err := cmp.Or(errs[:]...); err != nil {
		return nil, err
	}
	if !train && !r.options.BatchStats {
		g.engine.Running = r.running
	}
	g.pass.Engine = g.engine
	err := g.graph.compile(layers, values{
		images: g.images,
		labels: g.labels,
		params: func(at, size int) gorgonia.Value { return device.Window(r.params.Slice(at, at+size), size) },
		grad:   func(at, size int) gorgonia.Value { return device.Window(r.gradients.From(at), size) },
	}, train)
	if err != nil {
		return nil, err
	}
	return g, g.engine.Reserve()
}

func (r *onDevice) rows() (_ []float32, err error) {
	if r.hostGradient.Len() == 0 {
		r.hostGradient, err = device.AllocPinned[float32](r.dev, r.options.Clients*len(r.net.params))
	}
	return r.hostGradient.Slice(), err
}

func (r *onDevice) flops() (done, byDefinition int) {
	return r.train.pass.Flops / r.options.Clients, r.train.pass.ByDefinition / r.options.Clients
}

// upload hands over parameters and running averages as they are now.
func (r *onDevice) upload() error {
	copy(r.hostRunning.Slice(), r.net.buffers)
	err := cuda.Upload(r.dev.Stream, r.running, r.hostRunning)
	if r.ahead {
		return err
	}
	copy(r.hostParams.Slice(), r.net.params)
	return cmp.Or(err, cuda.Upload(r.dev.Stream, r.params, r.hostParams))
}

func (r *onDevice) grads(c Clients) error {
	if c.Count != r.options.Clients {
		return fmt.Errorf("models: gradients of %d clients, want %d", c.Count, r.options.Clients)
	}
	start := time.Now()
	if err := r.draw(c); err != nil {
		return err
	}
	if err := r.phases.begin(r.dev.Stream, time.Since(start)); err != nil {
		return err
	}
	if err := r.compute(c.Dropout != nil); err != nil {
		return err
	}
	return r.fetch(c)
}

// draw draws the clients' batches, with labels and seeds, into pinned memory.
func (r *onDevice) draw(c Clients) error {
	return share(r.net.workers, c.Count, func(worker, i int) error {
		c.Draw(worker, i, r.drawn.list[i])
		if c.Dropout != nil {
			if err := r.drawn.seed(i, c.Dropout(i)); err != nil {
				return err
			}
		}
		return r.drawn.note(i, r.options.Classes)
	})
}

// compute queues the computation of the gradients, losses and statistics of what was
// drawn. It does not wait.
func (r *onDevice) compute(drop bool) error {
	o, g, s := r.options, r.train, r.dev.Stream
	g.engine.Drop = drop
	err := cmp.Or(
		r.upload(),
		cuda.Upload(s, r.images, r.drawn.x),
		cuda.Upload(s, g.labels.Memory, r.drawn.labels),
		cuda.Upload(s, g.engine.Seeds, r.drawn.seeds),
		s.MergeClients(g.images.Memory, r.images, o.Shape.Size(), o.Batch, o.Clients),
		r.phases.end(s, uploading))
	if err == nil {
		err = g.run()
	}
	return cmp.Or(err, r.phases.end(s, computing))
}

// fetch waits for the results that compute has queued and hands them to the caller.
func (r *onDevice) fetch(c Clients) error {
	s, d, buffers := r.dev.Stream, len(r.net.params), len(r.net.buffers)
	var all []float32
	if c.Row != nil {
		var err error
		if all, err = r.rows(); err != nil {
			return err
		}
		for i := range c.Count {
			if err := cuda.Download(s, r.hostGradient.Part(i*d, (i+1)*d), r.gradients.Row(i)); err != nil {
				return err
			}
		}
	}
	err := cmp.Or(
		cuda.Download(s, r.losses, r.train.engine.Losses),
		cuda.Download(s, r.statistics, r.train.engine.Batch),
		r.phases.end(s, downloading),
		s.Wait(),
		r.phases.add())
	if err != nil {
		return err
	}
	return share(r.net.workers, c.Count, func(_, i int) error {
		if c.Row != nil {
			row, got := c.Row(i), all[i*d:(i+1)*d]
			if len(row) != d {
				return fmt.Errorf("models: gradient has %d elements, want %d", len(row), d)
			}
			if &row[0] != &got[0] {
				copy(row, got)
			}
		}
		c.Done(i, r.losses.Slice()[i], r.statistics.Slice()[i*buffers:(i+1)*buffers])
		return nil
	})
}
