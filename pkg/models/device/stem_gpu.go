//go:build gpu && linux

package device

import (
	"cmp"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"github.com/bgmd/bgmd/internal/cuda"
	"github.com/bgmd/bgmd/pkg/models/nn"
	"github.com/bgmd/bgmd/pkg/models/nn/kernel"
)

// Stem implements [nn.Engine].
func (e *Engine) Stem(l nn.Stem, c kernel.Conv, _ gorgonia.Value, pass *nn.Pass) (nn.State, error) {
	u, err := e.newUnit(c, pass)
	if err != nil {
		return nil, err
	}
	st := &stem{unit: u}
	if st.a, err = NewArray(e.dev, c.OH(), c.Co, c.OW(), c.N); err != nil {
		return nil, err
	}
	st.out = st.a
	if l.Pool {
		p := l.MaxPool(c)
		st.pool = cuda.MaxPool{C: p.C, H: p.H, W: p.W, K: p.K, Stride: p.Stride, Pad: p.Pad, M: p.N}
		var errs [2]error
		st.out, errs[0] = NewArray(e.dev, p.OH(), p.C, p.OW(), p.N)
		st.arg, errs[1] = Alloc[uint8](e.dev, st.pool.OutLen())
		err = cmp.Or(errs[:]...)
	}
	return st, err
}

// stem is the state of one Stem in one graph.
type stem struct {
	*unit
	pool   cuda.MaxPool // with arg
	arg    cuda.Memory[uint8]
	a, out *Array // before and after the pool
	g      cuda.Memory[float32]
}

// Forward implements [nn.State].
func (st *stem) Forward(x, params gorgonia.Value) (gorgonia.Value, error) {
	s := st.dev.Stream
	err := cmp.Or(
		st.forward(memory(x), memory(params)),
		s.NormReLU(st.norm, st.a.Memory, st.z, st.channels))
	if st.out != st.a {
		err = cmp.Or(err, s.MaxPool(st.pool, st.out.Memory, st.arg, st.a.Memory))
	}
	return st.out, err
}

// Train implements [nn.State].
func (st *stem) Train(tensor.Shape) (err error) {
	st.train(1)
	st.g, err = Alloc[float32](st.dev, st.z.Len())
	return err
}

// Backward implements [nn.State], once a Forward.
func (st *stem) Backward(dout, grad gorgonia.Value) (gorgonia.Value, error) {
	g := memory(dout)
	var err error
	if st.out != st.a {
		err = st.dev.Stream.MaxPoolGrad(st.pool, st.g, g, st.arg)
		g = st.g
	}
	return nil, cmp.Or(err, st.backward(st.g, g, st.a.Memory, memory(grad)))
}

// AveragePool implements [nn.Engine].
func (e *Engine) AveragePool(x tensor.Shape) (nn.State, error) {
	st := &averagePool{Engine: e, h: x[0], c: x[1], w: x[2], m: x[3]}
	var err error
	st.out, err = NewArray(e.dev, st.c, st.m)
	return st, err
}

// averagePool is the state of one AveragePool in one graph.
type averagePool struct {
	*Engine
	h, c, w, m int
	out, din   *Array
}

// Forward implements [nn.State].
func (st *averagePool) Forward(x, _ gorgonia.Value) (gorgonia.Value, error) {
	return st.out, st.dev.Stream.AveragePool(st.out.Memory, memory(x), st.h, st.c, st.w, st.m)
}

// Train implements [nn.State].
func (st *averagePool) Train(din tensor.Shape) (err error) {
	st.din, err = NewArray(st.dev, din...)
	return err
}

// Backward implements [nn.State].
func (st *averagePool) Backward(dout, _ gorgonia.Value) (gorgonia.Value, error) {
	return st.din, st.dev.Stream.AveragePoolGrad(st.din.Memory, memory(dout), st.h, st.c, st.w, st.m)
}
