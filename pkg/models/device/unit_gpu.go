//go:build gpu && linux

package device

import (
	"cmp"

	"github.com/bgmd/bgmd/internal/cuda"
	"github.com/bgmd/bgmd/pkg/models/nn"
	"github.com/bgmd/bgmd/pkg/models/nn/kernel"
)

// unit is a convolution without bias through batch norm of each client's samples, the
// state of one in one graph. Its parameters are the convolution's weight, gamma and
// beta.
type unit struct {
	*Engine
	conv     cuda.Conv
	norm     cuda.Norm
	pass     *nn.Pass
	flops    int
	at       int // of its norm in the buffers
	channels cuda.Memory[cuda.Channel]
	slopes   cuda.Memory[cuda.Slope]
	z        cuda.Memory[float32] // the convolution's output, and then its gradient
	x, w     cuda.Memory[float32] // what the forward pass saw last
}

func (e *Engine) newUnit(c kernel.Conv, pass *nn.Pass) (*unit, error) {
	u := &unit{
		Engine: e, conv: e.conv(c), pass: pass, flops: c.Flops(), at: e.taken,
		norm: cuda.Norm{H: c.OH(), C: c.Co, W: c.OW(), N: e.n, Clients: e.clients},
	}
	e.taken += nn.Norm{Channels: c.Co}.Len()
	var errs [3]error
	u.channels, errs[0] = Alloc[cuda.Channel](e.dev, e.clients*c.Co)
	u.slopes, errs[1] = Alloc[cuda.Slope](e.dev, e.clients*c.Co)
	u.z, errs[2] = Alloc[float32](e.dev, u.conv.OutLen())
	count(pass, u.flops)
	return u, cmp.Or(errs[:]...)
}

// params is the number of the unit's parameters.
func (u *unit) params() int { return u.conv.WeightLen() + 2*u.conv.Co }

// split parts a unit's parameters, or the rows of their gradients, which are longer.
func (u *unit) split(m cuda.Memory[float32]) (w, gamma, beta cuda.Memory[float32]) {
	n := u.conv.WeightLen()
	return m, from(m, n), from(m, n+u.conv.Co)
}

// forward computes z from x and sets the norm.
func (u *unit) forward(x, params cuda.Memory[float32]) error {
	w, gamma, beta := u.split(params)
	u.x, u.w = x, w.Slice(0, u.conv.WeightLen())
	s := u.dev.Stream
	err := s.ConvForward(u.conv, u.z, u.w, x)
	if u.Running.Len() > 0 {
		return cmp.Or(err, s.NormUse(u.norm, u.channels, from(u.Running, u.at), gamma, beta))
	}
	return cmp.Or(err, s.NormMeasure(u.norm, u.channels, from(u.Batch, u.at), u.buffers, u.z, gamma, beta))
}

// train counts the products of a backward pass, one or two.
func (u *unit) train(products int) {
	u.reserve(u.conv)
	count(u.pass, products*u.flops)
}

// backward computes g, the gradient before ReLU, from the gradient behind it, dout, and
// the output of ReLU, out. From g it computes the gradients of the parameters. g may be
// dout.
func (u *unit) backward(g, dout, out, rows cuda.Memory[float32]) error {
	dw, dgamma, dbeta := u.split(rows)
	s := u.dev.Stream
	return cmp.Or(
		s.NormMask(u.norm, g, u.slopes, dgamma, dbeta, u.stride, dout, out, u.z, u.channels),
		s.NormGrad(u.norm, u.z, g, u.slopes),
		s.ConvGradWeight(u.conv, dw, u.stride, u.z, u.x, u.space))
}

// input computes the gradient of the input, or adds it to din, after backward.
func (u *unit) input(din cuda.Memory[float32], add bool) error {
	return u.dev.Stream.ConvGradInput(u.conv, din, u.w, u.z, add)
}
