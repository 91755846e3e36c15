package kernel

import (
	"fmt"
	"math"
	"testing"
)

// closeTo fails unless every element is within the tolerance, of 1 or of itself.
func closeTo(t *testing.T, what string, got []float32, want []float64, tolerance float64) {
	t.Helper()
	for i, w := range want {
		if err := math.Abs(float64(got[i]) - w); !(err <= tolerance*(1+math.Abs(w))) {
			t.Fatalf("%s: element %d is %g, want %g", what, i, got[i], w)
		}
	}
}

// naiveNorm is a batch norm's twin in float64: x̂, and 1/σ, mean and variance of
// each channel.
func naiveNorm(x []float32, h, c, line int) (xhat, invstd, mean, variance []float64) {
	n := float64(h * line)
	xhat, invstd = make([]float64, len(x)), make([]float64, c)
	mean, variance = make([]float64, c), make([]float64, c)
	for i, v := range x {
		mean[i/line%c] += float64(v) / n
	}
	for i, v := range x {
		d := float64(v) - mean[i/line%c]
		variance[i/line%c] += d * d / n
	}
	for k := range c {
		invstd[k] = 1 / math.Sqrt(variance[k]+1e-5)
	}
	for i, v := range x {
		xhat[i] = (float64(v) - mean[i/line%c]) * invstd[i/line%c]
	}
	return xhat, invstd, mean, variance
}

func TestBatchNorm(t *testing.T) {
	for _, s := range []struct{ h, c, line int }{{1, 1, 2}, {2, 3, 5}, {4, 17, 24}, {1, 8, 128}} {
		t.Run(fmt.Sprint(s), func(t *testing.T) {
			rng := source(30)
			size := s.h * s.c * s.line
			x, r, dout := normal(rng, size), normal(rng, size), normal(rng, size)
			for i := range x {
				x[i] = 3*x[i] + 10
			}
			gamma, beta := normal(rng, s.c), normal(rng, s.c)
			xhat, invstd, mean, variance := naiveNorm(x, s.h, s.c, s.line)
			n := float64(s.h * s.line)

			b := NewBatchNorm(s.h, s.c, s.line)
			gotMean, gotVar := stale(s.c), stale(s.c)
			b.Measure(x, gotMean, gotVar)
			closeTo(t, "mean", gotMean, mean, 1e-6)
			unbiased := make([]float64, s.c)
			for k, v := range variance {
				unbiased[k] = v * n / (n - 1)
			}
			closeTo(t, "variance", gotVar, unbiased, 1e-6)
			b.Set(gamma, beta)

			at := func(i int) int { return i / s.line % s.c }
			relu, sum := make([]float64, size), make([]float64, size)
			for i := range x {
				y := float64(gamma[at(i)])*xhat[i] + float64(beta[at(i)])
				relu[i], sum[i] = max(0, y), max(0, y+float64(r[i]))
			}
			out := stale(size)
			b.ReLU(out, x)
			closeTo(t, "ReLU", out, relu, 1e-5)
			b.AddReLU(out, x, r, nil)
			closeTo(t, "AddReLU", out, sum, 1e-5)

			// The gradient of Σ dout·out.
			g, dgamma, dbeta := make([]float64, size), make([]float64, s.c), make([]float64, s.c)
			for i := range x {
				if out[i] > 0 {
					g[i] = float64(dout[i])
				}
				dbeta[at(i)] += g[i]
				dgamma[at(i)] += g[i] * xhat[i]
			}
			dx := make([]float64, size)
			for i := range x {
				k := at(i)
				dx[i] = float64(gamma[k]) * invstd[k] * (g[i] - dbeta[k]/n - xhat[i]*dgamma[k]/n)
			}
			gotG, gotGamma, gotBeta := stale(size), stale(s.c), stale(s.c)
			b.Mask(gotG, dout, out, x)
			closeTo(t, "g", gotG, g, 0)
			b.Grad(x, gotGamma, gotBeta, gotG)
			closeTo(t, "dgamma", gotGamma, dgamma, 1e-5)
			closeTo(t, "dbeta", gotBeta, dbeta, 1e-5)
			closeTo(t, "dx", x, dx, 1e-5)
		})
	}
}

// TestBatchNormByHand: 1 and 3 have mean 2, variance 1 (2 with the divisor 1)
// and become ∓1; with gamma 2 and beta 1 that is −1 and 3.
func TestBatchNormByHand(t *testing.T) {
	b := NewBatchNorm(1, 1, 2)
	mean, variance, out := stale(1), stale(1), stale(2)
	b.Measure([]float32{1, 3}, mean, variance)
	compareExactly(t, "mean", mean, []float32{2})
	compareExactly(t, "variance", variance, []float32{2})
	b.Set([]float32{2}, []float32{1})
	b.ReLU(out, []float32{1, 3})
	closeTo(t, "out", out, []float64{0, 3}, 1e-5)

	// By given statistics, mean 1 and variance 4: 0 and 1, and so 1 and 3.
	b.Use([]float32{1}, []float32{4})
	b.Set([]float32{2}, []float32{1})
	b.ReLU(out, []float32{1, 3})
	closeTo(t, "out by given statistics", out, []float64{1, 3}, 1e-5)
}

