package kernel

import (
	"fmt"
	"testing"
)

// convs are geometries on both sides of Gathered: one channel and many, more
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
}

// eachConv runs f for all geometries, batches and sizes of a block of rows.
func eachConv(t *testing.T, f func(t *testing.T, c Conv, rows int)) {
	for _, c := range convs {
		for _, n := range []int{1, 3, 16} {
			for rows := range 2 {
				c.N = n
				name := fmt.Sprintf("%dx%dx%d to %d by %d, N=%d, rows=%d", c.Ci, c.H, c.W, c.Co, c.K, n, rows+1)
				t.Run(name, func(t *testing.T) { f(t, c, rows+1) })
			}
		}
	}
}

// blocks calls f for consecutive blocks of up to rows rows of the output.
func (c Conv) blocks(rows int, f func(y, rows int)) {
	for y := 0; y < c.OH(); y += rows {
		f(y, min(rows, c.OH()-y))
	}
}

// weightAt is the place of w[co,ci,ky,kx].
func (c Conv) weightAt(co, ci, ky, kx int) int {
	if c.Gathered() {
		return ((co*c.Ci+ci)*c.K+ky)*c.K + kx
	}
	return ((ky*c.K+kx)*c.Co+co)*c.Ci + ci
}

func (c Conv) weightLen() int { return c.Co * c.Ci * c.K * c.K }
func (c Conv) inLen() int     { return c.Ci * c.H * c.W * c.N }
func (c Conv) outLen() int    { return c.Co * c.OH() * c.OW() * c.N }

// eachProduct calls f with the places of every output, weight and input that
// the convolution's definition ties together.
func (c Conv) eachProduct(f func(out, w, in int)) {
	for co := range c.Co {
		for y := range c.OH() {
			for x := range c.OW() {
				for ci := range c.Ci {
					for tap := range c.K * c.K {
						ky, kx := tap/c.K, tap%c.K
						for i := range c.N {
							f(((co*c.OH()+y)*c.OW()+x)*c.N+i,
								c.weightAt(co, ci, ky, kx),
								((ci*c.H+y+ky)*c.W+x+kx)*c.N+i)
						}
					}
				}
			}
		}
	}
}

// cut copies rows [y, y+rows) of the output Co×OH×OW×N to a block.
func (c Conv) cut(out []float32, y, rows int) []float32 {
	line := c.OW() * c.N
	var block []float32
	for co := range c.Co {
		from := (co*c.OH() + y) * line
		block = append(block, out[from:from+rows*line]...)
	}
	return block
}

// paste is the inverse of cut.
func (c Conv) paste(out, block []float32, y, rows int) {
	line := c.OW() * c.N
	for co := range c.Co {
		copy(out[(co*c.OH()+y)*line:], block[co*rows*line:(co+1)*rows*line])
	}
}

func TestConvForward(t *testing.T) {
	eachConv(t, func(t *testing.T, c Conv, rows int) {
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

		got := make([]float32, c.outLen())
		c.blocks(rows, func(y, rows int) {
			block := stale(c.Co * rows * c.OW() * c.N)
			c.Forward(block, w, in, y, rows, stale(c.ScratchLen(rows)))
			c.paste(got, block, y, rows)
		})
		compare(t, "out", got, want)
	})
}

func TestConvGradWeight(t *testing.T) {
	eachConv(t, func(t *testing.T, c Conv, rows int) {
		rng := source(2)
		dout, in := normal(rng, c.outLen()), normal(rng, c.inLen())
		want := make([]sum, c.weightLen())
		c.eachProduct(func(o, k, i int) { want[k].add(float64(dout[o]) * float64(in[i])) })

		got := stale(c.weightLen())
		c.blocks(rows, func(y, rows int) {
			c.GradWeight(got, c.cut(dout, y, rows), in, y, rows, stale(c.ScratchLen(rows)))
		})
		compare(t, "dw", got, want)
	})
}

func TestConvGradInput(t *testing.T) {
	eachConv(t, func(t *testing.T, c Conv, rows int) {
		if c.Gathered() {
			t.Skip("a gathered convolution has no gradient of its input")
		}
		rng := source(3)
		w, dout := normal(rng, c.weightLen()), normal(rng, c.outLen())
		want := make([]sum, c.inLen())
		c.eachProduct(func(o, k, i int) { want[i].add(float64(w[k]) * float64(dout[o])) })

		got := stale(c.inLen())
		c.blocks(rows, func(y, rows int) { c.GradInput(got, w, c.cut(dout, y, rows), y, rows) })
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
	out := make([]float32, 8)
	c.Forward(out, []float32{10, 20, 30, 40}, in, 0, 2, make([]float32, c.ScratchLen(2)))
	compareExactly(t, "out", out, []float32{370, 40, 470, 30, 670, 20, 770, 10})

	dw := make([]float32, 4)
	c.GradWeight(dw, []float32{1, 1, 1, 1, 1, 1, 1, 1}, in, 0, 2, make([]float32, c.ScratchLen(2)))
	compareExactly(t, "dw", dw, []float32{12 + 1, 16 + 1, 24 + 1, 28 + 1})
}

// TestConvTapsByHand has 16 input channels, of which only the second is not
// zero, and one output channel: a 1×2 input meets a kernel of one pixel of
// weight 3, and its gradient is the output's times 3.
func TestConvTapsByHand(t *testing.T) {
	c := Conv{Ci: 16, H: 1, W: 2, Co: 1, K: 1, N: 1}
	in, w := make([]float32, 32), make([]float32, 16)
	in[2], in[3], w[1] = 5, 7, 3
	out := make([]float32, 2)
	c.Forward(out, w, in, 0, 1, nil)
	compareExactly(t, "out", out, []float32{15, 21})

	din := make([]float32, 32)
	c.GradInput(din, w, []float32{1, -2}, 0, 1)
	want := make([]float32, 32)
	want[2], want[3] = 3, -6
	compareExactly(t, "din", din, want)
}
