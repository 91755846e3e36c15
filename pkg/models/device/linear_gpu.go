//go:build gpu && linux

package device

import (
	"cmp"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"github.com/bgmd/bgmd/internal/cuda"
	"github.com/bgmd/bgmd/pkg/models/nn"
)

// Linear implements [nn.Engine].
func (e *Engine) Linear(l nn.Linear, n int, _ gorgonia.Value, pass *nn.Pass) (nn.State, error) {
	st := &linear{
		Engine: e, relu: l.ReLU, pass: pass,
		product: cuda.Conv{Ci: l.In, H: 1, W: 1, Co: l.Out, K: 1, Stride: 1, N: e.n, Clients: e.clients},
		outputs: cuda.Pixels{C: l.Out, PH: 1, PW: 1, N: e.n, Clients: e.clients},
	}
	var errs [2]error
	st.out, errs[0] = NewArray(e.dev, l.Out, n)
	if l.ReLU {
		st.dropout = cuda.Dropout{Rows: l.Out, N: e.n, Clients: e.clients, P: l.Dropout, Skip: e.draws}
		e.draws += st.dropout.Draws()
		st.scale, errs[1] = Alloc[float32](e.dev, l.Out*n)
	}
	count(pass, st.product.Flops())
	return st, cmp.Or(errs[:]...)
}

// linear is the state of one Linear in one graph.
type linear struct {
	*Engine
	relu     bool
	product  cuda.Conv // of one pixel
	outputs  cuda.Pixels
	dropout  cuda.Dropout
	pass     *nn.Pass
	out, din *Array
	scale    cuda.Memory[float32] // what ReLU and dropout multiplied each output by
	dout     cuda.Memory[float32] // the gradient before them
	x, w     cuda.Memory[float32] // what the forward pass saw last
}

// Forward implements [nn.State].
func (st *linear) Forward(x, params gorgonia.Value) (gorgonia.Value, error) {
	all, s := memory(params), st.dev.Stream
	st.x, st.w = memory(x), all.Slice(0, st.product.WeightLen())
	bias := from(all, st.product.WeightLen())
	err := s.ConvForward(st.product, st.out.Memory, st.w, st.x)
	if !st.relu {
		return st.out, cmp.Or(err, s.AddBias(st.out.Memory, bias, st.product.M()))
	}
	d := st.dropout
	if !st.Drop {
		d.P = 0
	}
	return st.out, cmp.Or(err, s.BiasReLUDropout(d, st.out.Memory, st.scale, bias, st.Seeds))
}

// Train implements [nn.State].
func (st *linear) Train(din tensor.Shape) error {
	var errs [2]error
	st.reserve(st.product)
	count(st.pass, st.product.Flops())
	if st.relu {
		st.dout, errs[0] = Alloc[float32](st.dev, st.outputs.Len())
	}
	if din != nil {
		count(st.pass, st.product.Flops())
		st.din, errs[1] = NewArray(st.dev, din...)
	}
	return cmp.Or(errs[:]...)
}

// Backward implements [nn.State].
func (st *linear) Backward(dout, grad gorgonia.Value) (gorgonia.Value, error) {
	g, rows, s := memory(dout), memory(grad), st.dev.Stream
	var err error
	if st.relu {
		err = s.Scale(st.dout, g, st.scale)
		g = st.dout
	}
	err = cmp.Or(err,
		s.BiasGrad(st.outputs, from(rows, st.product.WeightLen()), st.stride, g, cuda.Memory[uint8]{}),
		s.ConvGradWeight(st.product, rows, st.stride, g, st.x, st.space))
	if st.din == nil {
		return nil, err
	}
	return st.din, cmp.Or(err, s.ConvGradInput(st.product, st.din.Memory, st.w, g, false))
}
