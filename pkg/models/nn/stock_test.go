package nn

import (
	"math"
	"math/rand/v2"
	"testing"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// stockNet is small but has all that LeNet has: two pooled convolutions, one
// thin and one in place, and two linear layers, one with ReLU.
//
//	1×14×14 → conv 3×3 → 16×6×6 → conv 3×3 → 8×2×2 → 12 → 5
var stockNet = []Layer{
	ConvPool{Name: "conv1", In: 1, Out: 16, Kernel: 3, First: true},
	ConvPool{Name: "conv2", In: 16, Out: 8, Kernel: 3, Flat: true},
	Linear{Name: "fc1", In: 32, Out: 12, ReLU: true},
	Linear{Name: "fc2", In: 12, Out: 5},
}

const stockBatch = 6

// result is a loss and the gradients of all arrays, in PyTorch's order.
type result struct {
	loss  float64
	grads map[string][]float32
}

// TestAgreesWithStockOps computes one network's loss and gradients twice: with
// this package's layers, and with Gorgonia's Conv2d, MaxPool2D, Rectify and
// Mul on N×C×H×W, differentiated by Gorgonia alone.
func TestAgreesWithStockOps(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	images := make([]float32, stockBatch*14*14) // N×C×H×W
	for i := range images {
		images[i] = float32(rng.NormFloat64())
	}
	labels := []int{4, 0, 1, 1, 3, 2}
	arrays := map[string][]float32{} // in PyTorch's order
	for _, l := range stockNet {
		for _, p := range l.Params() {
			x := make([]float32, p.Len())
			for i := range x {
				x[i] = float32((2*rng.Float64() - 1) * math.Sqrt(3/float64(p.FanIn)))
			}
			arrays[p.Name] = x
		}
	}

	got, want := ours(t, images, labels, arrays), stock(t, images, labels, arrays)
	const tolerance = 1e-4
	if math.Abs(got.loss-want.loss) > tolerance*want.loss {
		t.Errorf("loss is %.8g, stock ops give %.8g", got.loss, want.loss)
	}
	for name, w := range want.grads {
		if err := distance(got.grads[name], w); !(err <= tolerance) {
			t.Errorf("gradient of %s is off by %.2g of its norm, want at most %g", name, err, tolerance)
		}
	}
}

// distance is |a − b|/|b|.
func distance(a, b []float32) float64 {
	var diff, norm float64
	for i := range b {
		d := float64(a[i]) - float64(b[i])
		diff += d * d
		norm += float64(b[i]) * float64(b[i])
	}
	return math.Sqrt(diff / norm)
}

func ours(t *testing.T, images []float32, labels []int, arrays map[string][]float32) result {
	t.Helper()
	g := gorgonia.NewGraph()
	x := NewArray(1, 14, 14, stockBatch)
	pixels := len(images) / stockBatch
	for i := range stockBatch {
		for p := range pixels {
			x.data[p*stockBatch+i] = images[i*pixels+p]
		}
	}
	node := gorgonia.NewTensor(g, tensor.Float32, 4, gorgonia.WithShape(x.shape...), gorgonia.WithName("images"), gorgonia.WithValue(x))
	var params gorgonia.Nodes
	pass := &Pass{}
	for _, l := range stockNet {
		values := NewArray(Len(l))
		at := 0
		for _, p := range l.Params() {
			p.FromTorch(values.data[at:at+p.Len()], arrays[p.Name])
			at += p.Len()
		}
		p := gorgonia.NewVector(g, tensor.Float32, gorgonia.WithShape(at), gorgonia.WithName(l.Params()[0].Name), gorgonia.WithValue(values))
		var err error
		if node, err = l.Apply(node, p, NewArray(at), pass); err != nil {
			t.Fatal(err)
		}
		params = append(params, p)
	}
	classes := gorgonia.NewVector(g, tensor.Int, gorgonia.WithShape(stockBatch), gorgonia.WithName("labels"), gorgonia.WithValue(tensor.New(tensor.WithBacking(labels))))
	loss, err := SoftmaxCrossEntropy(node, classes, pass)
	if err != nil {
		t.Fatal(err)
	}
	nodes, err := gorgonia.Grad(loss, params...)
	if err != nil {
		t.Fatal(err)
	}
	run(t, g)

	r := result{loss: float64(*loss.Value().(*gorgonia.F32)), grads: map[string][]float32{}}
	for i, l := range stockNet {
		rest := floats(nodes[i].Value())
		for _, p := range l.Params() {
			r.grads[p.Name] = make([]float32, p.Len())
			p.ToTorch(r.grads[p.Name], rest[:p.Len()])
			rest = rest[p.Len():]
		}
	}
	return r
}

// stock is the network in Gorgonia's own ops. Bias and ReLU come before the
// pool, as the network is written on paper.
func stock(t *testing.T, images []float32, labels []int, arrays map[string][]float32) result {
	t.Helper()
	must := func(n *gorgonia.Node, err error) *gorgonia.Node {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	g := gorgonia.NewGraph()
	dense := func(name string, data []float32, shape ...int) *gorgonia.Node {
		value := tensor.New(tensor.WithShape(shape...), tensor.WithBacking(data))
		return gorgonia.NewTensor(g, tensor.Float32, len(shape), gorgonia.WithShape(shape...), gorgonia.WithName(name), gorgonia.WithValue(value))
	}
	var params gorgonia.Nodes
	var names []string
	param := func(name string, shape ...int) *gorgonia.Node {
		n := dense(name, arrays[name], shape...)
		params, names = append(params, n), append(names, name)
		return n
	}

	x := dense("images", images, stockBatch, 1, 14, 14)
	for _, l := range stockNet {
		switch l := l.(type) {
		case ConvPool:
			w, b := param(l.Name+".weight", l.Out, l.In, l.Kernel, l.Kernel), param(l.Name+".bias", 1, l.Out, 1, 1)
			x = must(gorgonia.Conv2d(x, w, tensor.Shape{l.Kernel, l.Kernel}, []int{0, 0}, []int{1, 1}, []int{1, 1}))
			x = must(gorgonia.BroadcastAdd(x, b, nil, []byte{0, 2, 3}))
			x = must(gorgonia.Rectify(x))
			x = must(gorgonia.MaxPool2D(x, tensor.Shape{2, 2}, []int{0, 0}, []int{2, 2}))
		case Linear:
			w, b := param(l.Name+".weight", l.Out, l.In), param(l.Name+".bias", 1, l.Out)
			x = must(gorgonia.Reshape(x, tensor.Shape{stockBatch, l.In}))
			x = must(gorgonia.Mul(x, must(gorgonia.Transpose(w, 1, 0))))
			x = must(gorgonia.BroadcastAdd(x, b, nil, []byte{0}))
			if l.ReLU {
				x = must(gorgonia.Rectify(x))
			}
		}
	}
	oneHot := make([]float32, stockBatch*5)
	for i, label := range labels {
		oneHot[i*5+label] = 1
	}
	// −log softmax(x)[label] = log Σ exp x − x[label]
	picked := must(gorgonia.Sum(must(gorgonia.HadamardProd(x, dense("one-hot", oneHot, stockBatch, 5))), 1))
	total := must(gorgonia.Log(must(gorgonia.Sum(must(gorgonia.Exp(x)), 1))))
	loss := must(gorgonia.Mean(must(gorgonia.Sub(total, picked))))

	nodes, err := gorgonia.Grad(loss, params...)
	if err != nil {
		t.Fatal(err)
	}
	run(t, g)
	r := result{loss: float64(loss.Value().Data().(float32)), grads: map[string][]float32{}}
	for i, name := range names {
		r.grads[name] = nodes[i].Value().Data().([]float32)
	}
	return r
}
