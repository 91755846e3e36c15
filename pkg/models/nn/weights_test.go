package nn

import (
	"slices"
	"testing"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// outcome is what a layer and its gradients come to.
type outcome struct{ out, params, input []float32 }

// through runs a layer, a classifier on it and their gradients; weights may be nil.
func through(t *testing.T, l Layer, weights *Weights, shape ...int) (outcome, *Pass) {
	t.Helper()
	g, pass := gorgonia.NewGraph(), &Pass{Weights: weights}
	n, d := shape[3], Len(l)
	x, params, grad := input(g, "x", 1, shape...), input(g, "params", 2, d), NewArray(d)
	out, err := l.Apply(x, params, grad, pass)
	if err != nil {
		t.Fatal(err)
	}
	size := out.Shape().TotalSize() / n
	c := Linear{Name: "classifier", In: size, Out: 2}
	logits, err := c.Apply(out, input(g, "classifier's params", 3, Len(c)), NewArray(Len(c)), pass)
	if err != nil {
		t.Fatal(err)
	}
	labels := make([]int, n)
	for i := range labels {
		labels[i] = i % 2
	}
	node := gorgonia.NewVector(g, tensor.Int, gorgonia.WithShape(n), gorgonia.WithName("labels"), gorgonia.WithValue(tensor.New(tensor.WithBacking(labels))))
	loss, err := SoftmaxCrossEntropy(logits, node, pass)
	if err != nil {
		t.Fatal(err)
	}
	nodes, err := gorgonia.Grad(loss, params, x)
	if err != nil {
		t.Fatal(err)
	}
	if weights != nil {
		weights.Update()
	}
	run(t, g)
	return outcome{floats(out.Value()), floats(nodes[0].Value()), floats(nodes[1].Value())}, pass
}

// TestFastIsAsByDefinition compares layers whose convolutions are computed by either
// way, with batches that fill groups of samples and do not.
func TestFastIsAsByDefinition(t *testing.T) {
	for name, c := range map[string]struct {
		layer Layer
		shape []int
	}{
		"pooled":       {layer: ConvPool{Name: "a", In: 16, Out: 16, Kernel: 5}, shape: []int{12, 16, 12, 16}},
		"pooled, flat": {layer: ConvPool{Name: "b", In: 17, Out: 18, Kernel: 3, Flat: true}, shape: []int{6, 17, 10, 43}},
		"few samples":  {layer: ConvPool{Name: "c", In: 16, Out: 16, Kernel: 5}, shape: []int{8, 16, 8, 9}},
		"residual":     {layer: Residual{Name: "d", In: 16, Out: 16, Stride: 1}, shape: []int{8, 16, 8, 16}},
		"downsampling": {layer: Residual{Name: "e", In: 16, Out: 32, Stride: 2}, shape: []int{8, 16, 8, 30}},
	} {
		t.Run(name, func(t *testing.T) {
			want, by := through(t, c.layer, nil, c.shape...)
			got, pass := through(t, c.layer, &Weights{}, c.shape...)
			if pass.Flops >= by.Flops {
				t.Fatalf("%d operations; by definition %d", pass.Flops, by.Flops)
			}
			if by.Flops != by.ByDefinition || pass.ByDefinition != by.Flops {
				t.Errorf("by definition there are %d and %d operations, want %d", by.ByDefinition, pass.ByDefinition, by.Flops)
			}
			const tolerance = 2e-5
			for what, d := range map[string]float64{
				"output": distance(got.out, want.out), "gradient": distance(got.params, want.params), "input's gradient": distance(got.input, want.input),
			} {
				if !(d > 0 && d <= tolerance) {
					t.Errorf("%s is off by %.2g of its norm, want at most %g but not 0", what, d, tolerance)
				}
			}
		})
	}
}

// TestWeightsFollowTheParameters: weights are transformed once while they stay the
// same, in the memory that graphs know, and anew when one has changed.
func TestWeightsFollowTheParameters(t *testing.T) {
	w := []float32{1, 2, 3}
	times := 0
	var f Weights
	x := f.of(w, 3, func(u, w []float32) {
		times++
		copy(u, w)
	})
	if f.of(w, 3, nil) != x || len(f.list) != 1 {
		t.Error("one layer has two sets of weights")
	}
	f.Update()
	f.Update()
	if times != 1 || !slices.Equal(x.u, w) {
		t.Errorf("transformed %d times, to %v", times, x.u)
	}
	w[1] = 5
	f.Update()
	if times != 2 || !slices.Equal(x.u, w) {
		t.Errorf("transformed %d times, to %v", times, x.u)
	}
}
