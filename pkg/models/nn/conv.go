package nn

import (
	"fmt"

	"gorgonia.org/gorgonia"

	"github.com/bgmd/bgmd/pkg/models/nn/kernel"
)

// ConvPool is a convolution with bias, a 2×2 max-pool of stride 2 and ReLU, in
// one op: the convolution's output exists only two rows at a time, enough for
// one row of the pool, and stays in the cache.
type ConvPool struct {
	Name    string
	In, Out int  // channels
	Kernel  int  // height and width, without padding, stride 1
	First   bool // the input is the image, which needs no gradient
}

// Params lists the weight [Out, In, Kernel, Kernel] and the bias [Out].
func (l ConvPool) Params() []Param {
	fan := l.In * l.Kernel * l.Kernel
	taps := !kernel.Conv{Ci: l.In}.Gathered()
	return []Param{
		{Name: l.Name + ".weight", Shape: []int{l.Out, l.In, l.Kernel, l.Kernel}, FanIn: fan, Taps: taps},
		{Name: l.Name + ".bias", Shape: []int{l.Out}, FanIn: fan},
	}
}

// Apply maps x, In×H×W×N, to Out×(H−Kernel+1)/2×(W−Kernel+1)/2×N.
func (l ConvPool) Apply(x, params *gorgonia.Node, grad *Array, pass *Pass) (*gorgonia.Node, error) {
	s := x.Shape()
	if len(s) != 4 || s[0] != l.In {
		return nil, fmt.Errorf("nn: %s: input is %v, want %d×H×W×N", l.Name, s, l.In)
	}
	c := kernel.Conv{Ci: l.In, H: s[1], W: s[2], Co: l.Out, K: l.Kernel, N: s[3]}
	if c.OH() < 2 || c.OW() < 2 || c.OH()%2 != 0 || c.OW()%2 != 0 {
		return nil, fmt.Errorf("nn: %s: the convolution's output is %d×%d, want even sizes for a 2×2 pool", l.Name, c.OH(), c.OW())
	}
	if !l.First && c.Gathered() {
		return nil, fmt.Errorf("nn: %s: %d input channels, want at least 16 behind the first layer", l.Name, l.In)
	}
	st := &convPool{
		Conv: c, pass: pass,
		out:  NewArray(c.Co, c.OH()/2, c.OW()/2, c.N),
		arg:  make([]uint8, c.Co*c.OH()/2*c.OW()/2*c.N),
		pair: make([]float32, c.Co*2*c.OW()*c.N),
		cols: make([]float32, c.ScratchLen(2)),
	}
	pass.Flops += c.Flops()
	return op{
		name: l.Name, shape: st.out.shape, pass: pass, do: st.forward,
		wrt: []bool{!l.First, true},
		diff: func(in gorgonia.Nodes, _, dout *gorgonia.Node) (gorgonia.Nodes, error) {
			return st.symDiff(l, in[0], dout, grad)
		},
	}.apply(x, params)
}

// convPool is the state of one ConvPool in one graph.
type convPool struct {
	kernel.Conv
	pass *Pass
	out  *Array
	arg  []uint8   // which value of each pool was the largest
	pair []float32 // two rows of the convolution's output, or its gradient
	cols []float32 // scratch of gathered convolutions
	x, w []float32 // what the forward pass saw last
	din  *Array    // gradient of the input, nil in the first layer
}

// split parts the layer's vector into weight and bias.
func (st *convPool) split(params []float32) (w, b []float32) {
	at := len(params) - st.Co
	return params[:at], params[at:]
}

func (st *convPool) forward(in []gorgonia.Value) (gorgonia.Value, error) {
	var b []float32
	st.x = floats(in[0])
	st.w, b = st.split(floats(in[1]))
	ph, pw := st.OH()/2, st.OW()/2
	for y := range ph {
		st.Conv.Forward(st.pair, st.w, st.x, 2*y, 2, st.cols)
		at := y * pw * st.N
		kernel.PoolBiasReLU(st.out.data[at:], st.arg[at:], st.pair, b, pw, st.N, ph*pw*st.N)
	}
	return st.out, nil
}

// backward computes the gradients of the last forward pass.
func (st *convPool) backward(dout, grad []float32) {
	dw, db := st.split(grad)
	ph, pw := st.OH()/2, st.OW()/2
	clear(db)
	for y := range ph {
		at := y * pw * st.N
		kernel.GradPoolBiasReLU(st.pair, db, dout[at:], st.arg[at:], pw, st.N, ph*pw*st.N)
		st.GradWeight(dw, st.pair, st.x, 2*y, 2, st.cols)
		if st.din != nil {
			st.GradInput(st.din.data, st.w, st.pair, 2*y, 2)
		}
	}
}

func (st *convPool) symDiff(l ConvPool, x, dout *gorgonia.Node, grad *Array) (gorgonia.Nodes, error) {
	result := grad
	if !l.First {
		st.din = NewArray(x.Shape()...)
		result = st.din
		st.pass.Flops += st.Flops()
	}
	st.pass.Flops += st.Flops()
	back, err := op{
		name: l.Name + ".grad", shape: result.shape, pass: st.pass,
		do: func(in []gorgonia.Value) (gorgonia.Value, error) {
			st.backward(floats(in[0]), grad.data)
			return result, nil
		},
	}.apply(dout)
	if l.First || err != nil {
		return gorgonia.Nodes{nil, back}, err
	}
	gradNode, err := slot(l.Name+".params.grad", back, grad, st.pass)
	return gorgonia.Nodes{back, gradNode}, err
}
