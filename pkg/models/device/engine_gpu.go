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

// Engine computes the layers of one graph, for the samples of several clients. Values
// are [Array]s and [Labels]; the gradient of a layer's parameters is a window on the
// first client's row, and the others' rows lie behind it.
//
// Its calls queue kernels, which run later: an error may belong to an earlier call.
type Engine struct {
	// Drop says whether dropout layers drop in runs from now on. Seeds says which units:
	// it has two words for each client, those of its rand.PCG.
	Drop  bool
	Seeds cuda.Memory[uint64]
	// Losses are the clients' mean losses of the last run.
	Losses cuda.Memory[float64]
	// Running holds the averages that batch norms normalise by. Without it they
	// normalise by each client's own statistics, and write these to Batch, a row a
	// client.
	Running, Batch cuda.Memory[float32]

	dev        *Device
	clients, n int
	stride     int // elements from row to row of the gradients
	buffers    int // of all batch norms
	taken      int // of those, by the layers so far
	draws      int // of each client's generator, by the layers so far
	spaceLen   int // elements of space that some layer needs
	space      cuda.Memory[float32]
}

// NewEngine returns the engine of a graph of so many clients' samples, n each, whose
// gradients are stride elements apart, of a network with so many buffers.
func NewEngine(d *Device, clients, n, stride, buffers int) (*Engine, error) {
	e := &Engine{dev: d, clients: clients, n: n, stride: stride, buffers: buffers}
	var errs [3]error
	e.Seeds, errs[0] = Alloc[uint64](d, 2*clients)
	e.Losses, errs[1] = Alloc[float64](d, clients)
	e.Batch, errs[2] = Alloc[float32](d, clients*buffers)
	return e, cmp.Or(errs[:]...)
}

// Reserve takes the memory that the layers share, when the graph is built.
func (e *Engine) Reserve() error {
	var err error
	e.space, err = Alloc[float32](e.dev, e.spaceLen)
	return err
}

// conv is c for the device.
func (e *Engine) conv(c kernel.Conv) cuda.Conv {
	return cuda.Conv{
		Ci: c.Ci, H: c.H, W: c.W, Co: c.Co, K: c.K, Stride: max(c.Stride, 1), Pad: c.Pad,
		N: e.n, Clients: e.clients, Thin: c.Thin(),
	}
}

// count adds one product to what the pass counts.
func count(pass *nn.Pass, flops int) {
	pass.Flops += flops
	pass.ByDefinition += flops
}

// reserve makes the space large enough for the gradient of c's weights.
func (e *Engine) reserve(c cuda.Conv) { e.spaceLen = max(e.spaceLen, c.WeightSpace()) }

// from is memory from an element on.
func from[T any](m cuda.Memory[T], lo int) cuda.Memory[T] { return m.Slice(lo, m.Len()) }

// ConvPool implements [nn.Engine].
func (e *Engine) ConvPool(l nn.ConvPool, c kernel.Conv, _ gorgonia.Value, pass *nn.Pass) (nn.State, error) {
	st := &convPool{
		Engine: e, conv: e.conv(c), flops: c.Flops(), pass: pass,
		pool: cuda.Pixels{C: c.Co, PH: c.OH() / 2, PW: c.OW() / 2, N: e.n, Clients: e.clients, Flat: l.Flat},
	}
	shape := []int{c.OH() / 2, c.Co, c.OW() / 2, c.N}
	if l.Flat {
		shape[0], shape[1] = shape[1], shape[0]
	}
	var errs [3]error
	st.out, errs[0] = NewArray(e.dev, shape...)
	st.arg, errs[1] = Alloc[uint8](e.dev, st.pool.Len())
	st.z, errs[2] = Alloc[float32](e.dev, st.conv.OutLen())
	count(pass, st.flops)
	return st, cmp.Or(errs[:]...)
}

// convPool is the state of one ConvPool in one graph.
type convPool struct {
	*Engine
	conv     cuda.Conv
	pool     cuda.Pixels
	pass     *nn.Pass
	flops    int
	out, din *Array
	arg      cuda.Memory[uint8]   // which value of each pool was the largest
	z        cuda.Memory[float32] // the convolution's output, and then its gradient
	x, w     cuda.Memory[float32] // what the forward pass saw last
}

// Forward implements [nn.State].
func (st *convPool) Forward(x, params gorgonia.Value) (gorgonia.Value, error) {
	all, s := memory(params), st.dev.Stream
	st.x, st.w = memory(x), all.Slice(0, st.conv.WeightLen())
	return st.out, cmp.Or(
		s.ConvForward(st.conv, st.z, st.w, st.x),
		s.PoolBiasReLU(st.pool, st.out.Memory, st.arg, st.z, from(all, st.conv.WeightLen())))
}

// Train implements [nn.State].
func (st *convPool) Train(din tensor.Shape) (err error) {
	st.reserve(st.conv)
	count(st.pass, st.flops)
	if din != nil {
		count(st.pass, st.flops)
		st.din, err = NewArray(st.dev, din...)
	}
	return err
}

// Backward implements [nn.State], once a Forward.
func (st *convPool) Backward(dout, grad gorgonia.Value) (gorgonia.Value, error) {
	rows, s := memory(grad), st.dev.Stream
	err := cmp.Or(
		s.BiasGrad(st.pool, from(rows, st.conv.WeightLen()), st.stride, memory(dout), st.arg),
		s.PoolBiasReLUGrad(st.pool, st.z, memory(dout), st.arg),
		s.ConvGradWeight(st.conv, rows, st.stride, st.z, st.x, st.space))
	if st.din == nil {
		return nil, err
	}
	return st.din, cmp.Or(err, s.ConvGradInput(st.conv, st.din.Memory, st.w, st.z, false))
}
