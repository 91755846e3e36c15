package nn

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// input makes a node of the given shape whose value is normal numbers.
func input(g *gorgonia.ExprGraph, name string, seed uint64, shape ...int) *gorgonia.Node {
	a, rng := NewArray(shape...), rand.New(rand.NewPCG(seed, 2))
	for i := range a.data {
		a.data[i] = float32(rng.NormFloat64())
	}
	return gorgonia.NewTensor(g, tensor.Float32, len(shape), gorgonia.WithShape(shape...), gorgonia.WithName(name), gorgonia.WithValue(a))
}

func TestParams(t *testing.T) {
	for _, c := range []struct {
		layer Layer
		want  []Param
		len   int
	}{
		{
			ConvPool{Name: "a", In: 3, Out: 8, Kernel: 5},
			[]Param{{"a.weight", []int{8, 3, 5, 5}, 75, Uniform, false}, {"a.bias", []int{8}, 75, Uniform, false}}, 608,
		},
		{
			ConvPool{Name: "b", In: 16, Out: 4, Kernel: 3},
			[]Param{{"b.weight", []int{4, 16, 3, 3}, 144, Uniform, true}, {"b.bias", []int{4}, 144, Uniform, false}}, 580,
		},
		{
			Linear{Name: "c", In: 7, Out: 3},
			[]Param{{"c.weight", []int{3, 7}, 7, Uniform, false}, {"c.bias", []int{3}, 7, Uniform, false}}, 24,
		},
	} {
		if got := c.layer.Params(); !reflect.DeepEqual(got, c.want) {
			t.Errorf("%+v: parameters are %v, want %v", c.layer, got, c.want)
		}
		if got := Len(c.layer); got != c.len {
			t.Errorf("%+v: %d parameters, want %d", c.layer, got, c.len)
		}
	}
}

// TestParamOrder spells out both orders of a small array. The name of each
// element of a weight [Co][Ci][ky][kx] is its indices: 101 is ci = 1, ky = 0,
// kx = 1 in the first output channel.
func TestParamOrder(t *testing.T) {
	for _, c := range []struct {
		param         Param
		torch, kernel []float32
	}{
		{
			Param{Shape: []int{2, 2, 2, 2}, Columns: true},
			[]float32{0, 1, 10, 11, 100, 101, 110, 111, 1000, 1001, 1010, 1011, 1100, 1101, 1110, 1111},
			[]float32{0, 100, 10, 110, 1000, 1100, 1010, 1110, 1, 101, 11, 111, 1001, 1101, 1011, 1111},
		},
		{
			Param{Shape: []int{1, 3, 1, 2}, Columns: true},
			[]float32{0, 1, 100, 101, 200, 201},
			[]float32{0, 100, 200, 1, 101, 201},
		},
		{
			Param{Shape: []int{2, 3, 1, 1}},
			[]float32{0, 10, 20, 100, 110, 120},
			[]float32{0, 10, 20, 100, 110, 120},
		},
	} {
		got := make([]float32, c.param.Len())
		c.param.FromTorch(got, c.torch)
		if !slices.Equal(got, c.kernel) {
			t.Errorf("%+v: FromTorch gives %v, want %v", c.param, got, c.kernel)
		}
		c.param.ToTorch(got, c.kernel)
		if !slices.Equal(got, c.torch) {
			t.Errorf("%+v: ToTorch gives %v, want %v", c.param, got, c.torch)
		}
	}
}

func TestApplyRefusesShapes(t *testing.T) {
	for _, c := range []struct {
		layer Layer
		shape []int
		want  string
	}{
		{ConvPool{Name: "a", In: 1, Out: 4, Kernel: 3, First: true}, []int{9, 6}, "nn: a: input is (9, 6), want 1×H×W×N"},
		{ConvPool{Name: "a", In: 1, Out: 4, Kernel: 3, First: true}, []int{3, 6, 6, 2}, "nn: a: input is (3, 6, 6, 2), want 1×H×W×N"},
		{ConvPool{Name: "a", In: 1, Out: 4, Kernel: 3, First: true}, []int{1, 7, 6, 2}, "nn: a: the convolution's output is 5×4, want even sizes for a 2×2 pool"},
		{ConvPool{Name: "a", In: 1, Out: 4, Kernel: 3, First: true}, []int{1, 6, 7, 2}, "nn: a: the convolution's output is 4×5, want even sizes for a 2×2 pool"},
		{ConvPool{Name: "a", In: 1, Out: 4, Kernel: 5, First: true}, []int{1, 4, 6, 2}, "nn: a: the convolution's output is 0×2, want even sizes for a 2×2 pool"},
		{ConvPool{Name: "b", In: 8, Out: 4, Kernel: 3}, []int{6, 8, 6, 2}, "nn: b: 8 input channels, want fewer than 16 in the first layer and at least 16 behind it"},
		{ConvPool{Name: "b", In: 16, Out: 4, Kernel: 3, First: true}, []int{16, 6, 6, 2}, "nn: b: 16 input channels, want fewer than 16 in the first layer and at least 16 behind it"},
		{ConvPool{Name: "b", In: 16, Out: 4, Kernel: 3}, []int{16, 6, 6, 2}, "nn: b: input is (16, 6, 6, 2), want H×16×W×N"},
		{Linear{Name: "c", In: 8, Out: 4}, []int{2, 3, 2, 5}, "nn: c: input is (2, 3, 2, 5), want 8 values a sample"},
		{Linear{Name: "c", In: 8, Out: 4}, []int{5, 8}, "nn: c: input is (5, 8), want 8 values a sample"},
	} {
		g := gorgonia.NewGraph()
		x, params := input(g, "x", 1, c.shape...), input(g, "params", 2, Len(c.layer))
		_, err := c.layer.Apply(x, params, Window(Len(c.layer)), &Pass{})
		if err == nil || err.Error() != c.want {
			t.Errorf("%T on %v: error is %v, want %q", c.layer, c.shape, err, c.want)
		}
	}
}

