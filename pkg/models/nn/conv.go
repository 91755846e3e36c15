package nn

import (
	"fmt"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

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
	Flat    bool // the output goes to a linear layer
}

// Params lists the weight [Out, In, Kernel, Kernel] and the bias [Out].
func (l ConvPool) Params() []Param {
	fan := l.In * l.Kernel * l.Kernel
	columns := !kernel.Conv{Ci: l.In}.Thin()
	return []Param{
		{Name: l.Name + ".weight", Shape: []int{l.Out, l.In, l.Kernel, l.Kernel}, FanIn: fan, Columns: columns},
		{Name: l.Name + ".bias", Shape: []int{l.Out}, FanIn: fan},
	}
}

// Apply maps x to its pooled convolution, (H−Kernel+1)/2×Out×(W−Kernel+1)/2×N.
// x is H×In×W×N, or In×H×W×N in the first layer. A flat output is
// Out×(H−Kernel+1)/2×(W−Kernel+1)/2×N, the order in which PyTorch flattens.
func (l ConvPool) Apply(x, params *gorgonia.Node, grad gorgonia.Value, pass *Pass) (*gorgonia.Node, error) {
	c, err := l.geometry(x.Shape())
	if err != nil {
		return nil, err
	}
	st, err := pass.engine().ConvPool(l, c, params.Value(), pass)
	if err != nil {
		return nil, err
	}
	return layer{l.Name, l.output(c), l.First, grad}.apply(st, x, params, pass)
}

// ConvPool implements [Engine].
func (Host) ConvPool(l ConvPool, c kernel.Conv, params gorgonia.Value, pass *Pass) (State, error) {
	ph, pw := c.OH()/2, c.OW()/2
	st := &convPool{
		Conv: c, pass: pass,
		out:    NewArray(l.output(c)...),
		row:    c.Co * pw * c.N,
		pooled: kernel.Pooled{W: pw, N: c.N, Channel: pw * c.N, Pixel: c.N, From: c.N},
		arg:    make([]uint8, c.Co*ph*pw*c.N),
		image:  make([]float32, c.ArrangedLen()),
	}
	if l.Flat {
		st.row, st.pooled.Channel = pw*c.N, ph*pw*c.N
	}
	if st.fast = pass.filter(c, floats(params)); st.fast != nil {
		st.rows = make([]float32, st.fast.GroupLen())
	} else {
		st.rows = make([]float32, 2*c.Co*c.OW()*c.N)
	}
	st.count()
	return st, nil
}

// output is the shape of what comes of the convolution.
func (l ConvPool) output(c kernel.Conv) tensor.Shape {
	if l.Flat {
		return tensor.Shape{c.Co, c.OH() / 2, c.OW() / 2, c.N}
	}
	return tensor.Shape{c.OH() / 2, c.Co, c.OW() / 2, c.N}
}

// Size implements [Layer].
func (l ConvPool) Size(x tensor.Shape, train bool) (out tensor.Shape, bytes int, err error) {
	c, err := l.geometry(x)
	if err != nil {
		return nil, 0, err
	}
	out = l.output(c)
	bytes = size(out.TotalSize()+2*c.Co*c.OW()*c.N+c.ArrangedLen()) + out.TotalSize()
	if train && !l.First {
		bytes += size(x.TotalSize())
	}
	return out, bytes, nil
}

// geometry is the convolution on an input of shape s.
func (l ConvPool) geometry(s tensor.Shape) (kernel.Conv, error) {
	want, channels, height := fmt.Sprintf("H×%d×W×N", l.In), 1, 0
	if l.First {
		want, channels, height = fmt.Sprintf("%d×H×W×N", l.In), 0, 1
	}
	if len(s) != 4 || s[channels] != l.In {
		return kernel.Conv{}, fmt.Errorf("nn: %s: input is %v, want %s", l.Name, s, want)
	}
	c := kernel.Conv{Ci: l.In, H: s[height], W: s[2], Co: l.Out, K: l.Kernel, N: s[3]}
	if c.OH() < 2 || c.OW() < 2 || c.OH()%2 != 0 || c.OW()%2 != 0 {
		return c, fmt.Errorf("nn: %s: the convolution's output is %d×%d, want even sizes for a 2×2 pool", l.Name, c.OH(), c.OW())
	}
	if l.First != c.Thin() {
		return c, fmt.Errorf("nn: %s: %d input channels, want fewer than 16 in the first layer and at least 16 behind it", l.Name, l.In)
	}
	return c, nil
}

