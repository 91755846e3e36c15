package models_test

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/bgmd/bgmd/internal/gemm"
	"github.com/bgmd/bgmd/pkg/data"
	"github.com/bgmd/bgmd/pkg/models"
)

func TestLeNetParameters(t *testing.T) {
	net, err := models.New("lenet", lenetOptions(func(*models.Options) {}))
	if err != nil {
		t.Fatal(err)
	}
	if got := len(net.Params()); got != 1_163_978 {
		t.Errorf("%d parameters, want 1,163,978", got)
	}
	var got []string
	for _, x := range net.Export() {
		got = append(got, fmt.Sprint(x.Name, x.Shape))
	}
	// state_dict of torch.nn.Conv2d and torch.nn.Linear of these names.
	want := []string{
		"conv1.weight[64 1 5 5]", "conv1.bias[64]",
		"conv2.weight[64 64 5 5]", "conv2.bias[64]",
		"fc1.weight[1024 1024]", "fc1.bias[1024]",
		"fc2.weight[10 1024]", "fc2.bias[10]",
	}
	if !slices.Equal(got, want) {
		t.Errorf("tensors are\n%q\nwant\n%q", got, want)
	}
}

// TestLeNetFlops counts by hand: a product and a sum for each weight and pixel
// of a convolution's output (24×24 and 8×8) or unit, in the forward pass and
// both gradients, of which the image needs none. With batches that fill a group, the
// second convolution has 64 products and sums in place of 25 for each of 16 pixels.
func TestLeNetFlops(t *testing.T) {
	for _, c := range []struct {
		batch  int
		direct bool
		conv2  int // products for one sample
		name   string
	}{
		{3, false, 64 * 64 * 25 * 8 * 8, ""},
		{16, true, 64 * 64 * 25 * 8 * 8, ""},
		{16, false, 64 * 64 * 64 * 4, "+winograd"},
	} {
		net, err := models.New("lenet", lenetOptions(func(o *models.Options) {
			o.Batch, o.Direct = c.batch, c.direct
			o.EvalBatch = c.batch
		}))
		if err != nil {
			t.Fatal(err)
		}
		const others = 2*64*25*24*24 + 3*1024*1024 + 3*10*1024
		want, wantByDefinition := 2*c.batch*(others+3*c.conv2), 2*c.batch*(others+3*64*64*25*8*8)
		if got, byDefinition := net.Replica(0).Flops(); got != want || byDefinition != wantByDefinition {
			t.Errorf("batches of %d: %d operations a gradient and %d by definition, want %d and %d", c.batch, got, byDefinition, want, wantByDefinition)
		}
		if want := gemm.Backend() + c.name; net.Backend() != want {
			t.Errorf("batches of %d: backend is %q, want %q", c.batch, net.Backend(), want)
		}
	}
}

// torchGradients are reference values from PyTorch 1.13 in float64 (on the
// CPU, by autograd), for the parameters and images of lcg below:
//
//	h = relu(max_pool2d(conv2d(x, conv1), 2))
//	h = relu(max_pool2d(conv2d(h, conv2), 2))
//	h = relu(linear(h.flatten(1), fc1))
//	loss = cross_entropy(linear(h, fc2), [1, 4, 7, 0])
//
// In float32 PyTorch itself differs from them by up to 9e-7 of the norm.
var torchGradients = []struct {
	name string
	norm float64
	dot  float64         // with as many further numbers of lcg: any change shows
	at   map[int]float64 // the two largest and some others
}{
	{"conv1.weight", 0.14721877, 0.047556768, map[int]float64{1141: -1.2319768e-02, 362: -1.1744087e-02, 533: 1.5593050e-04, 800: -4.0863236e-03, 1599: -4.2102758e-03}},
	{"conv1.bias", 0.042143556, -0.021560659, map[int]float64{49: -1.0593108e-02, 39: -1.0152738e-02, 21: -6.4066318e-03, 32: -2.6436733e-03, 63: -2.3342345e-03}},
	{"conv2.weight", 1.4877046, 1.7716593, map[int]float64{83260: -3.2196709e-02, 83270: -3.2147286e-02, 34133: 9.8540287e-06, 51200: -1.0123796e-03, 102399: -2.2221257e-03}},
	{"conv2.bias", 0.083426082, 0.012152835, map[int]float64{52: -4.1557045e-02, 41: -2.4383561e-02, 21: -1.3246384e-04, 32: -3.6731249e-03, 63: -2.0775907e-03}},
	{"fc1.weight", 1.1152871, 0.31869857, map[int]float64{81459: 1.5082135e-02, 81463: 1.4333932e-02, 349525: 0, 524288: 3.4306086e-05, 1048575: 2.1513102e-04}},
	{"fc1.bias", 0.15676642, 0.10229025, map[int]float64{79: 1.8923161e-02, 290: -1.7109950e-02, 341: 7.0590179e-03, 512: -4.1983190e-03, 1023: 1.5458404e-03}},
	{"fc2.weight", 1.1359391, 0.65487634, map[int]float64{722: -7.8044269e-02, 7719: -7.4842286e-02, 3413: 2.3510489e-02, 5120: 3.0064347e-02, 10239: 1.2098888e-03}},
	{"fc2.bias", 0.37384303, -0.02447093, map[int]float64{1: -1.4793172e-01, 7: -1.4705123e-01, 3: 9.7807848e-02, 5: 9.4905020e-02, 9: 9.0855377e-02}},
}

