package nn

import (
	"fmt"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"github.com/bgmd/bgmd/pkg/models/nn/kernel"
)

// Linear is a fully connected layer, W·x + b, optionally through ReLU and
// dropout, in one op.
type Linear struct {
	Name    string
	In, Out int
	ReLU    bool
	Dropout float64 // probability that an output of ReLU is dropped
	First   bool    // the input is the image, which needs no gradient
}

// Params lists the weight [Out, In] and the bias [Out].
func (l Linear) Params() []Param {
	return []Param{
		{Name: l.Name + ".weight", Shape: []int{l.Out, l.In}, FanIn: l.In},
		{Name: l.Name + ".bias", Shape: []int{l.Out}, FanIn: l.In},
	}
}

// Apply maps x, In×N or C×H×W×N with C·H·W = In, to Out×N.
func (l Linear) Apply(x, params *gorgonia.Node, grad gorgonia.Value, pass *Pass) (*gorgonia.Node, error) {
	n, err := l.samples(x.Shape())
	if err != nil {
		return nil, err
	}
	st, err := pass.engine().Linear(l, n, params.Value(), pass)
	if err != nil {
		return nil, err
	}
	return layer{l.Name, tensor.Shape{l.Out, n}, l.First, grad}.apply(st, x, params, pass)
}

// Linear implements [Engine].
func (Host) Linear(l Linear, n int, params gorgonia.Value, pass *Pass) (State, error) {
	st := &linear{Linear: l, n: n, pass: pass, out: NewArray(l.Out, n), packed: pass.packed(l, floats(params))}
	if l.ReLU {
		st.scale = make([]float32, l.Out*n)
	}
	st.count()
	return st, nil
}

// samples is the number of samples in an input of shape s.
func (l Linear) samples(s tensor.Shape) (int, error) {
	n := s[len(s)-1]
	if s.TotalSize() != l.In*n {
		return 0, fmt.Errorf("nn: %s: input is %v, want %d values a sample", l.Name, s, l.In)
	}
	return n, nil
}

// packed are l's products with packed weights.
func (l Linear) packed() kernel.Packed { return kernel.Packed{In: l.In, Out: l.Out} }

// Size implements [Layer].
func (l Linear) Size(x tensor.Shape, train bool) (out tensor.Shape, bytes int, err error) {
	n, err := l.samples(x)
	if err != nil {
		return nil, 0, err
	}
	outputs := 1 // arrays of the output's size
	if l.ReLU {
		outputs++
	}
	if l.ReLU && train {
		outputs++
	}
	bytes = size(outputs * l.Out * n)
	if train && !l.First {
		bytes += size(l.In * n)
	}
	return tensor.Shape{l.Out, n}, bytes, nil
}

// linear is the state of one Linear in one graph.
type linear struct {
	Linear
	n     int
	pass  *Pass
	out   *Array
	x, w  []float32 // what the forward pass saw last
	scale []float32 // what ReLU and dropout multiplied each output by
	dout  []float32 // the gradient before them
	din   *Array    // gradient of the input, nil in the first layer

	packed *packed // nil: weights as they are
}

// flops counts the forward product; each of the two gradients costs as much.
func (st *linear) flops() int { return 2 * st.Out * st.In * st.n }

// count adds one product to what the pass counts.
func (st *linear) count() {
	st.pass.Flops += st.flops()
	st.pass.ByDefinition += st.flops()
}

// split parts the layer's vector into weight and bias.
func (st *linear) split(params []float32) (w, b []float32) {
	at := len(params) - st.Out
	return params[:at], params[at:]
}

// Forward implements [State].
func (st *linear) Forward(x, params gorgonia.Value) (gorgonia.Value, error) {
	var b []float32
	st.x = floats(x)
	st.w, b = st.split(floats(params))
	if st.packed != nil {
		st.packed.Forward(&st.pass.space, st.out.data, st.packed.u, b, st.x, st.n)
	} else {
		kernel.Linear(st.out.data, st.w, b, st.x, st.n)
	}
	if st.ReLU {
		kernel.ReLUDropout(st.out.data, st.scale, st.Dropout, st.pass.Rand)
	}
	return st.out, nil
}

// Train implements [State].
func (st *linear) Train(din tensor.Shape) error {
	if din != nil {
		st.din = NewArray(din...)
		st.count()
	}
	if st.ReLU {
		st.dout = make([]float32, st.out.Size())
	}
	st.count()
	return nil
}

// Backward implements [State].
func (st *linear) Backward(dout, grad gorgonia.Value) (gorgonia.Value, error) {
	st.backward(floats(dout), floats(grad))
	return st.din, nil
}

// backward computes the gradients of the last forward pass.
func (st *linear) backward(dout, grad []float32) {
	if st.ReLU {
		kernel.Scale(st.dout, dout, st.scale)
		dout = st.dout
	}
	dw, db := st.split(grad)
	kernel.GradLinear(dw, db, dout, st.x, st.n)
	switch {
	case st.din == nil:
	case st.packed != nil:
		st.packed.GradInput(&st.pass.space, st.din.data, st.packed.u, dout, st.n)
	default:
		kernel.GradLinearInput(st.din.data, dout, st.w, st.n)
	}
}
