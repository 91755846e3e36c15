package kernel

import (
	"fmt"
	"testing"
)

// convs are geometries on both sides of Thin: one channel and many, more
// and fewer outputs than inputs, images that are not square, an odd number of
// output rows, a kernel of one pixel and one as large as the image.
var convs = []Conv{
	{Ci: 1, H: 6, W: 8, Co: 5, K: 3},
	{Ci: 3, H: 7, W: 5, Co: 4, K: 2},
	{Ci: 15, H: 3, W: 4, Co: 2, K: 3},
	{Ci: 2, H: 4, W: 3, Co: 3, K: 1},
	{Ci: 16, H: 6, W: 5, Co: 3, K: 3},
	{Ci: 17, H: 5, W: 9, Co: 20, K: 2},
	{Ci: 16, H: 4, W: 4, Co: 7, K: 4},
	{Ci: 18, H: 3, W: 5, Co: 1, K: 1},
	// Strides and paddings: the stems, blocks and downsampling of ResNet-18 at
	// all its sizes, and what it does not have.
	{Ci: 3, H: 8, W: 9, Co: 4, K: 7, Stride: 2, Pad: 3},
	{Ci: 3, H: 5, W: 4, Co: 4, K: 3, Pad: 1},
	{Ci: 2, H: 1, W: 1, Co: 4, K: 3, Pad: 1},
	{Ci: 2, H: 1, W: 2, Co: 3, K: 7, Stride: 2, Pad: 3},
	{Ci: 16, H: 5, W: 4, Co: 3, K: 3, Pad: 1},
	{Ci: 16, H: 2, W: 2, Co: 5, K: 3, Pad: 1},
	{Ci: 17, H: 1, W: 1, Co: 3, K: 3, Pad: 1},
	{Ci: 16, H: 1, W: 4, Co: 3, K: 3, Pad: 1},
	{Ci: 16, H: 8, W: 6, Co: 4, K: 3, Stride: 2, Pad: 1},
	{Ci: 16, H: 5, W: 7, Co: 4, K: 3, Stride: 2, Pad: 1},
	{Ci: 16, H: 2, W: 2, Co: 4, K: 3, Stride: 2, Pad: 1},
	{Ci: 16, H: 1, W: 1, Co: 4, K: 3, Stride: 2, Pad: 1},
	{Ci: 16, H: 4, W: 5, Co: 6, K: 1, Stride: 2},
	{Ci: 16, H: 9, W: 8, Co: 2, K: 5, Stride: 3, Pad: 2},
	{Ci: 16, H: 6, W: 6, Co: 2, K: 4, Stride: 4, Pad: 1},
	{Ci: 16, H: 6, W: 7, Co: 2, K: 5, Pad: 1},
}

// eachConv runs f for all geometries and batches.
func eachConv(t *testing.T, f func(t *testing.T, c Conv)) {
	run := func(c Conv) {
		name := fmt.Sprintf("%dx%dx%d to %d by %d, stride %d, pad %d, N=%d", c.Ci, c.H, c.W, c.Co, c.K, c.Stride, c.Pad, c.N)
		t.Run(name, func(t *testing.T) { f(t, c) })
	}
	for _, c := range convs {
		for _, n := range []int{1, 3, 16} {
			c.N = n
			run(c)
		}
	}
	rng, rounds := source(20), 200
	if testing.Short() {
		rounds = 40
	}
	for range rounds {
		k := 1 + rng.IntN(7)
		pad := rng.IntN((k + 1) / 2)
		size := func() int { return max(1, k-2*pad) + rng.IntN(6) }
		run(Conv{
			Ci: 1 + rng.IntN(3) + 16*rng.IntN(2), H: size(), W: size(), Co: 1 + rng.IntN(19),
			K: k, Stride: 1 + rng.IntN(3), Pad: pad, N: []int{1, 3, 16, 64, 100}[rng.IntN(5)],
		})
	}
}

// weightAt is the place of w[co,ci,ky,kx].
func (c Conv) weightAt(co, ci, ky, kx int) int {
	if c.Thin() {
		return ((co*c.Ci+ci)*c.K+ky)*c.K + kx
	}
	return ((kx*c.Co+co)*c.K+ky)*c.Ci + ci
}

// inAt is the place of the first image's pixel (y, x) in channel ci.
func (c Conv) inAt(ci, y, x int) int {
	if c.Thin() {
		return ((ci*c.H+y)*c.W + x) * c.N
	}
	return ((y*c.Ci+ci)*c.W + x) * c.N
}

// outAt is the place of the first image's pixel (y, x) in channel co.
func (c Conv) outAt(co, y, x int) int { return ((y*c.Co+co)*c.OW() + x) * c.N }

func (c Conv) weightLen() int { return c.Co * c.Ci * c.K * c.K }
func (c Conv) inLen() int     { return c.Ci * c.H * c.W * c.N }
func (c Conv) outLen() int    { return c.Co * c.OH() * c.OW() * c.N }

// row is row y of the output.
func (c Conv) row(out []float32, y int) []float32 {
	size := c.Co * c.OW() * c.N
	return out[y*size : (y+1)*size]
}

