//go:build gpu && linux

package device

import (
	"cmp"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"github.com/bgmd/bgmd/internal/cuda"
	"github.com/bgmd/bgmd/pkg/models/nn"
)

// Loss implements [nn.Engine]. The graph's loss is 0: the clients' are in e.Losses,
// and the gradient is that of their sum.
func (e *Engine) Loss(logits tensor.Shape) (nn.State, error) {
	st := &crossEntropy{Engine: e, geometry: cuda.Loss{Classes: logits[0], N: e.n, Clients: e.clients}}
	var errs [2]error
	st.prob, errs[0] = Alloc[float32](e.dev, logits.TotalSize())
	st.losses, errs[1] = Alloc[float64](e.dev, logits[1])
	return st, cmp.Or(errs[:]...)
}

// crossEntropy is the state of the loss in one graph.
type crossEntropy struct {
	*Engine
	geometry cuda.Loss
	prob     cuda.Memory[float32]
	losses   cuda.Memory[float64] // of the samples
	labels   cuda.Memory[int32]   // of the last forward pass
	dlogits  *Array
}

// Forward implements [nn.State].
func (st *crossEntropy) Forward(logits, labels gorgonia.Value) (gorgonia.Value, error) {
	st.labels = labels.(*Labels).Memory
	return gorgonia.NewF32(0), st.dev.Stream.Softmax(st.geometry, st.prob, st.losses, memory(logits), st.labels)
}

// Train implements [nn.State].
func (st *crossEntropy) Train(dlogits tensor.Shape) (err error) {
	st.dlogits, err = NewArray(st.dev, dlogits...)
	return err
}

// Backward implements [nn.State].
func (st *crossEntropy) Backward(_, _ gorgonia.Value) (gorgonia.Value, error) {
	return st.dlogits, st.dev.Stream.SoftmaxGrad(st.geometry, st.dlogits.Memory, st.Losses, st.prob, st.losses, st.labels)
}
