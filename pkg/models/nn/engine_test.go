package nn

import (
	"slices"
	"testing"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"github.com/bgmd/bgmd/pkg/models/nn/kernel"
)

// noted is the host, which notes what it is asked for.
type noted struct {
	Host
	asked []string
}

func (e *noted) ConvPool(l ConvPool, c kernel.Conv, params gorgonia.Value, pass *Pass) (State, error) {
	e.asked = append(e.asked, l.Name)
	return e.Host.ConvPool(l, c, params, pass)
}

func (e *noted) Linear(l Linear, n int, params gorgonia.Value, pass *Pass) (State, error) {
	e.asked = append(e.asked, l.Name)
	return e.Host.Linear(l, n, params, pass)
}

func (e *noted) Stem(l Stem, c kernel.Conv, params gorgonia.Value, pass *Pass) (State, error) {
	e.asked = append(e.asked, l.Conv)
	return e.Host.Stem(l, c, params, pass)
}

func (e *noted) Residual(l Residual, units []kernel.Conv, params gorgonia.Value, pass *Pass) (State, error) {
	e.asked = append(e.asked, l.Name)
	return e.Host.Residual(l, units, params, pass)
}

func (e *noted) AveragePool(x tensor.Shape) (State, error) {
	e.asked = append(e.asked, "average pool")
	return e.Host.AveragePool(x)
}

func (e *noted) Loss(logits tensor.Shape) (State, error) {
	e.asked = append(e.asked, "loss")
	return e.Host.Loss(logits)
}

// TestLayersAskTheEngineOnce: every layer of a graph, and the loss, asks the engine of
// its pass for one state, however often the graph then runs.
func TestLayersAskTheEngineOnce(t *testing.T) {
	for _, c := range []struct {
		layers []Layer
		shape  []int
		want   []string
	}{
		{[]Layer{ConvPool{Name: "conv", In: 1, Out: 2, Kernel: 3, First: true, Flat: true}, Linear{Name: "fc", In: 8, Out: 2}}, []int{1, 6, 6, 2}, []string{"conv", "fc", "loss"}},
		{[]Layer{Stem{Conv: "stem", Norm: "bn", In: 1, Out: 16, Kernel: 3, Stride: 1, Pad: 1}, Residual{Name: "block", In: 16, Out: 16, Stride: 1}, AveragePool{}, Linear{Name: "fc", In: 16, Out: 2}}, []int{1, 4, 4, 2}, []string{"stem", "block", "average pool", "fc", "loss"}},
	} {
		engine := &noted{}
		g, pass := gorgonia.NewGraph(), &Pass{Engine: engine}
		node := input(g, "x", 1, c.shape...)
		var params gorgonia.Nodes
		for i, l := range c.layers {
			var p *gorgonia.Node
			var grad gorgonia.Value
			if d := Len(l); d > 0 {
				p, grad = input(g, string(rune('a'+i)), uint64(i), d), NewArray(d)
				params = append(params, p)
			}
			var err error
			if node, err = l.Apply(node, p, grad, pass); err != nil {
				t.Fatal(err)
			}
		}
		labels := gorgonia.NewVector(g, tensor.Int, gorgonia.WithShape(2), gorgonia.WithName("labels"), gorgonia.WithValue(tensor.New(tensor.WithBacking([]int{0, 1}))))
		loss, err := SoftmaxCrossEntropy(node, labels, pass)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := gorgonia.Grad(loss, params...); err != nil {
			t.Fatal(err)
		}
		run(t, g)
		run(t, g)
		if !slices.Equal(engine.asked, c.want) {
			t.Errorf("the engine was asked for %q, want %q", engine.asked, c.want)
		}
	}
}
