// Package models builds the networks that the clients train, as Gorgonia
// graphs, and runs them: a gradient a client, straight into its row of G.
//
// A [Net] is one vector of parameters and as many replicas of the graph as
// there are workers. The clients of a step are independent, so workers take
// them from a queue and each runs its own graph on one core; that scales
// better than several cores in one graph, and every gradient is computed in
// the same way whatever the number of workers.
package models

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/bgmd/bgmd/internal/gemm"
	"github.com/bgmd/bgmd/pkg/data"
	"github.com/bgmd/bgmd/pkg/models/device"
	"github.com/bgmd/bgmd/pkg/models/nn"
)

// Options says which network to build.
type Options struct {
	Shape     data.Shape // of an image
	Classes   int
	Widths    []int          // mlp: units of each hidden layer
	Stem      string         // resnet18: a name of Stems; empty is imagenet
	Dropout   float64        // probability that a unit of a dropout layer is dropped
	Batch     int            // samples in a client's batch
	EvalBatch int            // samples in a batch of Predict
	Replicas  int            // graphs to run side by side
	Device    *device.Device // in place of replicas; nil for none
	Clients   int            // of every step, on a device
	Rand      *rand.Rand     // draws the initial parameters
	// BatchStats makes batch norm in Predict use the batch's own statistics, as in
	// training, rather than the running averages.
	BatchStats bool
	// Direct makes all convolutions be computed by their definition, even where fewer
	// multiplications would be faster. Results differ by roundings.
	Direct bool
}

// architectures has a constructor a model: to add one, write its file and put
// it here.
var architectures = map[string]func(Options) ([]nn.Layer, error){
	"lenet":    lenet,
	"mlp":      mlp,
	"resnet18": resnet18,
}

// Names lists the models.
func Names() []string { return slices.Sorted(maps.Keys(architectures)) }

// Net is a network: its parameters and the replicas that compute with them.
type Net struct {
	specs    []nn.Param
	params   []float32
	norms    []nn.Norm
	buffers  []float32
	tracked  int // steps that went into the buffers
	weights  nn.Weights
	workers  int
	replicas []*Replica
	device   runner // nil: the replicas
	backend  string // of the device
}

// New builds the named network with fresh parameters, drawn as PyTorch does:
// from U(−1/√fan_in, 1/√fan_in) for linear and convolution layers, and in
// residual networks as torchvision has it.
func New(name string, o Options) (*Net, error) {
	layers, err := layersOf(name, o)
	if err != nil {
		return nil, err
	}
	net := &Net{}
	total := 0
	for _, l := range layers {
		net.specs = append(net.specs, l.Params()...)
	}
	for _, s := range net.specs {
		total += s.Len()
	}
	net.params = make([]float32, total)
	net.initialise(o.Rand)
	net.addNorms(layers)
	net.workers = o.Replicas
	if o.Device != nil {
		net.backend = backendOf(o.Device)
		if net.device, err = newOnDevice(net, layers, o); err != nil {
			return nil, fmt.Errorf("models: %s: %w", name, err)
		}
		return net, nil
	}
	for range o.Replicas {
		r, err := newReplica(net, layers, o)
		if err != nil {
			return nil, fmt.Errorf("models: %s: %w", name, err)
		}
		net.replicas = append(net.replicas, r)
	}
	return net, nil
}

// layersOf returns the layers of the named network.
func layersOf(name string, o Options) ([]nn.Layer, error) {
	architecture, ok := architectures[name]
	if !ok {
		return nil, fmt.Errorf("models: unknown model %q (have %s)", name, strings.Join(Names(), ", "))
	}
	if err := o.check(); err != nil {
		return nil, fmt.Errorf("models: %s: %w", name, err)
	}
	return architecture(o)
}

func (o Options) check() error {
	var errs []error
	for _, count := range []struct {
		name  string
		value int
	}{{"classes", o.Classes}, {"batch", o.Batch}, {"evaluation batch", o.EvalBatch}, {"replicas", o.Replicas}} {
		if count.value < 1 {
			errs = append(errs, fmt.Errorf("%s is %d, want at least 1", count.name, count.value))
		}
	}
	if o.Device != nil && o.Clients < 1 {
		errs = append(errs, fmt.Errorf("clients is %d, want at least 1 on a device", o.Clients))
	}
	if !(o.Dropout >= 0 && o.Dropout < 1) {
		errs = append(errs, fmt.Errorf("dropout is %v, want [0, 1)", o.Dropout))
	}
	if o.Rand == nil {
		errs = append(errs, errors.New("no generator for the initial parameters"))
	}
	return errors.Join(errs...)
}

