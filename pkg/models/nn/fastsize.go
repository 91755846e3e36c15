package nn

import (
	"gorgonia.org/tensor"

	"github.com/bgmd/bgmd/pkg/models/nn/kernel"
)

// FastSize adds up what a graph's fast convolutions and packed weights take besides
// what [Layer.Size] says. The zero value has none.
type FastSize struct {
	Direct           bool // as in [Pass]
	own              int
	memory, gradient int // of the space, which the graph's layers share
	weights          int
}

// convolved is a layer with convolutions that may be fast.
type convolved interface {
	// convs lists them for an input of shape x, and how many elements a fast one
	// takes more than by definition.
	convs(x tensor.Shape) (list []kernel.Conv, more int, err error)
}

// Add adds those of l for an input of shape x, with train those for its gradient,
// too. It fails as Apply does.
func (s *FastSize) Add(l Layer, x tensor.Shape, train bool) error {
	if l, ok := l.(Linear); ok {
		return s.addLinear(l, x, train)
	}
	c, ok := l.(convolved)
	if !ok || s.Direct {
		return nil
	}
	list, more, err := c.convs(x)
	for _, c := range list {
		if !c.Fast() {
			continue
		}
		own, memory, gradient, weights := c.FastSize(train)
		s.own += own + more
		s.memory, s.gradient = max(s.memory, memory), max(s.gradient, gradient)
		s.weights += weights + c.Co*c.Ci*c.K*c.K // and what they were computed from
	}
	return err
}

func (s *FastSize) addLinear(l Linear, x tensor.Shape, train bool) error {
	n, err := l.samples(x)
	if p := l.packed(); err == nil && p.Pays() {
		s.memory = max(s.memory, p.SpaceLen(n))
		if train { // which has what an evaluation takes, too
			s.weights += p.Len(!l.First) + l.In*l.Out // and what they were computed from
		}
	}
	return err
}

// Graph is the bytes that one graph takes.
func (s FastSize) Graph() int { return size(s.own + s.memory + s.gradient) }

// Net is the bytes that all graphs of a net share.
func (s FastSize) Net() int { return size(s.weights) }

// Reserve takes the memory that the layers of p's graph share.
func (s FastSize) Reserve(p *Pass) { p.space.Reserve(s.memory, s.gradient) }

func (l ConvPool) convs(x tensor.Shape) (list []kernel.Conv, more int, err error) {
	c, err := l.geometry(x)
	if err != nil {
		return nil, 0, err
	}
	return []kernel.Conv{c}, (c.OH()*kernel.Group - 2*c.N) * c.Co * c.OW(), nil
}

func (l Residual) convs(x tensor.Shape) (list []kernel.Conv, more int, err error) {
	list, err = l.geometry(x)
	return list, 0, err
}