// convPool is the state of one ConvPool in one graph.
type convPool struct {
	kernel.Conv
	fast   *filter // nil: by definition
	pass   *Pass
	out    *Array
	row    int // of out, from row to row
	pooled kernel.Pooled
	arg    []uint8   // which value of each pool was the largest
	rows   []float32 // two rows of the convolution's output, or a group's, or their gradient
	image  []float32 // memory for the input where it is arranged anew
	x, w   []float32 // what the forward pass saw last
	din    *Array    // gradient of the input, nil in the first layer
}

// count adds one product to what the pass counts.
func (st *convPool) count() { st.pass.count(st.Conv, st.fast) }

// split parts the layer's vector into weight and bias.
func (st *convPool) split(params []float32) (w, b []float32) {
	at := len(params) - st.Co
	return params[:at], params[at:]
}

// Forward implements [State].
func (st *convPool) Forward(x, params gorgonia.Value) (gorgonia.Value, error) {
	var b []float32
	st.x = st.Arrange(st.image, floats(x))
	st.w, b = st.split(floats(params))
	if st.fast != nil {
		st.forwardFast(b)
		return st.out, nil
	}
	for y := range st.OH() / 2 {
		for r := range 2 {
			st.Conv.Forward(st.half(r), st.w, st.x, 2*y+r)
		}
		at := y * st.row
		kernel.PoolBiasReLU(st.out.data[at:], st.arg[at:], st.rows, b, st.pooled)
	}
	return st.out, nil
}

// Train implements [State].
func (st *convPool) Train(din tensor.Shape) error {
	if din != nil {
		st.din = NewArray(din...)
		st.count()
	}
	st.count()
	return nil
}

// Backward implements [State].
func (st *convPool) Backward(dout, grad gorgonia.Value) (gorgonia.Value, error) {
	st.backward(floats(dout), floats(grad))
	return st.din, nil
}

// backward computes the gradients of the last forward pass.
func (st *convPool) backward(dout, grad []float32) {
	dw, db := st.split(grad)
	clear(db)
	if st.fast != nil {
		st.backwardFast(dw, db, dout)
		return
	}
	if st.din != nil {
		clear(st.din.data)
	}
	for y := range st.OH() / 2 {
		at := y * st.row
		kernel.GradPoolBiasReLU(st.rows, db, dout[at:], st.arg[at:], st.pooled)
		for r := range 2 {
			st.GradWeight(dw, st.half(r), st.x, 2*y+r)
			if st.din != nil {
				st.GradInput(st.din.data, st.w, st.half(r), 2*y+r)
			}
		}
	}
}

// forwardFast is forward by groups of samples: the convolution's output exists for
// one only, and stays in the cache, too.
func (st *convPool) forwardFast(b []float32) {
	for g := range st.fast.Groups() {
		st.fast.ForwardGroup(st.rows, st.fast.u, st.x, g)
		st.eachPool(g, func(at int, rows []float32, p kernel.Pooled) {
			kernel.PoolBiasReLU(st.out.data[at:], st.arg[at:], rows, b, p)
		})
	}
}

// backwardFast is backward by groups of samples. A fast layer is never the first.
func (st *convPool) backwardFast(dw, db, dout []float32) {
	for g := range st.fast.Groups() {
		if (g+1)*kernel.Group > st.N {
			clear(st.rows) // samples that there are not
		}
		st.eachPool(g, func(at int, rows []float32, p kernel.Pooled) {
			kernel.GradPoolBiasReLU(rows, db, dout[at:], st.arg[at:], p)
		})
		st.fast.GradGroup(st.din.data, st.rows, st.fast.u, st.x, g)
	}
	st.fast.GradGroups(dw)
}

// eachPool calls f for each row of pools of a group, with where it begins in the
// output and the two rows of the convolution that it is of.
func (st *convPool) eachPool(g int, f func(at int, rows []float32, p kernel.Pooled)) {
	p := st.pooled
	p.N, p.From = min(kernel.Group, st.N-g*kernel.Group), kernel.Group
	size := 2 * st.Co * st.OW() * kernel.Group
	for y := range st.OH() / 2 {
		f(y*st.row+g*kernel.Group, st.rows[y*size:(y+1)*size], p)
	}
}

// half is one of the two rows.
func (st *convPool) half(r int) []float32 {
	size := len(st.rows) / 2
	return st.rows[r*size : (r+1)*size]
}
