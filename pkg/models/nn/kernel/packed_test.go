package kernel

import (
	"fmt"
	"slices"
	"testing"
)

// TestPacked holds products with packed weights to those with weights as they are,
// which they equal to the bit, for batches that fill groups and chunks and do not.
func TestPacked(t *testing.T) {
	for _, p := range []Packed{{In: 256, Out: 64}, {In: 48, Out: 400}, {In: 1024, Out: 1024}} {
		if !p.Pays() {
			t.Errorf("%v: does not pay", p)
		}
		for _, n := range []int{1, 15, 16, 40, chunk, 2*chunk + 3} {
			t.Run(fmt.Sprint(p, n), func(t *testing.T) {
				rng := source(15)
				w, b, x, dout := normal(rng, p.Out*p.In), normal(rng, p.Out), normal(rng, p.In*n), normal(rng, p.Out*n)
				wantOut, wantX := stale(p.Out*n), stale(p.In*n)
				Linear(wantOut, w, b, x, n)
				GradLinearInput(wantX, dout, w, n)

				var space Space
				gotOut, gotX := stale(p.Out*n), stale(p.In*n)
				packed := stale(p.Len(true))
				p.Pack(packed, w)
				p.Forward(&space, gotOut, packed, b, x, n)
				p.GradInput(&space, gotX, packed, dout, n)
				if !slices.Equal(gotOut, wantOut) {
					t.Error("the output is another")
				}
				if !slices.Equal(gotX, wantX) {
					t.Error("the input's gradient is another")
				}
				first := stale(p.Len(false))
				p.Pack(first, w)
				if !slices.Equal(first, packed[:len(first)]) {
					t.Error("without a gradient, weights are packed in another way")
				}
			})
		}
	}
}

// TestPackedPays says which of the networks' layers have their weights packed.
func TestPackedPays(t *testing.T) {
	for _, c := range []struct {
		layer Packed
		want  bool
	}{
		{Packed{In: 1024, Out: 1024}, true}, // lenet fc1
		{Packed{In: 1024, Out: 10}, false},  // lenet fc2
		{Packed{In: 784, Out: 10}, false},   // logistic regression
		{Packed{In: 512, Out: 10}, false},   // resnet18 fc
		{Packed{In: 64, Out: 64}, false},
	} {
		if got := c.layer.Pays(); got != c.want {
			t.Errorf("%v pays: %v, want %v", c.layer, got, c.want)
		}
	}
}

// TestStreamedGradient: large gradients are written past the caches, with the bits of
// a product that is not, wherever they begin.
func TestStreamedGradient(t *testing.T) {
	const in, n = 1024, 16
	rows := leastStreamed / in
	rng := source(16)
	dout, x := normal(rng, (rows+8)*n), normal(rng, in*n)
	want, db := stale((rows+8)*in), stale(rows+8)
	mul(want, in, rows+8, in, n, rowMajor(dout, n), rowMajor(x, n).t(), 0)
	for offset := range 3 {
		got := stale((rows+8)*in + offset)[offset:]
		GradLinear(got, db, dout, x, n)
		if !slices.Equal(got, want) {
			t.Errorf("%d elements further: another gradient", offset)
		}
	}
}