// TestEqualLayersKeepTheirBuffers puts layers that differ in nothing into one
// graph: Gorgonia merges nodes of equal hash, and with them their buffers.
func TestEqualLayersKeepTheirBuffers(t *testing.T) {
	layers := map[string]Layer{
		"convolution": ConvPool{Name: "a", In: 1, Out: 3, Kernel: 3, First: true},
		"linear":      Linear{Name: "a", In: 36, Out: 3},
	}
	for name, l := range layers {
		t.Run(name, func(t *testing.T) {
			g := gorgonia.NewGraph()
			x, params := input(g, "x", 1, 1, 6, 6, 2), input(g, "params", 2, Len(l))
			var outs [2]*gorgonia.Node
			for i := range outs {
				var err error
				if outs[i], err = l.Apply(x, params, Window(Len(l)), &Pass{}); err != nil {
					t.Fatal(err)
				}
			}
			run(t, g)
			a, b := floats(outs[0].Value()), floats(outs[1].Value())
			if &a[0] == &b[0] {
				t.Error("both layers return one buffer")
			}
			if !slices.Equal(a, b) {
				t.Errorf("equal layers give %v and %v", a, b)
			}
		})
	}
}

// TestGradientGoesToTheRow runs a layer's graph twice, with its gradient's
// window on one row of a matrix and then on the next.
func TestGradientGoesToTheRow(t *testing.T) {
	for _, l := range []Layer{
		ConvPool{Name: "first", In: 1, Out: 3, Kernel: 3, First: true},
		ConvPool{Name: "later", In: 16, Out: 3, Kernel: 3},
		Linear{Name: "linear", In: 36, Out: 3},
	} {
		t.Run(fmt.Sprintf("%+v", l), func(t *testing.T) {
			shape := []int{1, 6, 6, 2}
			if c, ok := l.(ConvPool); ok && !c.First {
				shape = []int{6, c.In, 6, 2}
			}
			g, pass := gorgonia.NewGraph(), &Pass{}
			d := Len(l)
			x, params, grad := input(g, "x", 1, shape...), input(g, "params", 2, d), Window(d)
			out, err := l.Apply(x, params, grad, pass)
			if err != nil {
				t.Fatal(err)
			}
			size := out.Shape().TotalSize() / 2
			logits, err := Linear{Name: "classifier", In: size, Out: 2}.Apply(out, input(g, "classifier's params", 3, 2*size+2), NewArray(2*size+2), pass)
			if err != nil {
				t.Fatal(err)
			}
			labels := gorgonia.NewVector(g, tensor.Int, gorgonia.WithShape(2), gorgonia.WithName("labels"), gorgonia.WithValue(tensor.New(tensor.WithBacking([]int{0, 1}))))
			loss, err := SoftmaxCrossEntropy(logits, labels, pass)
			if err != nil {
				t.Fatal(err)
			}
			nodes, err := gorgonia.Grad(loss, params)
			if err != nil {
				t.Fatal(err)
			}
			rows := make([]float32, 2*d)
			m := gorgonia.NewTapeMachine(g)
			defer m.Close()
			for i := range 2 {
				row := rows[i*d : (i+1)*d]
				grad.Set(row)
				m.Reset()
				if err := m.RunAll(); err != nil {
					t.Fatal(err)
				}
				if got := floats(nodes[0].Value()); &got[0] != &row[0] || len(got) != d {
					t.Fatalf("run %d: the gradient's value is not the row", i)
				}
			}
			if !slices.Equal(rows[:d], rows[d:]) {
				t.Error("two runs on equal inputs give different rows")
			}
			if slices.Max(rows) == 0 && slices.Min(rows) == 0 {
				t.Error("the gradient is zero")
			}
		})
	}
}

func run(t *testing.T, g *gorgonia.ExprGraph) {
	t.Helper()
	m := gorgonia.NewTapeMachine(g)
	defer m.Close()
	if err := m.RunAll(); err != nil {
		t.Fatal(err)
	}
}
