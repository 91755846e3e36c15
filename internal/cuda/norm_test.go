//go:build gpu && linux

package cuda

import (
	"fmt"
	"math"
	"testing"

	host "github.com/bgmd/bgmd/pkg/models/nn/kernel"
)

// A batch norm of each client's samples, forward and backward, is the host's but for the
// order of its float64 sums.
func TestNormEqualsHost(t *testing.T) {
	for _, n := range []Norm{{H: 3, C: 5, W: 2, N: 7, Clients: 3}, {H: 1, C: 2, W: 1, N: 1, Clients: 2}, {H: 4, C: 70, W: 4, N: 64, Clients: 2}} {
		t.Run(fmt.Sprintf("%+v", n), func(t *testing.T) { testNorm(t, n) })
	}
}

func testNorm(t *testing.T, n Norm) {
	b := newBench(t)
	x, y, r, dout, gamma, beta := b.normal(n.Len()), b.normal(n.Len()), b.normal(n.Len()), b.normal(n.Len()), b.normal(n.C), b.normal(n.C)
	dx, dy, dr, dGamma, dBeta := up(b, x), up(b, y), up(b, r), up(b, gamma), up(b, beta)
	channels, others, slopes := room[Channel](b, n.Clients*n.C), room[Channel](b, n.Clients*n.C), room[Slope](b, n.Clients*n.C)
	batch, a, out, sum, g := room[float32](b, 2*n.C*n.Clients), room[float32](b, n.Len()), room[float32](b, n.Len()), room[float32](b, n.Len()), room[float32](b, n.Len())
	gammas, betas := room[float32](b, n.C*n.Clients), room[float32](b, n.C*n.Clients)
	b.ok(b.NormMeasure(n, others, batch, 2*n.C, dy, dGamma, dBeta))
	b.ok(b.NormMeasure(n, channels, batch, 2*n.C, dx, dGamma, dBeta))
	b.ok(b.NormReLU(n, a, dx, channels))
	b.ok(b.NormAddReLU(n, sum, dx, channels, dr, Memory[Channel]{}))
	b.ok(b.NormAddReLU(n, out, dx, channels, dy, others))
	b.ok(b.NormMask(n, g, slopes, gammas, betas, n.C, up(b, dout), out, dx, channels))
	b.ok(b.NormGrad(n, dx, g, slopes))

	got := map[string][][]float32{}
	for name, m := range map[string]Memory[float32]{"ReLU": a, "sum": sum, "sum of norms": out, "mask": g, "gradient": dx} {
		got[name] = split(down(b, m), n.Clients, n.N)
	}
	statistics, dgammas, dbetas := down(b, batch), down(b, gammas), down(b, betas)
	xs, ys, rs, douts := split(x, n.Clients, n.N), split(y, n.Clients, n.N), split(r, n.Clients, n.N), split(dout, n.Clients, n.N)
	for i := range n.Clients {
		own := func(x []float32, size int) []float32 { return x[i*size : (i+1)*size] }
		first, second := host.NewBatchNorm(n.H, n.C, n.W*n.N), host.NewBatchNorm(n.H, n.C, n.W*n.N)
		mean, variance := make([]float32, n.C), make([]float32, n.C)
		second.Measure(ys[i], mean, variance)
		second.Set(gamma, beta)
		first.Measure(xs[i], mean, variance)
		first.Set(gamma, beta)
		near(t, "statistics", own(statistics, 2*n.C), append(mean, variance...), 1e-6)
		want := make([]float32, len(xs[i]))
		first.ReLU(want, xs[i])
		near(t, "ReLU", got["ReLU"][i], want, 1e-6)
		first.AddReLU(want, xs[i], rs[i], nil)
		near(t, "sum", got["sum"][i], want, 1e-6)
		first.AddReLU(want, xs[i], ys[i], second)
		near(t, "sum of norms", got["sum of norms"][i], want, 1e-6)
		mask, dgamma, dbeta := make([]float32, len(want)), make([]float32, n.C), make([]float32, n.C)
		first.Mask(mask, douts[i], got["sum of norms"][i], xs[i])
		first.Grad(xs[i], dgamma, dbeta, mask)
		same(t, "mask", got["mask"][i], mask)
		near(t, "gradient of gamma", own(dgammas, n.C), dgamma, 1e-5)
		near(t, "gradient of beta", own(dbetas, n.C), dbeta, 1e-5)
		near(t, "gradient", got["gradient"][i], xs[i], 2e-5)
	}
}

