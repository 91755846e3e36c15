//go:build gpu && linux

package main

import (
	"strings"

	"github.com/bgmd/bgmd/internal/cuda"
)

// cases lists what is compared. Together they run every kernel.
func cases() []testCase {
	var all []testCase
	all = append(all, convCases()...)
	all = append(all, layerCases()...)
	all = append(all, normCases()...)
	return append(all, rowCases()...)
}

// convCases has shapes that take every path of the products: wide and narrow tiles, edges,
// padding, strides, unaligned rows, shares of pixels.
func convCases() []testCase {
	shapes := map[string]cuda.Conv{
		"conv-wide":    {Ci: 32, H: 12, W: 12, Co: 64, K: 5, Stride: 1, N: 64, Clients: 4},
		"conv-lenet1":  {Ci: 1, H: 28, W: 28, Co: 64, K: 5, Stride: 1, N: 8, Clients: 3, Thin: true},
		"conv-stem":    {Ci: 3, H: 13, W: 11, Co: 70, K: 7, Stride: 2, Pad: 3, N: 5, Clients: 2, Thin: true},
		"conv-pad":     {Ci: 17, H: 6, W: 5, Co: 66, K: 3, Stride: 1, Pad: 1, N: 3, Clients: 7},
		"conv-stride":  {Ci: 64, H: 8, W: 8, Co: 130, K: 3, Stride: 2, Pad: 1, N: 8, Clients: 2},
		"conv-point":   {Ci: 64, H: 4, W: 4, Co: 32, K: 1, Stride: 2, N: 12, Clients: 3},
		"linear":       {Ci: 300, H: 1, W: 1, Co: 130, K: 1, Stride: 1, N: 16, Clients: 9},
		"linear-odd":   {Ci: 101, H: 1, W: 1, Co: 10, K: 1, Stride: 1, N: 3, Clients: 3},
		"linear-large": {Ci: 1024, H: 1, W: 1, Co: 1024, K: 1, Stride: 1, N: 16, Clients: 2},
	}
	names := strings.Fields("conv-wide conv-lenet1 conv-stem conv-pad conv-stride conv-point linear linear-odd linear-large")
	var all []testCase
	for _, name := range names {
		all = append(all, convCase(name, shapes[name]))
	}
	return all
}

func convCase(name string, c cuda.Conv) testCase {
	return testCase{name, func(b *bench) []answer {
		stride := c.WeightLen() + 3
		in, w, dout := b.floats(c.InLen()), b.floats(c.WeightLen()), b.floats(c.OutLen())
		out, grads, space := room[float32](b, c.OutLen()), room[float32](b, stride*c.Clients), room[float32](b, c.WeightSpace())
		b.try(b.ConvForward(c, out, w, in))
		b.try(b.ConvGradWeight(c, grads, stride, dout, in, space))
		got := []answer{output(b, "forward", out), output(b, "weight", grads)}
		if !c.Thin {
			din := b.floats(c.InLen())
			b.try(b.ConvGradInput(c, din, w, dout, false))
			got = append(got, output(b, "input", din))
			b.try(b.ConvGradInput(c, din, w, dout, true))
			got = append(got, output(b, "input-added", din))
		}
		return got
	}}
}

func layerCases() []testCase {
	return []testCase{
		{"pool", poolCase(cuda.Pixels{C: 64, PH: 4, PW: 4, N: 16, Clients: 5, Flat: true})},
		{"pool-odd", poolCase(cuda.Pixels{C: 7, PH: 3, PW: 5, N: 3, Clients: 3})},
		{"dropout", dropoutCase(cuda.Dropout{Rows: 1024, N: 16, Clients: 3, P: 0.3, Skip: 12345})},
		{"dropout-none", dropoutCase(cuda.Dropout{Rows: 33, N: 3, Clients: 2})},
		{"softmax", softmaxCase(cuda.Loss{Classes: 10, N: 64, Clients: 32})},
		{"merge", func(b *bench) []answer {
			out := room[float32](b, 60*5*3)
			b.try(b.MergeClients(out, b.floats(60*5*3), 60, 5, 3))
			return []answer{output(b, "out", out)}
		}},
	}
}

func poolCase(p cuda.Pixels) func(b *bench) []answer {
	return func(b *bench) []answer {
		out, arg, dz := room[float32](b, p.Len()), room[uint8](b, p.Len()), room[float32](b, 4*p.Len())
		dout, db := b.floats(p.Len()), room[float32](b, p.C*p.Clients)
		b.try(b.PoolBiasReLU(p, out, arg, b.floats(4*p.Len()), b.floats(p.C)))
		b.try(b.PoolBiasReLUGrad(p, dz, dout, arg))
		b.try(b.BiasGrad(p, db, p.C, dout, arg))
		return []answer{output(b, "out", out), output(b, "arg", arg), output(b, "grad", dz), output(b, "bias", db)}
	}
}

func dropoutCase(d cuda.Dropout) func(b *bench) []answer {
	return func(b *bench) []answer {
		n := d.Rows * d.N * d.Clients
		x, scale, product, bias := b.floats(n), room[float32](b, n), room[float32](b, n), b.floats(d.Rows)
		b.try(b.BiasReLUDropout(d, x, scale, bias, b.words(2*d.Clients)))
		b.try(b.Scale(product, x, scale))
		got := []answer{output(b, "out", x), output(b, "scale", scale), output(b, "product", product)}
		b.try(b.AddBias(x, bias, d.N*d.Clients))
		return append(got, output(b, "biased", x))
	}
}

func softmaxCase(l cuda.Loss) func(b *bench) []answer {
	return func(b *bench) []answer {
		m := l.N * l.Clients
		logits, labels := b.floats(l.Classes*m), b.integers(m, l.Classes)
		prob, losses, dlogits, loss := room[float32](b, l.Classes*m), room[float64](b, m), room[float32](b, l.Classes*m), room[float64](b, l.Clients)
		b.try(b.Softmax(l, prob, losses, logits, labels))
		b.try(b.SoftmaxGrad(l, dlogits, loss, prob, losses, labels))
		return []answer{output(b, "prob", prob), output(b, "losses", losses), output(b, "grad", dlogits), output(b, "loss", loss)}
	}
}
