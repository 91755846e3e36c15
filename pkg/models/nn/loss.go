package nn

import (
	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"github.com/bgmd/bgmd/pkg/models/nn/kernel"
)

// SoftmaxCrossEntropy is the mean over N samples of −log softmax(logits)[label]
// for logits classes×N and labels a vector of N ints. A negative label leaves
// its sample out.
func SoftmaxCrossEntropy(logits, labels *gorgonia.Node, pass *Pass) (*gorgonia.Node, error) {
	st, err := pass.engine().Loss(logits.Shape())
	if err != nil {
		return nil, err
	}
	return layer{name: "softmax-cross-entropy", shape: tensor.ScalarShape()}.apply(st, logits, labels, pass)
}

// Loss implements [Engine].
func (Host) Loss(logits tensor.Shape) (State, error) {
	return &crossEntropy{prob: NewArray(logits...), loss: gorgonia.NewF32(0)}, nil
}

// crossEntropy is the state of the loss in one graph.
type crossEntropy struct {
	prob, dlogits *Array
	labels        []int // of the last forward pass
	loss          *gorgonia.F32
}

// Forward implements [State].
func (st *crossEntropy) Forward(logits, labels gorgonia.Value) (gorgonia.Value, error) {
	st.labels = ints(labels)
	*st.loss = gorgonia.F32(kernel.SoftmaxCrossEntropy(st.prob.data, floats(logits), st.labels))
	return st.loss, nil
}

// Train implements [State].
func (st *crossEntropy) Train(dlogits tensor.Shape) error {
	st.dlogits = NewArray(dlogits...)
	return nil
}

// Backward implements [State].
func (st *crossEntropy) Backward(grad, _ gorgonia.Value) (gorgonia.Value, error) {
	kernel.GradSoftmaxCrossEntropy(st.dlogits.data, st.prob.data, st.labels, float32(*grad.(*gorgonia.F32)))
	return st.dlogits, nil
}

// ints returns the elements of a vector of ints, without copying them.
func ints(v gorgonia.Value) []int {
	type integers interface{ Ints() []int }
	if x, ok := v.(integers); ok {
		return x.Ints()
	}
	return v.Data().([]int)
}
