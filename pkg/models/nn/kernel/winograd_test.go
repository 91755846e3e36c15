package kernel

import (
	"fmt"
	"math"
	"testing"
)

// fastConvs are geometries that package winograd computes, with batches that fill
// groups of samples and do not.
var fastConvs = []Conv{
	{Ci: 64, H: 12, W: 12, Co: 64, K: 5, N: 16},
	{Ci: 16, H: 8, W: 8, Co: 16, K: 5, N: 40},
	{Ci: 17, H: 9, W: 7, Co: 16, K: 5, Pad: 1, N: 13},
	{Ci: 16, H: 4, W: 4, Co: 18, K: 3, Pad: 1, N: 100},
	{Ci: 20, H: 6, W: 8, Co: 16, K: 3, N: 31},
	{Ci: 16, H: 8, W: 8, Co: 32, K: 3, Pad: 1, N: 15},
}

// accurate fails unless got is within a share of want's norm, and its elements within
// twelve times that share of the root mean square: what package winograd's tests find.
func accurate(t *testing.T, what string, c Conv, got []float32, want []sum) {
	t.Helper()
	share := 6e-6
	if c.K == 3 {
		share = 2e-6
	}
	var difference, norm, largest float64
	for i, w := range want {
		d := float64(got[i]) - w.value
		difference += d * d
		norm += w.value * w.value
		largest = max(largest, math.Abs(d))
	}
	if off := math.Sqrt(difference / norm); !(off <= share) {
		t.Errorf("%s is off by %.2g of its norm, want at most %.2g", what, off, share)
	}
	if rms := math.Sqrt(norm / float64(len(want))); !(largest <= 12*share*rms) {
		t.Errorf("%s: an element is off by %.2g of the root mean square, want at most %.2g", what, largest/rms, 12*share)
	}
}

func eachFast(t *testing.T, f func(t *testing.T, c Conv)) {
	for _, c := range fastConvs {
		t.Run(fmt.Sprintf("%dx%dx%d to %d by %d, pad %d, N=%d", c.Ci, c.H, c.W, c.Co, c.K, c.Pad, c.N), func(t *testing.T) { f(t, c) })
	}
}

// transformed is w as f wants it.
func transformed(f *Winograd, w []float32) []float32 {
	u := stale(f.Transformed())
	f.Transform(u, w, 0, 5)
	f.Transform(u, w, 5, f.Co)
	return u
}

// TestWinograd holds all products of whole batches to the definition in float64.
func TestWinograd(t *testing.T) {
	eachFast(t, func(t *testing.T, c Conv) {
		rng := source(30)
		f := NewWinograd(c, &Space{})
		w, in, dout := normal(rng, c.weightLen()), normal(rng, c.inLen()), normal(rng, c.outLen())
		out, dw, din := make([]sum, c.outLen()), make([]sum, c.weightLen()), make([]sum, c.inLen())
		gotIn := normal(rng, c.inLen())
		for i, v := range gotIn {
			din[i].add(float64(v))
		}
		c.eachProduct(func(o, k, i int) {
			out[o].add(float64(w[k]) * float64(in[i]))
			dw[k].add(float64(dout[o]) * float64(in[i]))
			din[i].add(float64(w[k]) * float64(dout[o]))
		})
		u, gotOut, gotWeight := transformed(f, w), stale(c.outLen()), stale(c.weightLen())
		f.Forward(gotOut, u, in)
		f.GradWeight(gotWeight, dout, in)
		f.GradInput(gotIn, u, dout)
		accurate(t, "out", c, gotOut, out)
		accurate(t, "dw", c, gotWeight, dw)
		accurate(t, "din", c, gotIn, din)
	})
}

// TestWinogradGroups: one group at a time gives what the batch gives at once.
func TestWinogradGroups(t *testing.T) {
	eachFast(t, func(t *testing.T, c Conv) {
		rng := source(31)
		f := NewWinograd(c, &Space{})
		w, in, dout := normal(rng, c.weightLen()), normal(rng, c.inLen()), normal(rng, c.outLen())
		u := transformed(f, w)
		out, dw, din := make([]float32, c.outLen()), stale(c.weightLen()), make([]float32, c.inLen())
		f.Forward(out, u, in)
		f.GradWeight(dw, dout, in)
		f.GradInput(din, u, dout)

		gotOut, gotWeight, gotIn := stale(c.outLen()), stale(c.weightLen()), stale(c.inLen())
		for g := range f.Groups() {
			part := make([]float32, f.GroupLen())
			n := min(Group, c.N-g*Group)
			f.ForwardGroup(part, u, in, g)
			for at := range c.outLen() / c.N {
				copy(gotOut[at*c.N+g*Group:][:n], part[at*Group:])
				clear(part[at*Group:][:Group])
				copy(part[at*Group:][:n], dout[at*c.N+g*Group:])
			}
			f.GradGroup(gotIn, part, u, in, g)
		}
		f.GradGroups(gotWeight)
		compareExactly(t, "out", gotOut, out)
		compareExactly(t, "din", gotIn, din)
		for i, v := range gotWeight { // whose sums may be over other blocks
			if math.Abs(float64(v-dw[i])) > 1e-3 {
				t.Fatalf("dw: element %d is %g, and of the batch at once %g", i, v, dw[i])
			}
		}
	})
}

// TestFast says which of the networks' convolutions are computed by package
// winograd.
func TestFast(t *testing.T) {
	for name, c := range map[string]struct {
		Conv
		want bool
	}{
		"lenet conv2, 16":            {Conv{Ci: 64, H: 12, W: 12, Co: 64, K: 5, N: 16}, true},
		"lenet conv2, 64":            {Conv{Ci: 64, H: 12, W: 12, Co: 64, K: 5, N: 64}, true},
		"lenet conv2, 80":            {Conv{Ci: 64, H: 12, W: 12, Co: 64, K: 5, N: 80}, true},
		"lenet conv2, one":           {Conv{Ci: 64, H: 12, W: 12, Co: 64, K: 5, N: 1}, false},
		"lenet conv1":                {Conv{Ci: 1, H: 28, W: 28, Co: 64, K: 5, N: 64}, false},
		"resnet18 layer1":            {Conv{Ci: 64, H: 8, W: 8, Co: 64, K: 3, Stride: 1, Pad: 1, N: 128}, true},
		"resnet18 layer2, stride 2":  {Conv{Ci: 64, H: 8, W: 8, Co: 128, K: 3, Stride: 2, Pad: 1, N: 128}, false},
		"resnet18 layer2":            {Conv{Ci: 128, H: 4, W: 4, Co: 128, K: 3, Pad: 1, N: 128}, true},
		"resnet18 layer3":            {Conv{Ci: 256, H: 2, W: 2, Co: 256, K: 3, Pad: 1, N: 128}, false},
		"resnet18 layer2 downsample": {Conv{Ci: 64, H: 8, W: 8, Co: 128, K: 1, Stride: 2, N: 128}, false},
		"resnet18 layer3, cifar":     {Conv{Ci: 256, H: 8, W: 8, Co: 256, K: 3, Pad: 1, N: 128}, true},
		"resnet18 layer4, cifar":     {Conv{Ci: 512, H: 4, W: 4, Co: 512, K: 3, Pad: 1, N: 128}, false},
		"few outputs":                {Conv{Ci: 64, H: 12, W: 12, Co: 10, K: 5, N: 16}, false},
	} {
		if got := c.Fast(); got != c.want {
			t.Errorf("%s: fast is %v, want %v", name, got, c.want)
		}
	}
}
