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
	prob := NewArray(logits.Shape()...)
	var seen []int // the labels of the last forward pass
	loss := gorgonia.NewF32(0)
	return op{
		name: "softmax-cross-entropy", shape: tensor.ScalarShape(), pass: pass,
		do: func(in []gorgonia.Value) (gorgonia.Value, error) {
			seen = ints(in[1])
			*loss = gorgonia.F32(kernel.SoftmaxCrossEntropy(prob.data, floats(in[0]), seen))
			return loss, nil
		},
		wrt: []bool{true, false},
		diff: func(in gorgonia.Nodes, _, grad *gorgonia.Node) (gorgonia.Nodes, error) {
			dlogits := NewArray(in[0].Shape()...)
			back, err := op{
				name: "softmax-cross-entropy.grad", shape: dlogits.shape, pass: pass,
				do: func(v []gorgonia.Value) (gorgonia.Value, error) {
					scale := float32(*v[0].(*gorgonia.F32))
					kernel.GradSoftmaxCrossEntropy(dlogits.data, prob.data, seen, scale)
					return dlogits, nil
				},
			}.apply(grad)
			return gorgonia.Nodes{back, nil}, err
		},
	}.apply(logits, labels)
}

// ints returns the elements of a vector of ints, without copying them.
func ints(v gorgonia.Value) []int {
	type integers interface{ Ints() []int }
	if x, ok := v.(integers); ok {
		return x.Ints()
	}
	return v.Data().([]int)
}