// TestBatchNormTwo adds two normalised arrays.
func TestBatchNormTwo(t *testing.T) {
	rng := source(31)
	const h, c, line = 2, 3, 4
	x, r := normal(rng, h*c*line), normal(rng, h*c*line)
	a, b := NewBatchNorm(h, c, line), NewBatchNorm(h, c, line)
	gamma, beta := normal(rng, 2*c), normal(rng, 2*c)
	a.Measure(x, stale(c), stale(c))
	a.Set(gamma[:c], beta[:c])
	b.Measure(r, stale(c), stale(c))
	b.Set(gamma[c:], beta[c:])
	xhat, _, _, _ := naiveNorm(x, h, c, line)
	rhat, _, _, _ := naiveNorm(r, h, c, line)
	want := make([]float64, len(x))
	for i := range x {
		k := i / line % c
		want[i] = max(0, float64(gamma[k])*xhat[i]+float64(beta[k])+float64(gamma[c+k])*rhat[i]+float64(beta[c+k]))
	}
	out := stale(len(x))
	a.AddReLU(out, x, r, b)
	closeTo(t, "out", out, want, 1e-5)
}

// TestBatchNormKeepsNaN: divergence is not hidden.
func TestBatchNormKeepsNaN(t *testing.T) {
	b := NewBatchNorm(1, 2, 2)
	nan := float32(math.NaN())
	x := []float32{1, nan, 1, 2}
	mean, out := stale(2), stale(4)
	b.Measure(x, mean, stale(2))
	b.Set([]float32{1, 1}, []float32{5, 5})
	b.ReLU(out, x)
	if out[0] == out[0] || out[1] == out[1] || mean[0] == mean[0] {
		t.Errorf("a channel with NaN becomes %v with mean %g", out[:2], mean[0])
	}
	closeTo(t, "the other channel", out[2:], []float64{4, 6}, 1e-4)
	g := stale(4)
	b.Mask(g, []float32{1, 1, 1, nan}, []float32{nan, 0, 2, 1}, x)
	compareExactly(t, "g", g, []float32{1, 0, 1, nan})
}

func TestMaxPool(t *testing.T) {
	for _, p := range []MaxPool{
		{C: 2, H: 4, W: 6, K: 3, Stride: 2, Pad: 1, N: 3},
		{C: 1, H: 1, W: 1, K: 3, Stride: 2, Pad: 1, N: 2},
		{C: 3, H: 5, W: 7, K: 3, Stride: 2, Pad: 1, N: 1},
		{C: 2, H: 6, W: 4, K: 2, Stride: 2, N: 16},
		{C: 1, H: 5, W: 5, K: 3, Stride: 1, Pad: 1, N: 2},
		{C: 2, H: 3, W: 3, K: 2, Stride: 2, N: 8}, // the last row is in no window
		{C: 1, H: 5, W: 5, K: 2, Stride: 3, N: 9},
	} {
		t.Run(fmt.Sprintf("%+v", p), func(t *testing.T) {
			rng := source(32)
			in := make([]float32, p.H*p.C*p.W*p.N)
			for i := range in {
				in[i] = float32(rng.IntN(5)) // with ties and zeros, as behind ReLU
			}
			size := p.OH() * p.C * p.OW() * p.N
			dout := normal(rng, size)
			want, wantIn := make([]float32, size), make([]sum, len(in))
			for o := range want {
				i, x, c, y := o%p.N, o/p.N%p.OW(), o/p.N/p.OW()%p.C, o/p.N/p.OW()/p.C
				from := -1
				for tap := range p.K * p.K {
					iy, ix := y*p.Stride-p.Pad+tap/p.K, x*p.Stride-p.Pad+tap%p.K
					if iy < 0 || iy >= p.H || ix < 0 || ix >= p.W {
						continue
					}
					if at := ((iy*p.C+c)*p.W+ix)*p.N + i; from < 0 || in[at] > in[from] {
						from = at
					}
				}
				want[o] = in[from]
				wantIn[from].add(float64(dout[o]))
			}
			out, arg, din := stale(size), make([]uint8, size), stale(len(in))
			p.Forward(out, arg, in)
			compareExactly(t, "out", out, want)
			p.Backward(din, dout, arg)
			compare(t, "din", din, wantIn)
		})
	}
}

// TestMaxPoolNaN: NaN of either sign is larger than infinity.
func TestMaxPoolNaN(t *testing.T) {
	inf, nan := float32(math.Inf(1)), float32(math.NaN())
	negative := math.Float32frombits(math.Float32bits(nan) | 1<<31)
	p := MaxPool{C: 1, H: 2, W: 2, K: 2, Stride: 2, N: 2}
	out, arg, din := stale(2), make([]uint8, 2), stale(8)
	p.Forward(out, arg, []float32{1, inf, inf, negative, nan, 2, 3, inf})
	compareExactly(t, "out", out, []float32{nan, nan})
	p.Backward(din, []float32{5, 7}, arg)
	compareExactly(t, "din", din, []float32{0, 0, 0, 7, 5, 0, 0, 0})
}

// TestAveragePool: the mean of four pixels of each of two channels.
func TestAveragePool(t *testing.T) {
	in := []float32{1, 2, 10, 20, 3, 4, 30, 40} // 2×2×2×1
	out, din := stale(2), stale(8)
	AveragePool(out, in, 2, 2, 2, 1)
	compareExactly(t, "out", out, []float32{2.5, 25})
	GradAveragePool(din, []float32{4, 8}, 2, 2, 2, 1)
	compareExactly(t, "din", din, []float32{1, 1, 2, 2, 1, 1, 2, 2})
}
