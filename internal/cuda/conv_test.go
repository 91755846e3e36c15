//go:build gpu && linux

package cuda

import (
	"fmt"
	"testing"

	host "github.com/bgmd/bgmd/pkg/models/nn/kernel"
)

// Products agree with the host's kernels on each client alone, to float32's rounding of
// sums of up to 1600 terms.
func TestConvEqualsHost(t *testing.T) {
	for _, c := range []Conv{
		{Ci: 16, H: 6, W: 7, Co: 9, K: 3, Stride: 1, Pad: 1, N: 3, Clients: 2},
		{Ci: 17, H: 5, W: 5, Co: 70, K: 3, Stride: 2, Pad: 1, N: 4, Clients: 3},
		{Ci: 64, H: 12, W: 12, Co: 64, K: 5, Stride: 1, N: 16, Clients: 1},
		{Ci: 20, H: 4, W: 4, Co: 66, K: 1, Stride: 2, N: 5, Clients: 2},
		{Ci: 130, H: 1, W: 1, Co: 20, K: 3, Stride: 1, Pad: 1, N: 1, Clients: 1},
		{Ci: 32, H: 2, W: 3, Co: 8, K: 3, Stride: 1, Pad: 1, N: 66, Clients: 3},
		{Ci: 1, H: 10, W: 9, Co: 64, K: 5, Stride: 1, N: 8, Clients: 3, Thin: true},
		{Ci: 3, H: 9, W: 11, Co: 10, K: 7, Stride: 2, Pad: 3, N: 5, Clients: 2, Thin: true},
		{Ci: 5, H: 6, W: 6, Co: 65, K: 3, Stride: 1, Pad: 1, N: 1, Clients: 64, Thin: true},
	} {
		t.Run(fmt.Sprintf("%+v", c), func(t *testing.T) { testConv(t, c) })
	}
}

func testConv(t *testing.T, c Conv) {
	b := newBench(t)
	h := host.Conv{Ci: c.Ci, H: c.H, W: c.W, Co: c.Co, K: c.K, Stride: c.Stride, Pad: c.Pad, N: c.N}
	if h.Thin() != c.Thin {
		t.Fatal("the host has another layout")
	}
	in, w, dout := b.normal(c.InLen()), b.normal(c.WeightLen()), b.normal(c.OutLen())
	din := b.normal(c.InLen())
	const stride = 3 // beyond the weights
	step := c.WeightLen() + stride
	dIn, dW, dOut, dDin := up(b, in), up(b, w), up(b, dout), up(b, din)
	dGrads, dSpace := room[float32](b, step*c.Clients), room[float32](b, c.WeightSpace())
	dForward := room[float32](b, c.OutLen())

	b.ok(b.ConvForward(c, dForward, dW, dIn))
	b.ok(b.ConvGradWeight(c, dGrads, step, dOut, dIn, dSpace))
	if !c.Thin {
		b.ok(b.ConvGradInput(c, dDin, dW, dOut, true))
	}
	out, grads, gotDin := split(down(b, dForward), c.Clients, c.N), down(b, dGrads), split(down(b, dDin), c.Clients, c.N)
	ins, douts, dins := split(in, c.Clients, c.N), split(dout, c.Clients, c.N), split(din, c.Clients, c.N)
	line := c.Co * c.OW() * c.N
	for i := range c.Clients {
		x := h.Arrange(make([]float32, h.ArrangedLen()), ins[i])
		want, grad := make([]float32, len(douts[i])), make([]float32, c.WeightLen())
		for y := range c.OH() {
			row := douts[i][y*line : (y+1)*line]
			h.Forward(want[y*line:(y+1)*line], w, x, y)
			h.GradWeight(grad, row, x, y)
			if !c.Thin {
				h.GradInput(dins[i], w, row, y)
			}
		}
		near(t, "output", out[i], want, 5e-6)
		near(t, "gradient of the weights", grads[i*step:i*step+c.WeightLen()], grad, 5e-6)
		if !c.Thin {
			near(t, "gradient of the input", gotDin[i], dins[i], 5e-6)
		}
	}
}