// With given means and variances every client gets the same.
func TestNormUse(t *testing.T) {
	b := newBench(t)
	n := Norm{H: 2, C: 3, W: 2, N: 5, Clients: 2}
	x, gamma, beta, running := b.normal(n.Len()), b.normal(n.C), b.normal(n.C), []float32{1, 2, 3, 4, 5, 6}
	channels, out := room[Channel](b, n.Clients*n.C), room[float32](b, n.Len())
	b.ok(b.NormUse(n, channels, up(b, running), up(b, gamma), up(b, beta)))
	b.ok(b.NormReLU(n, out, up(b, x), channels))
	h := host.NewBatchNorm(n.H, n.C, n.W*n.M())
	h.Use(running[:3], running[3:])
	h.Set(gamma, beta)
	want := make([]float32, n.Len())
	h.ReLU(want, x)
	near(t, "output", down(b, out), want, 1e-7)
}

// Max-pools and average pools and their gradients equal the host's to the bit.
func TestPoolsEqualHost(t *testing.T) {
	for _, p := range []MaxPool{{C: 3, H: 7, W: 6, K: 3, Stride: 2, Pad: 1, M: 5}, {C: 2, H: 16, W: 16, K: 3, Stride: 2, Pad: 1, M: 12}, {C: 1, H: 5, W: 5, K: 4, Stride: 1, Pad: 2, M: 1}, {C: 2, H: 9, W: 9, K: 2, Stride: 3, M: 8}} {
		t.Run(fmt.Sprintf("%+v", p), func(t *testing.T) {
			b := newBench(t)
			in, dout := b.normal(p.InLen()), b.normal(p.OutLen())
			for i, v := range in {
				in[i] = max(0, v)
			}
			in[len(in)/2] = float32(math.NaN())
			out, arg, din := room[float32](b, p.OutLen()), room[uint8](b, p.OutLen()), room[float32](b, p.InLen())
			b.ok(b.MaxPool(p, out, arg, up(b, in)))
			b.ok(b.MaxPoolGrad(p, din, up(b, dout), arg))
			h := host.MaxPool{C: p.C, H: p.H, W: p.W, K: p.K, Stride: p.Stride, Pad: p.Pad, N: p.M}
			want, tap, grad := make([]float32, p.OutLen()), make([]uint8, p.OutLen()), make([]float32, p.InLen())
			h.Forward(want, tap, in)
			h.Backward(grad, dout, tap)
			same(t, "output", down(b, out), want)
			same(t, "arg", down(b, arg), tap)
			same(t, "gradient", down(b, din), grad)

			mean, spread, pixels := room[float32](b, p.C*p.M), room[float32](b, p.InLen()), b.normal(p.C*p.M)
			in[len(in)/2] = 1
			b.ok(b.AveragePool(mean, up(b, in), p.H, p.C, p.W, p.M))
			b.ok(b.AveragePoolGrad(spread, up(b, pixels), p.H, p.C, p.W, p.M))
			average := make([]float32, p.C*p.M)
			host.AveragePool(average, in, p.H, p.C, p.W, p.M)
			host.GradAveragePool(grad, pixels, p.H, p.C, p.W, p.M)
			same(t, "mean", down(b, mean), average)
			same(t, "gradient of the mean", down(b, spread), grad)
		})
	}
}
