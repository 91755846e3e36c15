package nn

import (
	"slices"
	"sync"

	"github.com/bgmd/bgmd/internal/huge"
	"github.com/bgmd/bgmd/internal/par"
	"github.com/bgmd/bgmd/pkg/models/nn/kernel"
)

// Weights holds the weights of a net's layers in the form that their products want. That
// form takes a while to compute, so all graphs of the net share it until parameters
// change. The zero value is empty.
type Weights struct {
	mu   sync.Mutex
	list []*weights
}

// weights are those of one layer.
type weights struct {
	w         []float32 // a window on the net's parameters
	was       []float32 // what u was computed from, nil at first
	u         []float32
	transform func(u, w []float32)
}

// of returns the weights that w is a window on, in whatever graph.
func (s *Weights) of(w []float32, size int, transform func(u, w []float32)) *weights {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, known := range s.list {
		if &known.w[0] == &w[0] {
			return known
		}
	}
	added := &weights{w: w, u: huge.Make[float32](size), transform: transform}
	s.list = append(s.list, added)
	return added
}

// Update computes the weights anew whose parameters have changed. Call it after
// parameters have changed, while no graph runs. Concurrent calls are safe if nothing has
// changed.
func (s *Weights) Update() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, x := range s.list {
		if slices.Equal(x.was, x.w) {
			continue
		}
		x.transform(x.u, x.w)
		x.was = append(x.was[:0], x.w...)
	}
}

// filter is a convolution's fast algorithm in one graph, with the weights that all
// graphs share.
type filter struct {
	*kernel.Winograd
	*weights
}

// filter returns the fast algorithm for c, whose weights begin vector, or nil where
// c is to be computed by definition.
func (p *Pass) filter(c kernel.Conv, vector []float32) *filter {
	if p.Weights == nil || p.Direct || !c.Fast() {
		return nil
	}
	f := &filter{kernel.NewWinograd(c, &p.space), nil}
	f.weights = p.Weights.of(vector[:c.Co*c.Ci*c.K*c.K], f.Transformed(), func(u, w []float32) {
		par.For(c.Co, 4, func(_, from, to int) { f.Transform(u, w, from, to) })
	})
	return f
}

// count adds a product of c to what the pass counts.
func (p *Pass) count(c kernel.Conv, f *filter) {
	p.ByDefinition += c.Flops()
	if f != nil {
		p.Flops += f.Flops()
		return
	}
	p.Flops += c.Flops()
}

// packed is a linear layer whose weights are packed, for all graphs.
type packed struct {
	kernel.Packed
	*weights
}

// packed returns l with packed weights, which begin vector, or nil where it does not
// pay.
func (p *Pass) packed(l Linear, vector []float32) *packed {
	k := l.packed()
	if p.Weights == nil || !k.Pays() {
		return nil
	}
	return &packed{k, p.Weights.of(vector[:l.In*l.Out], k.Len(!l.First), k.Pack)}
}
