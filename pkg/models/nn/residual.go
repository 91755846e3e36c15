package nn

import (
	"fmt"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"github.com/bgmd/bgmd/pkg/models/nn/kernel"
)

// Residual is the basic block of a residual network [He et al. 2016, as
// torchvision has it], in one op:
//
//	a   = ReLU(bn1(conv1(x)))      3×3, with the block's stride, padding 1
//	out = ReLU(bn2(conv2(a)) + r)  3×3, padding 1
//
// where r is x itself or, if out has another size than x, bn(conv(x)) with a 1×1
// convolution of the block's stride. It is one op because Gorgonia adds the gradients of a
// node's two consumers in a pass of its own.
type Residual struct {
	Name    string
	In, Out int // channels, at least 16
	Stride  int
}

func (l Residual) shortcut() bool { return l.Stride != 1 || l.In != l.Out }

// parts names the block's units, with their convolutions for images of no size.
func (l Residual) parts() []part {
	parts := []part{
		{"conv1", "bn1", kernel.Conv{Ci: l.In, Co: l.Out, K: 3, Stride: l.Stride, Pad: 1}},
		{"conv2", "bn2", kernel.Conv{Ci: l.Out, Co: l.Out, K: 3, Stride: 1, Pad: 1}},
	}
	if l.shortcut() {
		parts = append(parts, part{"downsample.0", "downsample.1", kernel.Conv{Ci: l.In, Co: l.Out, K: 1, Stride: l.Stride}})
	}
	return parts
}

type part struct {
	conv, norm string
	geometry   kernel.Conv
}

// Params lists the weights of conv1, bn1, conv2, bn2 and, if there is one, the
// downsampling shortcut.
func (l Residual) Params() []Param {
	var params []Param
	for _, p := range l.parts() {
		params = append(params, unitParams(l.Name+"."+p.conv, l.Name+"."+p.norm, p.geometry)...)
	}
	return params
}

// Norms lists the batch norms.
func (l Residual) Norms() []Norm {
	var norms []Norm
	for _, p := range l.parts() {
		norms = append(norms, Norm{l.Name + "." + p.norm, l.Out})
	}
	return norms
}

// Apply maps x, H×In×W×N, to ⌈H/Stride⌉×Out×⌈W/Stride⌉×N.
func (l Residual) Apply(x, params *gorgonia.Node, grad gorgonia.Value, pass *Pass) (*gorgonia.Node, error) {
	convs, err := l.geometry(x.Shape())
	if err != nil {
		return nil, err
	}
	st, err := pass.engine().Residual(l, convs, params.Value(), pass)
	if err != nil {
		return nil, err
	}
	return layer{l.Name, l.output(convs), false, grad}.apply(st, x, params, pass)
}

// Residual implements [Engine].
func (Host) Residual(l Residual, convs []kernel.Conv, params gorgonia.Value, pass *Pass) (State, error) {
	st := &residual{out: NewArray(l.output(convs)...)}
	rest := floats(params)
	for _, c := range convs {
		u := newUnit(c, rest, pass)
		st.units, rest = append(st.units, u), rest[u.params():]
	}
	st.a = make([]float32, len(st.units[0].z))
	return st, nil
}

// output is the shape of what comes of the units' convolutions.
func (l Residual) output(convs []kernel.Conv) tensor.Shape {
	last := convs[1]
	return tensor.Shape{last.OH(), l.Out, last.OW(), last.N}
}

// geometry lists the units' convolutions on an input of shape s.
func (l Residual) geometry(s tensor.Shape) ([]kernel.Conv, error) {
	if len(s) != 4 || s[1] != l.In {
		return nil, fmt.Errorf("nn: %s: input is %v, want H×%d×W×N", l.Name, s, l.In)
	}
	if l.In < 16 || l.Out < 16 {
		return nil, fmt.Errorf("nn: %s: %d channels in and %d out, want at least 16", l.Name, l.In, l.Out)
	}
	var convs []kernel.Conv
	for i, p := range l.parts() {
		c := p.geometry
		c.H, c.W, c.N = s[0], s[2], s[3]
		if i == 1 {
			c.H, c.W = convs[0].OH(), convs[0].OW()
		}
		convs = append(convs, c)
	}
	return convs, nil
}

// Size implements [Layer].
func (l Residual) Size(x tensor.Shape, train bool) (out tensor.Shape, bytes int, err error) {
	convs, err := l.geometry(x)
	if err != nil {
		return nil, 0, err
	}
	for _, c := range convs {
		bytes += unitSize(c)
	}
	out = l.output(convs)
	outputs := 2 // a and out, of one size
	if train {
		outputs++ // da
		if l.shortcut() {
			outputs++ // g
		}
		bytes += size(x.TotalSize())
	}
	return out, bytes + size(outputs*out.TotalSize()), nil
}

// residual is the state of one Residual in one graph.
type residual struct {
	units []*unit // conv1, conv2 and, perhaps, the shortcut
	a     []float32
	out   *Array
	da    []float32
	g     []float32 // gradient before the last ReLU, nil where that is in din
	din   *Array
}

// Forward implements [State].
func (st *residual) Forward(in, params gorgonia.Value) (gorgonia.Value, error) {
	x := floats(in)
	rest := st.units[0].forward(x, floats(params))
	st.units[0].norm.ReLU(st.a, st.units[0].z)
	rest = st.units[1].forward(st.a, rest)
	r, norm := x, (*kernel.BatchNorm)(nil)
	if len(st.units) > 2 {
		st.units[2].forward(x, rest)
		r, norm = st.units[2].z, st.units[2].norm
	}
	st.units[1].norm.AddReLU(st.out.data, st.units[1].z, r, norm)
	return st.out, nil
}

// Train implements [State].
func (st *residual) Train(din tensor.Shape) error {
	st.din = NewArray(din...)
	st.da = make([]float32, len(st.a))
	if len(st.units) > 2 {
		st.g = make([]float32, st.out.Size())
	}
	for _, u := range st.units {
		u.count()
		u.count()
	}
	return nil
}

// Backward implements [State], once a Forward.
func (st *residual) Backward(dout, grad gorgonia.Value) (gorgonia.Value, error) {
	st.backward(floats(dout), floats(grad))
	return st.din, nil
}

// backward computes the gradients of the last forward pass, once. Without a
// shortcut the gradient before the last ReLU is made where it is needed, in din.
func (st *residual) backward(dout, grad []float32) {
	first, second := st.units[0], st.units[1]
	_, _, _, rest := first.split(grad)
	g := st.g
	if g == nil {
		g = st.din.data
	}
	second.norm.Mask(g, dout, st.out.data, second.z)
	rest = second.backward(g, rest)
	clear(st.da)
	second.addInput(st.da)
	first.norm.Mask(st.da, st.da, st.a, first.z)
	first.backward(st.da, grad)
	if st.g != nil {
		shortcut := st.units[2]
		shortcut.norm.Mask(g, g, st.out.data, shortcut.z)
		shortcut.backward(g, rest)
		clear(st.din.data)
		shortcut.addInput(st.din.data)
	}
	first.addInput(st.din.data)
}