// eachProduct calls f with the places of every output, weight and input that
// the convolution's definition ties together.
func (c Conv) eachProduct(f func(out, w, in int)) {
	for co := range c.Co {
		for y := range c.OH() {
			for x := range c.OW() {
				for ci := range c.Ci {
					for tap := range c.K * c.K {
						ky, kx := tap/c.K, tap%c.K
						fromY, fromX := y*max(1, c.Stride)-c.Pad+ky, x*max(1, c.Stride)-c.Pad+kx
						if fromY < 0 || fromY >= c.H || fromX < 0 || fromX >= c.W {
							continue
						}
						for i := range c.N {
							f(c.outAt(co, y, x)+i, c.weightAt(co, ci, ky, kx), c.inAt(ci, fromY, fromX)+i)
						}
					}
				}
			}
		}
	}
}

func TestConvForward(t *testing.T) {
	eachConv(t, func(t *testing.T, c Conv) {
		rng := source(1)
		w, in := normal(rng, c.weightLen()), normal(rng, c.inLen())
		want := make([]sum, c.outLen())
		products := 0
		c.eachProduct(func(o, k, i int) {
			want[o].add(float64(w[k]) * float64(in[i]))
			products++
		})
		if c.Flops() != 2*products {
			t.Errorf("Flops is %d, want a product and a sum for each of %d", c.Flops(), products)
		}

		got, arranged := stale(c.outLen()), c.Arrange(stale(c.ArrangedLen()), in)
		for y := range c.OH() {
			c.Forward(c.row(got, y), w, arranged, y)
		}
		compare(t, "out", got, want)
	})
}

func TestConvGradWeight(t *testing.T) {
	eachConv(t, func(t *testing.T, c Conv) {
		rng := source(2)
		dout, in := normal(rng, c.outLen()), normal(rng, c.inLen())
		want := make([]sum, c.weightLen())
		c.eachProduct(func(o, k, i int) { want[k].add(float64(dout[o]) * float64(in[i])) })

		got, arranged := stale(c.weightLen()), c.Arrange(stale(c.ArrangedLen()), in)
		for y := range c.OH() {
			c.GradWeight(got, c.row(dout, y), arranged, y)
		}
		compare(t, "dw", got, want)
	})
}

func TestConvGradInput(t *testing.T) {
	eachConv(t, func(t *testing.T, c Conv) {
		if c.Thin() {
			t.Skip("a thin convolution has no gradient of its input")
		}
		rng := source(3)
		w, dout := normal(rng, c.weightLen()), normal(rng, c.outLen())
		got := normal(rng, c.inLen())
		want := make([]sum, c.inLen())
		for i, v := range got {
			want[i].add(float64(v))
		}
		c.eachProduct(func(o, k, i int) { want[i].add(float64(w[k]) * float64(dout[o])) })

		for y := range c.OH() {
			c.GradInput(got, w, c.row(dout, y), y)
		}
		compare(t, "din", got, want)
	})
}

// TestConvByHand works one small convolution on paper:
//
//	image 1  1 2 3    kernel  10 20    out 1  370 470    (10·1+20·2+30·4+40·5 = 370)
//	         4 5 6            30 40           670 770
//	         7 8 9
//
// Image 2 is 1 in the middle and 0 elsewhere, so that its output is the kernel
// turned by half a turn. With all gradients of the output 1, the gradient of a
// weight is the sum of the inputs it meets: 1+2+4+5 = 12 and the middle's 1.
func TestConvByHand(t *testing.T) {
	c := Conv{Ci: 1, H: 3, W: 3, Co: 1, K: 2, N: 2}
	in := []float32{1, 0, 2, 0, 3, 0, 4, 0, 5, 1, 6, 0, 7, 0, 8, 0, 9, 0}
	out, dw := make([]float32, 8), make([]float32, 4)
	for y := range 2 {
		c.Forward(c.row(out, y), []float32{10, 20, 30, 40}, in, y)
		c.GradWeight(dw, []float32{1, 1, 1, 1}, in, y)
	}
	compareExactly(t, "out", out, []float32{370, 40, 470, 30, 670, 20, 770, 10})
	compareExactly(t, "dw", dw, []float32{12 + 1, 16 + 1, 24 + 1, 28 + 1})
}

// TestConvInPlaceByHand has 16 input channels, of which only the second is not
// zero, and one output channel: a 1×2 input meets a kernel of one pixel of
// weight 3, and its gradient is the output's times 3.
func TestConvInPlaceByHand(t *testing.T) {
	c := Conv{Ci: 16, H: 1, W: 2, Co: 1, K: 1, N: 1}
	in, w := make([]float32, 32), make([]float32, 16)
	in[2], in[3], w[1] = 5, 7, 3
	out := make([]float32, 2)
	c.Forward(out, w, in, 0)
	compareExactly(t, "out", out, []float32{15, 21})

	din := make([]float32, 32)
	c.GradInput(din, w, []float32{1, -2}, 0)
	want := make([]float32, 32)
	want[2], want[3] = 3, -6
	compareExactly(t, "din", din, want)
}
