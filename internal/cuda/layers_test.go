//go:build gpu && linux

package cuda

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	host "github.com/bgmd/bgmd/pkg/models/nn/kernel"
)

// The pool and its gradient equal the host's to the bit, the bias's gradient within its
// float32 sums.
func TestPoolEqualsHost(t *testing.T) {
	for _, p := range []Pixels{
		{C: 3, PH: 2, PW: 3, N: 5, Clients: 2},
		{C: 4, PH: 1, PW: 2, N: 16, Clients: 3, Flat: true},
		{C: 1, PH: 1, PW: 1, N: 1, Clients: 1},
		{C: 7, PH: 3, PW: 1, N: 3, Clients: 64, Flat: true},
	} {
		t.Run(fmt.Sprintf("%+v", p), func(t *testing.T) {
			b := newBench(t)
			z, bias, dout := b.normal(4*p.Len()), b.normal(p.C), b.normal(p.Len())
			for i := range z {
				switch i % 5 {
				case 1:
					z[i] = z[i-1] // the first of equals wins
				case 2:
					z[i] = float32(math.Copysign(0, float64(i%3)-1))
				}
			}
			z[len(z)/2] = float32(math.NaN())
			out, arg, dz := room[float32](b, p.Len()), room[uint8](b, p.Len()), room[float32](b, 4*p.Len())
			db, dDout := room[float32](b, p.C*p.Clients), up(b, dout)
			b.ok(b.PoolBiasReLU(p, out, arg, up(b, z), up(b, bias)))
			b.ok(b.PoolBiasReLUGrad(p, dz, dDout, arg))
			b.ok(b.BiasGrad(p, db, p.C, dDout, arg))
			outs, args, dzs, dbs := split(down(b, out), p.Clients, p.N), split(down(b, arg), p.Clients, p.N), split(down(b, dz), p.Clients, p.N), down(b, db)
			zs, douts := split(z, p.Clients, p.N), split(dout, p.Clients, p.N)
			for i := range p.Clients {
				want := poolOnHost(p, zs[i], bias, douts[i])
				same(t, "arg", args[i], want.arg)
				same(t, "output", outs[i], want.out)
				same(t, "gradient", dzs[i], want.dz)
				near(t, "bias", dbs[i*p.C:(i+1)*p.C], want.db, 1e-6)
			}
		})
	}
}

type pooled struct {
	out, dz, db []float32
	arg         []uint8
}

// poolOnHost pools the samples of one client.
func poolOnHost(p Pixels, z, bias, dout []float32) pooled {
	r := pooled{make([]float32, len(dout)), make([]float32, len(z)), make([]float32, p.C), make([]uint8, len(dout))}
	k := host.Pooled{W: p.PW, N: p.N, Channel: p.PW * p.N, Pixel: p.N, From: p.N}
	row := p.C * p.PW * p.N
	if p.Flat {
		k.Channel, row = p.PH*p.PW*p.N, p.PW*p.N
	}
	lines := 4 * p.C * p.PW * p.N
	for y := range p.PH {
		at := y * row
		host.PoolBiasReLU(r.out[at:], r.arg[at:], z[y*lines:(y+1)*lines], bias, k)
		host.GradPoolBiasReLU(r.dz[y*lines:(y+1)*lines], r.db, dout[at:], r.arg[at:], k)
	}
	return r
}

// Masks are the host's to the bit, also behind the draws of earlier layers.
func TestDropoutEqualsHost(t *testing.T) {
	for _, d := range []Dropout{
		{Rows: 100, N: 16, Clients: 3, P: 0.3, Skip: 10},
		{Rows: 7, N: 5, Clients: 2, P: 0.5},
		{Rows: 33, N: 1, Clients: 64, P: 0.1, Skip: 1},
		{Rows: 1024, N: 3, Clients: 1, P: 0.5, Skip: 123456},
		{Rows: 9, N: 4, Clients: 2},
	} {
		t.Run(fmt.Sprintf("%+v", d), func(t *testing.T) {
			b := newBench(t)
			x, bias, seeds := b.normal(d.Rows*d.N*d.Clients), b.normal(d.Rows), make([]uint64, 2*d.Clients)
			x[1] = float32(math.NaN())
			for i := range seeds {
				seeds[i] = b.rng.Uint64()
			}
			dx, scale := up(b, x), room[float32](b, len(x))
			b.ok(b.BiasReLUDropout(d, dx, scale, up(b, bias), up(b, seeds)))
			got, scales, xs := split(down(b, dx), d.Clients, d.N), split(down(b, scale), d.Clients, d.N), split(x, d.Clients, d.N)
			for i := range d.Clients {
				pcg := rand.NewPCG(seeds[2*i], seeds[2*i+1])
				for range d.Skip {
					pcg.Uint64()
				}
				want, factors := xs[i], make([]float32, len(xs[i]))
				for at := range want {
					want[at] += bias[at/d.N]
				}
				host.ReLUDropout(want, factors, d.P, rand.New(pcg))
				same(t, "output", got[i], want)
				same(t, "factors", scales[i], factors)
			}
		})
	}
}

// The loss, its gradient and the probabilities equal the host's but for the last bits of
// exp and log.
func TestSoftmaxEqualsHost(t *testing.T) {
	for _, l := range []Loss{{Classes: 10, N: 16, Clients: 4}, {Classes: 2, N: 1, Clients: 1}, {Classes: 3, N: 130, Clients: 2}} {
		t.Run(fmt.Sprintf("%+v", l), func(t *testing.T) {
			b := newBench(t)
			m := l.N * l.Clients
			logits, labels := b.normal(l.Classes*m), make([]int32, m)
			for i := range logits {
				logits[i] *= 20
			}
			for i := range labels {
				labels[i] = int32(b.rng.IntN(l.Classes+1) - 1)
			}
			prob, losses, dlogits, loss := room[float32](b, l.Classes*m), room[float64](b, m), room[float32](b, l.Classes*m), room[float64](b, l.Clients)
			dLabels := up(b, labels)
			b.ok(b.Softmax(l, prob, losses, up(b, logits), dLabels))
			b.ok(b.SoftmaxGrad(l, dlogits, loss, prob, losses, dLabels))
			probs, grads, got := split(down(b, prob), l.Clients, l.N), split(down(b, dlogits), l.Clients, l.N), down(b, loss)
			for i, x := range split(logits, l.Clients, l.N) {
				want, grad, mine := make([]float32, len(x)), make([]float32, len(x)), make([]int, l.N)
				for n := range mine {
					mine[n] = int(labels[i*l.N+n])
				}
				if mean := host.SoftmaxCrossEntropy(want, x, mine); math.Abs(got[i]-mean) > 1e-13*(1+mean) {
					t.Errorf("client %d: loss %v, want %v", i, got[i], mean)
				}
				host.GradSoftmaxCrossEntropy(grad, want, mine, 1)
				near(t, "probabilities", probs[i], want, 1e-7)
				near(t, "gradient", grads[i], grad, 1e-7)
			}
		})
	}
}

func TestScaleAndMerge(t *testing.T) {
	b := newBench(t)
	x, by := b.normal(1000), b.normal(1000)
	out := room[float32](b, 1000)
	b.ok(b.Scale(out, up(b, x), up(b, by)))
	want := make([]float32, 1000)
	host.Scale(want, x, by)
	same(t, "product", down(b, out), want)

	clients := [][]float32{x[:300], x[300:600], x[600:900]}
	merged := room[float32](b, 900)
	b.ok(b.MergeClients(merged, up(b, x[:900]), 60, 5, 3))
	same(t, "merged", down(b, merged), merge(clients, 5))
}