const torchLoss = 2.248167497

// torchLogits are those of the first image.
var torchLogits = []float64{0.03930640, 0.01271485, -0.01132603, 0.00461977, 0.07146411, -0.06827175, -0.04516248, 0.02848267, -0.04002061, -0.09593561}

// lcg draws numbers in [−1, 1) that any language can draw alike: the generator
// x ← 1664525·x + 1013904223 mod 2³² from x = 1, as x/2³¹ − 1 [Numerical
// Recipes, §7.1].
func lcg() func() float64 {
	x := uint32(1)
	return func() float64 {
		x = 1664525*x + 1013904223
		return float64(x)/(1<<31) - 1
	}
}

// torchCase is the net and batch of the reference values: parameters array by
// array in the order of Export, each divided by √fan_in, then four images.
// next draws what follows.
func torchCase(t *testing.T) (net *models.Net, b *data.Batch, next func() float64) {
	t.Helper()
	net, err := models.New("lenet", lenetOptions(func(o *models.Options) { o.Batch, o.EvalBatch = 4, 4 }))
	if err != nil {
		t.Fatal(err)
	}
	next = lcg()
	tensors := net.Export()
	fan := 0
	for _, x := range tensors {
		if len(x.Shape) > 1 {
			fan = len(x.Data) / x.Shape[0]
		}
		for i := range x.Data {
			x.Data[i] = float32(next() / math.Sqrt(float64(fan)))
		}
	}
	if err := net.Import(tensors); err != nil {
		t.Fatal(err)
	}
	b = data.NewBatch(data.Shape{C: 1, H: 28, W: 28}, 4)
	for i := range b.N {
		for p := range b.Shape.Size() {
			b.X[p*b.N+i] = float32(next())
		}
	}
	copy(b.Labels, []int{1, 4, 7, 0})
	return net, b, next
}

func TestLeNetAgreesWithPyTorch(t *testing.T) {
	const tolerance = 1e-5 // of an array's norm
	net, b, next := torchCase(t)
	g := make([]float32, len(net.Params()))
	loss, err := net.Replica(0).Grad(g, b, nil)
	if err != nil {
		t.Fatal(err)
	}
	if math.Abs(loss-torchLoss) > tolerance {
		t.Errorf("loss is %.8g, PyTorch has %.8g", loss, torchLoss)
	}
	logits, err := net.Replica(0).Predict(b, nil)
	if err != nil {
		t.Fatal(err)
	}
	for c, want := range torchLogits {
		if got := float64(logits[c*b.N]); math.Abs(got-want) > tolerance {
			t.Errorf("logit %d of the first image is %.8g, PyTorch has %.8g", c, got, want)
		}
	}

	// A gradient has the order of the parameters: exported as if it were
	// those, it has PyTorch's.
	copy(net.Params(), g)
	for i, x := range net.Export() {
		ref := torchGradients[i]
		if x.Name != ref.name {
			t.Fatalf("array %d is %s, want %s", i, x.Name, ref.name)
		}
		var squares, dot float64
		for _, v := range x.Data {
			squares += float64(v) * float64(v)
			dot += float64(v) * next()
		}
		if norm := math.Sqrt(squares); math.Abs(norm-ref.norm) > tolerance*ref.norm {
			t.Errorf("gradient of %s has norm %.8g, PyTorch %.8g", x.Name, norm, ref.norm)
		}
		if math.Abs(dot-ref.dot) > tolerance*ref.norm {
			t.Errorf("gradient of %s times the numbers that follow is %.8g, PyTorch has %.8g", x.Name, dot, ref.dot)
		}
		for at, want := range ref.at {
			if got := float64(x.Data[at]); math.Abs(got-want) > tolerance*ref.norm {
				t.Errorf("gradient of %s[%d] is %.8g, PyTorch has %.8g", x.Name, at, got, want)
			}
		}
	}
}
