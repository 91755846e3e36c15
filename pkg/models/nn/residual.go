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
// where r is x itself, or bn(conv(x)) by 1×1 with the block's stride where its
// channels or stride make out another size than x. One op, because where a node
// has two consumers Gorgonia adds their gradients in a pass of its own.
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
func (l Residual) Apply(x, params *gorgonia.Node, grad *Array, pass *Pass) (*gorgonia.Node, error) {
	s := x.Shape()
	convs, err := l.geometry(s)
	if err != nil {
		return nil, err
	}
	st := &residual{}
	rest := floats(params.Value())
	for _, c := range convs {
		u := newUnit(c, rest, pass)
		st.units, rest = append(st.units, u), rest[u.params():]
	}
	last := st.units[1]
	st.a = make([]float32, len(st.units[0].z))
	st.out = NewArray(last.OH(), l.Out, last.OW(), s[3])
	return op{
		name: l.Name, shape: st.out.shape, pass: pass,
		do: func(in []gorgonia.Value) (gorgonia.Value, error) {
			st.forward(floats(in[0]), floats(in[1]))
			return st.out, nil
		},
		wrt: []bool{true, true},
		diff: func(in gorgonia.Nodes, _, dout *gorgonia.Node) (gorgonia.Nodes, error) {
			return st.symDiff(l.Name, in[0], dout, grad, pass)
		},
	}.apply(x, params)
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
	out = tensor.Shape{convs[1].OH(), l.Out, convs[1].OW(), x[3]}
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

func (st *residual) forward(x, params []float32) {
	rest := st.units[0].forward(x, params)
	st.units[0].norm.ReLU(st.a, st.units[0].z)
	rest = st.units[1].forward(st.a, rest)
	r, norm := x, (*kernel.BatchNorm)(nil)
	if len(st.units) > 2 {
		st.units[2].forward(x, rest)
		r, norm = st.units[2].z, st.units[2].norm
	}
	st.units[1].norm.AddReLU(st.out.data, st.units[1].z, r, norm)
}

func (st *residual) symDiff(name string, x, dout *gorgonia.Node, grad *Array, pass *Pass) (gorgonia.Nodes, error) {
	st.din = NewArray(x.Shape()...)
	st.da = make([]float32, len(st.a))
	if len(st.units) > 2 {
		st.g = make([]float32, st.out.Size())
	}
	for _, u := range st.units {
		u.count()
		u.count()
	}
	back, err := op{
		name: name + ".grad", shape: st.din.shape, pass: pass,
		do: func(in []gorgonia.Value) (gorgonia.Value, error) {
			st.backward(floats(in[0]), grad.data)
			return st.din, nil
		},
	}.apply(dout)
	if err != nil {
		return nil, err
	}
	gradNode, err := slot(name+".params.grad", back, grad, pass)
	return gorgonia.Nodes{back, gradNode}, err
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
