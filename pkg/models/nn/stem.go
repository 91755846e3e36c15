package nn

import (
	"fmt"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"github.com/bgmd/bgmd/pkg/models/nn/kernel"
)

// Stem is the first layer of a residual network, in one op: a convolution of
// the image without bias, batch norm, ReLU and, optionally, a max-pool over 3×3
// pixels of stride 2 and padding 1.
type Stem struct {
	Conv, Norm          string // names
	In, Out             int    // channels
	Kernel, Stride, Pad int    // of the convolution
	Pool                bool
}

func (l Stem) conv() kernel.Conv {
	return kernel.Conv{Ci: l.In, Co: l.Out, K: l.Kernel, Stride: l.Stride, Pad: l.Pad}
}

// Params lists the weight [Out, In, Kernel, Kernel] and the norm's weight and
// bias [Out].
func (l Stem) Params() []Param { return unitParams(l.Conv, l.Norm, l.conv()) }

// Norms lists the norm.
func (l Stem) Norms() []Norm { return []Norm{{l.Norm, l.Out}} }

// Apply maps images x, In×H×W×N, to H'×Out×W'×N.
func (l Stem) Apply(x, params *gorgonia.Node, grad *Array, pass *Pass) (*gorgonia.Node, error) {
	c, err := l.geometry(x.Shape())
	if err != nil {
		return nil, err
	}
	st := &stem{unit: newUnit(c, floats(params.Value()), pass), a: NewArray(c.OH(), c.Co, c.OW(), c.N)}
	st.out = st.a
	if l.Pool {
		pool := l.pool(c)
		st.pool = &pool
		st.out = NewArray(pool.OH(), c.Co, pool.OW(), c.N)
		st.arg = make([]uint8, st.out.Size())
	}
	return op{
		name: l.Conv, shape: st.out.shape, pass: pass,
		do: func(in []gorgonia.Value) (gorgonia.Value, error) {
			st.forward(floats(in[0]), floats(in[1]))
			return st.out, nil
		},
		wrt: []bool{false, true},
		diff: func(_ gorgonia.Nodes, _, dout *gorgonia.Node) (gorgonia.Nodes, error) {
			st.g = make([]float32, len(st.z))
			st.count()
			back, err := op{
				name: l.Conv + ".grad", shape: grad.shape, pass: pass,
				do: func(in []gorgonia.Value) (gorgonia.Value, error) {
					st.backward(floats(in[0]), grad.data)
					return grad, nil
				},
			}.apply(dout)
			return gorgonia.Nodes{nil, back}, err
		},
	}.apply(x, params)
}

// geometry is the convolution on images of shape s.
func (l Stem) geometry(s tensor.Shape) (kernel.Conv, error) {
	c := l.conv()
	if len(s) != 4 || s[0] != l.In {
		return c, fmt.Errorf("nn: %s: input is %v, want %d×H×W×N", l.Conv, s, l.In)
	}
	c.H, c.W, c.N = s[1], s[2], s[3]
	if c.OH() < 1 || c.OW() < 1 {
		return c, fmt.Errorf("nn: %s: image is %d×%d, want at least %d×%d", l.Conv, c.H, c.W, c.K-2*c.Pad, c.K-2*c.Pad)
	}
	if !c.Thin() {
		return c, fmt.Errorf("nn: %s: %d input channels, want fewer than 16 in the first layer", l.Conv, l.In)
	}
	return c, nil
}

// pool is the max-pool behind the convolution.
func (l Stem) pool(c kernel.Conv) kernel.MaxPool {
	return kernel.MaxPool{C: c.Co, H: c.OH(), W: c.OW(), K: 3, Stride: 2, Pad: 1, N: c.N}
}

// Size implements [Layer].
func (l Stem) Size(x tensor.Shape, train bool) (out tensor.Shape, bytes int, err error) {
	c, err := l.geometry(x)
	if err != nil {
		return nil, 0, err
	}
	out = tensor.Shape{c.OH(), c.Co, c.OW(), c.N}
	bytes = unitSize(c) + size(out.TotalSize())
	if train {
		bytes += size(out.TotalSize())
	}
	if l.Pool {
		p := l.pool(c)
		out = tensor.Shape{p.OH(), c.Co, p.OW(), c.N}
		bytes += (1 + size(1)) * out.TotalSize()
	}
	return out, bytes, nil
}

// stem is the state of one Stem in one graph.
type stem struct {
	*unit
	pool   *kernel.MaxPool // nil without
	arg    []uint8
	a, out *Array // before and after the pool
	g      []float32
}

func (st *stem) forward(x, params []float32) {
	st.unit.forward(x, params)
	st.norm.ReLU(st.a.data, st.z)
	if st.pool != nil {
		st.pool.Forward(st.out.data, st.arg, st.a.data)
	}
}

// backward computes the gradients of the last forward pass, once.
func (st *stem) backward(dout, grad []float32) {
	if st.pool != nil {
		st.pool.Backward(st.g, dout, st.arg)
		dout = st.g
	}
	st.norm.Mask(st.g, dout, st.a.data, st.z)
	st.unit.backward(st.g, grad)
}

// AveragePool is the mean over all pixels.
type AveragePool struct{}

// Params lists none.
func (AveragePool) Params() []Param { return nil }

// Apply maps x, H×C×W×N, to C×N. It needs no params and no grad.
func (AveragePool) Apply(x, _ *gorgonia.Node, _ *Array, pass *Pass) (*gorgonia.Node, error) {
	s := x.Shape()
	if _, _, err := (AveragePool{}).Size(s, false); err != nil {
		return nil, err
	}
	h, c, w, n := s[0], s[1], s[2], s[3]
	out := NewArray(c, n)
	return op{
		name: "avgpool", shape: tensor.Shape{c, n}, pass: pass, wrt: []bool{true},
		do: func(in []gorgonia.Value) (gorgonia.Value, error) {
			kernel.AveragePool(out.data, floats(in[0]), h, c, w, n)
			return out, nil
		},
		diff: func(_ gorgonia.Nodes, _, dout *gorgonia.Node) (gorgonia.Nodes, error) {
			din := NewArray(h, c, w, n)
			back, err := op{
				name: "avgpool.grad", shape: din.shape, pass: pass,
				do: func(in []gorgonia.Value) (gorgonia.Value, error) {
					kernel.GradAveragePool(din.data, floats(in[0]), h, c, w, n)
					return din, nil
				},
			}.apply(dout)
			return gorgonia.Nodes{back}, err
		},
	}.apply(x)
}

// Size implements [Layer].
func (AveragePool) Size(x tensor.Shape, train bool) (out tensor.Shape, bytes int, err error) {
	if len(x) != 4 {
		return nil, 0, fmt.Errorf("nn: average pool: input is %v, want H×C×W×N", x)
	}
	out = tensor.Shape{x[1], x[3]}
	bytes = size(out.TotalSize())
	if train {
		bytes += size(x.TotalSize())
	}
	return out, bytes, nil
}