func (n *Net) initialise(rng *rand.Rand) {
	for spec, x := range n.each() {
		spec.FromTorch(x, spec.Draw(rng))
	}
}

// each yields the parameter arrays with their parts of the vector, in order.
func (n *Net) each() func(yield func(nn.Param, []float32) bool) {
	return func(yield func(nn.Param, []float32) bool) {
		at := 0
		for _, s := range n.specs {
			if !yield(s, n.params[at:at+s.Len()]) {
				return
			}
			at += s.Len()
		}
	}
}

// Backend names what multiplies matrices, as records do: go-avx512, go-avx2 or
// go-generic, with +winograd behind it if convolutions are computed with fewer
// multiplications than by their definition; cuda-sm90 and so on for a device.
func (n *Net) Backend() string {
	if n.device != nil {
		return n.backend
	}
	if done, byDefinition := n.replicas[0].Flops(); done < byDefinition {
		return gemm.Backend() + "+winograd"
	}
	return gemm.Backend()
}

// Params is the vector of all d parameters, not a copy: replicas see a change
// at their next run, or at the next call of Each. Its order is that of a gradient's.
func (n *Net) Params() []float32 { return n.params }

// Replicas is the number of graphs that run side by side; 0 on a device.
func (n *Net) Replicas() int { return len(n.replicas) }

// Workers is the number of workers that [Net.Grads] and [Net.Predict] use: the numbers that
// they pass are below it.
func (n *Net) Workers() int { return n.workers }

// Replica returns replica i, counted from 0.
func (n *Net) Replica(i int) *Replica { return n.replicas[i] }

// Each calls f for every i in [0, count), from as many goroutines as there are
// replicas, each with one of its own. After an error no new calls start; all
// errors come back joined. f must not change the parameters. A net on a device has
// no replicas, which is an error.
func (n *Net) Each(count int, f func(r *Replica, i int) error) error {
	if n.device != nil {
		return errors.New("models: a net on a device has no replicas")
	}
	n.weights.Update()
	for _, r := range n.replicas {
		r.updated = true
		defer func() { r.updated = false }()
	}
	return share(len(n.replicas), count, func(w, i int) error { return f(n.replicas[w], i) })
}

// share calls f for every i in [0, count), from as many goroutines as there are workers,
// with the number of the worker that calls. After an error no new calls start; all errors
// come back joined.
func share(workers, count int, f func(worker, i int) error) error {
	var next atomic.Int64
	errs := make([]error, workers)
	var failed atomic.Bool
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			for !failed.Load() {
				i := int(next.Add(1)) - 1
				if i >= count {
					return
				}
				if errs[w] = f(w, i); errs[w] != nil {
					failed.Store(true)
				}
			}
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

// Tensor is one array of parameters or buffers with the name, shape and order that
// PyTorch gives it.
type Tensor struct {
	Name  string
	Shape []int
	Data  []float32
}

// Export returns a copy of the parameters, a tensor each, and then of the
// buffers, as PyTorch's state_dict has them.
func (n *Net) Export() []Tensor {
	var ts []Tensor
	for spec, x := range n.each() {
		t := Tensor{Name: spec.Name, Shape: slices.Clone(spec.Shape), Data: make([]float32, len(x))}
		spec.ToTorch(t.Data, x)
		ts = append(ts, t)
	}
	return append(ts, n.exportBuffers()...)
}

// Import sets parameters and buffers to the given tensors, found by name. Tensors of
// other names are ignored. When one is missing or has another shape, nothing
// is changed and all such problems come back.
func (n *Net) Import(tensors []Tensor) error {
	byName := map[string]Tensor{}
	for _, t := range tensors {
		byName[t.Name] = t
	}
	var errs []error
	for _, spec := range n.specs {
		if err := fits(byName, spec.Name, spec.Shape); err != nil {
			errs = append(errs, err)
		}
	}
	if err := errors.Join(append(errs, n.checkBuffers(byName)...)...); err != nil {
		return err
	}
	for spec, x := range n.each() {
		spec.FromTorch(x, byName[spec.Name].Data)
	}
	n.importBuffers(byName)
	return nil
}
