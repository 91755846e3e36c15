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
func (l Stem) Apply(x, params *gorgonia.Node, grad gorgonia.Value, pass *Pass) (*gorgonia.Node, error) {
	c, err := l.geometry(x.Shape())
	if err != nil {
		return nil, err
	}
	st, err := pass.engine().Stem(l, c, params.Value(), pass)
	if err != nil {
		return nil, err
	}
	return layer{l.Conv, l.output(c), true, grad}.apply(st, x, params, pass)
}

// Stem implements [Engine].
func (Host) Stem(l Stem, c kernel.Conv, params gorgonia.Value, pass *Pass) (State, error) {
	st := &stem{unit: newUnit(c, floats(params), pass), a: NewArray(c.OH(), c.Co, c.OW(), c.N)}
	st.out = st.a
	if l.Pool {
		pool := l.MaxPool(c)
		st.pool = &pool
		st.out = NewArray(l.output(c)...)
		st.arg = make([]uint8, st.out.Size())
	}
	return st, nil
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

// output is the shape of what comes of the convolution.
func (l Stem) output(c kernel.Conv) tensor.Shape {
	if l.Pool {
		p := l.MaxPool(c)
		return tensor.Shape{p.OH(), c.Co, p.OW(), c.N}
	}
	return tensor.Shape{c.OH(), c.Co, c.OW(), c.N}
}

// MaxPool is the pool behind the convolution c, if there is one.
func (l Stem) MaxPool(c kernel.Conv) kernel.MaxPool {
	return kernel.MaxPool{C: c.Co, H: c.OH(), W: c.OW(), K: 3, Stride: 2, Pad: 1, N: c.N}
}

// Size implements [Layer].
func (l Stem) Size(x tensor.Shape, train bool) (out tensor.Shape, bytes int, err error) {
	c, err := l.geometry(x)
	if err != nil {
		return nil, 0, err
	}
	z := size(c.OH() * c.Co * c.OW() * c.N)
	bytes = unitSize(c) + z
	if train {
		bytes += z
	}
	out = l.output(c)
	if l.Pool {
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

// Forward implements [State].
func (st *stem) Forward(x, params gorgonia.Value) (gorgonia.Value, error) {
	st.forward(floats(x), floats(params))
	st.norm.ReLU(st.a.data, st.z)
	if st.pool != nil {
		st.pool.Forward(st.out.data, st.arg, st.a.data)
	}
	return st.out, nil
}

// Train implements [State].
func (st *stem) Train(tensor.Shape) error {
	st.g = make([]float32, len(st.z))
	st.count()
	return nil
}

// Backward implements [State], once a Forward.
func (st *stem) Backward(dout, grad gorgonia.Value) (gorgonia.Value, error) {
	g := floats(dout)
	if st.pool != nil {
		st.pool.Backward(st.g, g, st.arg)
		g = st.g
	}
	st.norm.Mask(st.g, g, st.a.data, st.z)
	st.backward(st.g, floats(grad))
	return nil, nil
}

// AveragePool is the mean over all pixels.
type AveragePool struct{}

// Params lists none.
func (AveragePool) Params() []Param { return nil }

// Apply maps x, H×C×W×N, to C×N. It needs no params and no grad.
func (l AveragePool) Apply(x, _ *gorgonia.Node, _ gorgonia.Value, pass *Pass) (*gorgonia.Node, error) {
	out, _, err := l.Size(x.Shape(), false)
	if err != nil {
		return nil, err
	}
	st, err := pass.engine().AveragePool(x.Shape())
	if err != nil {
		return nil, err
	}
	return layer{name: "avgpool", shape: out}.apply(st, x, nil, pass)
}

// AveragePool implements [Engine].
func (Host) AveragePool(x tensor.Shape) (State, error) {
	return &averagePool{h: x[0], c: x[1], w: x[2], n: x[3], out: NewArray(x[1], x[3])}, nil
}

// averagePool is the state of one AveragePool in one graph.
type averagePool struct {
	h, c, w, n int
	out, din   *Array
}

// Forward implements [State].
func (st *averagePool) Forward(x, _ gorgonia.Value) (gorgonia.Value, error) {
	kernel.AveragePool(st.out.data, floats(x), st.h, st.c, st.w, st.n)
	return st.out, nil
}

// Train implements [State].
func (st *averagePool) Train(din tensor.Shape) error {
	st.din = NewArray(din...)
	return nil
}

// Backward implements [State].
func (st *averagePool) Backward(dout, _ gorgonia.Value) (gorgonia.Value, error) {
	kernel.GradAveragePool(st.din.data, floats(dout), st.h, st.c, st.w, st.n)
	return st.din, nil
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
