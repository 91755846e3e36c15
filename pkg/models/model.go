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
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/bgmd/bgmd/pkg/data"
	"github.com/bgmd/bgmd/pkg/models/nn"
)

// Options says which network to build.
type Options struct {
	Shape     data.Shape // of an image
	Classes   int
	Widths    []int      // mlp: units of each hidden layer
	Dropout   float64    // probability that a unit of a dropout layer is dropped
	Batch     int        // samples in a client's batch
	EvalBatch int        // samples in a batch of Predict
	Replicas  int        // graphs to run side by side
	Rand      *rand.Rand // draws the initial parameters
}

// architectures has a constructor a model: to add one, write its file and put
// it here.
var architectures = map[string]func(Options) ([]nn.Layer, error){
	"lenet": lenet,
	"mlp":   mlp,
}

// Names lists the models.
func Names() []string { return slices.Sorted(maps.Keys(architectures)) }

// Net is a network: its parameters and the replicas that compute with them.
type Net struct {
	specs    []nn.Param
	params   []float32
	replicas []*Replica
}

// New builds the named network with fresh parameters, each drawn from
// U(−1/√fan_in, 1/√fan_in) as PyTorch does for linear and convolution layers.
func New(name string, o Options) (*Net, error) {
	architecture, ok := architectures[name]
	if !ok {
		return nil, fmt.Errorf("models: unknown model %q (have %s)", name, strings.Join(Names(), ", "))
	}
	if err := o.check(); err != nil {
		return nil, fmt.Errorf("models: %s: %w", name, err)
	}
	layers, err := architecture(o)
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
	for range o.Replicas {
		r, err := newReplica(net, layers, o)
		if err != nil {
			return nil, fmt.Errorf("models: %s: %w", name, err)
		}
		net.replicas = append(net.replicas, r)
	}
	return net, nil
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
		bound := 1 / math.Sqrt(float64(spec.FanIn))
		torch := make([]float32, len(x))
		for i := range torch {
			torch[i] = float32((2*rng.Float64() - 1) * bound)
		}
		spec.FromTorch(x, torch)
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

// Params is the vector of all d parameters, not a copy: replicas see a change
// at their next run. Its order is that of a gradient's.
func (n *Net) Params() []float32 { return n.params }

// Replicas is the number of graphs that run side by side.
func (n *Net) Replicas() int { return len(n.replicas) }

// Replica returns one of them, counted from 0.
func (n *Net) Replica(i int) *Replica { return n.replicas[i] }

// Each calls f for every i in [0, count), from as many goroutines as there are
// replicas, each with one of its own. After an error no new calls start; all
// errors come back joined.
func (n *Net) Each(count int, f func(r *Replica, i int) error) error {
	var next atomic.Int64
	errs := make([]error, len(n.replicas))
	var failed atomic.Bool
	var wg sync.WaitGroup
	for w, r := range n.replicas {
		wg.Go(func() {
			for !failed.Load() {
				i := int(next.Add(1)) - 1
				if i >= count {
					return
				}
				if errs[w] = f(r, i); errs[w] != nil {
					failed.Store(true)
				}
			}
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

// Tensor is one array of parameters with the name, shape and order that
// PyTorch gives it.
type Tensor struct {
	Name  string
	Shape []int
	Data  []float32
}

// Export returns a copy of the parameters, a tensor each.
func (n *Net) Export() []Tensor {
	var ts []Tensor
	for spec, x := range n.each() {
		t := Tensor{Name: spec.Name, Shape: slices.Clone(spec.Shape), Data: make([]float32, len(x))}
		spec.ToTorch(t.Data, x)
		ts = append(ts, t)
	}
	return ts
}

// Import sets the parameters to the given tensors, found by name. Tensors of
// other names are ignored. When one is missing or has another shape, nothing
// is changed and all such problems come back.
func (n *Net) Import(tensors []Tensor) error {
	byName := map[string]Tensor{}
	for _, t := range tensors {
		byName[t.Name] = t
	}
	var errs []error
	for spec, x := range n.each() {
		switch t, ok := byName[spec.Name]; {
		case !ok:
			errs = append(errs, fmt.Errorf("models: no tensor %q", spec.Name))
		case !slices.Equal(t.Shape, spec.Shape) || len(t.Data) != len(x):
			errs = append(errs, fmt.Errorf("models: tensor %q has shape %v and %d elements, want %v", spec.Name, t.Shape, len(t.Data), spec.Shape))
		}
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	for spec, x := range n.each() {
		spec.FromTorch(x, byName[spec.Name].Data)
	}
	return nil
}
