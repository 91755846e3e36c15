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

// Residual implements [nn.Engine].
func (e *Engine) Residual(_ nn.Residual, convs []kernel.Conv, _ gorgonia.Value, pass *nn.Pass) (nn.State, error) {
	st := &residual{Engine: e}
	for _, c := range convs {
		u, err := e.newUnit(c, pass)
		if err != nil {
			return nil, err
		}
		st.units = append(st.units, u)
	}
	last := convs[1]
	var errs [2]error
	st.a, errs[0] = Alloc[float32](e.dev, st.units[0].conv.OutLen())
	st.out, errs[1] = NewArray(e.dev, last.OH(), last.Co, last.OW(), last.N)
	return st, cmp.Or(errs[:]...)
}

// residual is the state of one Residual in one graph: see the host's.
type residual struct {
	*Engine
	units    []*unit // conv1, conv2 and, perhaps, the shortcut
	a, da    cuda.Memory[float32]
	g        cuda.Memory[float32] // gradient before the last ReLU; none where that is in din
	out, din *Array
}

// split parts the parameters, or the rows of their gradients, by unit.
func (st *residual) split(m cuda.Memory[float32]) []cuda.Memory[float32] {
	var parts []cuda.Memory[float32]
	at := 0
	for _, u := range st.units {
		parts = append(parts, from(m, at))
		at += u.params()
	}
	return parts
}

// Forward implements [nn.State].
func (st *residual) Forward(in, params gorgonia.Value) (gorgonia.Value, error) {
	x, parts, s := memory(in), st.split(memory(params)), st.dev.Stream
	first, second := st.units[0], st.units[1]
	err := cmp.Or(
		first.forward(x, parts[0]),
		s.NormReLU(first.norm, st.a, first.z, first.channels),
		second.forward(st.a, parts[1]))
	r, others := x, cuda.Memory[cuda.Channel]{}
	if len(st.units) > 2 {
		shortcut := st.units[2]
		err = cmp.Or(err, shortcut.forward(x, parts[2]))
		r, others = shortcut.z, shortcut.channels
	}
	return st.out, cmp.Or(err, s.NormAddReLU(second.norm, st.out.Memory, second.z, second.channels, r, others))
}

// Train implements [nn.State].
func (st *residual) Train(din tensor.Shape) error {
	var errs [3]error
	st.din, errs[0] = NewArray(st.dev, din...)
	st.da, errs[1] = Alloc[float32](st.dev, st.a.Len())
	if len(st.units) > 2 {
		st.g, errs[2] = Alloc[float32](st.dev, st.out.Size())
	}
	for _, u := range st.units {
		u.train(2)
	}
	return cmp.Or(errs[:]...)
}

// Backward implements [nn.State], once a Forward. Without a shortcut the gradient before
// the last ReLU is made where it is needed, in din.
func (st *residual) Backward(dout, grad gorgonia.Value) (gorgonia.Value, error) {
	parts, g := st.split(memory(grad)), st.g
	first, second := st.units[0], st.units[1]
	if len(st.units) == 2 {
		g = st.din.Memory
	}
	err := cmp.Or(
		second.backward(g, memory(dout), st.out.Memory, parts[1]),
		second.input(st.da, false),
		first.backward(st.da, st.da, st.a, parts[0]))
	if len(st.units) > 2 {
		shortcut := st.units[2]
		err = cmp.Or(err,
			shortcut.backward(g, g, st.out.Memory, parts[2]),
			shortcut.input(st.din.Memory, false))
	}
	return st.din, cmp.Or(err, first.input(st.din.Memory, true))
}