// A linear layer is a convolution of one pixel.
func TestLinearEqualsHost(t *testing.T) {
	for _, c := range []Conv{
		{Ci: 100, H: 1, W: 1, Co: 37, K: 1, Stride: 1, N: 7, Clients: 3},
		{Ci: 7, H: 1, W: 1, Co: 3, K: 1, Stride: 1, N: 1, Clients: 1},
		{Ci: 132, H: 1, W: 1, Co: 16, K: 1, Stride: 1, N: 9, Clients: 2},
		{Ci: 68, H: 1, W: 1, Co: 17, K: 1, Stride: 1, N: 9, Clients: 2},
		{Ci: 300, H: 1, W: 1, Co: 130, K: 1, Stride: 1, N: 32, Clients: 5},
	} {
		t.Run(fmt.Sprintf("%+v", c), func(t *testing.T) {
			b := newBench(t)
			x, w, bias, dout := b.normal(c.InLen()), b.normal(c.WeightLen()), b.normal(c.Co), b.normal(c.OutLen())
			out, din, step := room[float32](b, c.OutLen()), room[float32](b, c.InLen()), c.WeightLen()+c.Co
			dW, dX, dDout, grads := up(b, w), up(b, x), up(b, dout), room[float32](b, step*c.Clients)
			b.ok(b.ConvForward(c, out, dW, dX))
			b.ok(b.AddBias(out, up(b, bias), c.M()))
			b.ok(b.ConvGradInput(c, din, dW, dDout, false))
			b.ok(b.ConvGradWeight(c, grads, step, dDout, dX, room[float32](b, c.WeightSpace())))
			b.ok(b.BiasGrad(Pixels{C: c.Co, PH: 1, PW: 1, N: c.N, Clients: c.Clients}, grads.Slice(c.WeightLen(), grads.Len()), step, dDout, Memory[uint8]{}))
			outs, dins, g := split(down(b, out), c.Clients, c.N), split(down(b, din), c.Clients, c.N), down(b, grads)
			xs, douts := split(x, c.Clients, c.N), split(dout, c.Clients, c.N)
			for i := range c.Clients {
				want, dw, db, dx := make([]float32, c.Co*c.N), make([]float32, c.WeightLen()), make([]float32, c.Co), make([]float32, c.Ci*c.N)
				host.Linear(want, w, bias, xs[i], c.N)
				host.GradLinear(dw, db, douts[i], xs[i], c.N)
				host.GradLinearInput(dx, douts[i], w, c.N)
				near(t, "output", outs[i], want, 5e-6)
				near(t, "gradient of the input", dins[i], dx, 5e-6)
				near(t, "gradient of the weights", g[i*step:i*step+len(dw)], dw, 5e-6)
				near(t, "gradient of the bias", g[i*step+len(dw):(i+1)*step], db, 5e-6)
			}
		})
	}
}

// The narrow and the wide tiles give the same bits.
func TestTilesGiveTheSameBits(t *testing.T) {
	b := newBench(t)
	c := Conv{Ci: 16, H: 5, W: 5, Co: 65, K: 3, Stride: 1, Pad: 1, N: 66, Clients: 3}
	in, w := up(b, b.normal(c.InLen())), up(b, b.normal(c.WeightLen()))
	var outs [2][]float32
	for i, tile := range []int{64, 128} {
		out := room[float32](b, c.OutLen())
		b.ok(b.launch(fmt.Sprint("conv_forward_", tile), grid{cover(c.M(), tile), c.OH() * c.OW(), 2}, out, w, in, c.geometry()))
		outs[i] = down(b, out)
	}
	same(t, "output", outs[1], outs[0])
}

// Taps outside the image count for nothing: of 3×3 on one pixel one is inside, at stride 1 on
// 2×2 pixels four at each, and without padding all are.
func TestFlopsAreOfTapsInside(t *testing.T) {
	for _, c := range []struct {
		conv Conv
		taps int // of all outputs
	}{
		{Conv{Ci: 5, H: 1, W: 1, Co: 7, K: 3, Stride: 1, Pad: 1, N: 2, Clients: 3}, 1},
		{Conv{Ci: 5, H: 2, W: 2, Co: 7, K: 3, Stride: 1, Pad: 1, N: 2, Clients: 3}, 4 * 4},
		{Conv{Ci: 5, H: 2, W: 2, Co: 7, K: 3, Stride: 2, Pad: 1, N: 2, Clients: 3}, 4},
		{Conv{Ci: 5, H: 6, W: 5, Co: 7, K: 3, Stride: 1, N: 2, Clients: 3}, 4 * 3 * 9},
	} {
		if got, want := c.conv.Flops(), 2*5*7*6*c.taps; got != want {
			t.Errorf("%+v: %d, want %d", c.conv, got, want)
		}
	}
}
