package kernel

import (
	"math"

	"github.com/bgmd/bgmd/internal/simd"
)

// NormEpsilon is added to variances, as PyTorch does.
const NormEpsilon = 1e-5

// BatchNorm normalises each channel of arrays of H×C×W×N,
//
//	x̂ = (x − mean)/√(variance + ε)    y = gamma·x̂ + beta
//
// by the mean and variance of the batch or by given ones. A value holds what is
// known of each channel between the forward and the backward pass. Sums are
// formed in float64: squares of a corrupt batch's values may be beyond float32,
// and products of float32 values are exact.
type BatchNorm struct {
	H, C, Line   int // Line = W·N is the length of a channel's row
	mean, invstd []float64
	scale, shift []float32 // y = scale·x + shift
	sum, product []float64 // Σ g and Σ g·x, from Mask
}

// BatchNormSize is the bytes of a [BatchNorm] for each channel.
const BatchNormSize = 4*8 + 2*4

// NewBatchNorm returns a batch norm of arrays of H×C×line.
func NewBatchNorm(h, c, line int) *BatchNorm {
	return &BatchNorm{
		H: h, C: c, Line: line,
		mean: make([]float64, c), invstd: make([]float64, c),
		scale: make([]float32, c), shift: make([]float32, c),
		sum: make([]float64, c), product: make([]float64, c),
	}
}

// count is the number of values of a channel.
func (b *BatchNorm) count() float64 { return float64(b.H * b.Line) }

// Measure normalises by the mean and variance of x itself from now on, and
// returns them in mean and variance, the latter with the divisor count−1, as
// PyTorch keeps it for its running averages. (With one value a channel, where
// that is undefined, it is 0.)
func (b *BatchNorm) Measure(x, mean, variance []float32) {
	clear(b.sum)
	clear(b.product)
	b.each(func(c, lo, hi int) {
		s, q := simd.Moments(x[lo:hi])
		b.sum[c] += s
		b.product[c] += q
	})
	n := b.count()
	for c := range b.C {
		m := b.sum[c] / n
		v := b.product[c]/n - m*m
		if v < 0 { // by rounding; NaN stays
			v = 0
		}
		b.mean[c], b.invstd[c] = m, 1/math.Sqrt(v+NormEpsilon)
		mean[c], variance[c] = float32(m), float32(v*n/max(1, n-1))
	}
}

// Use normalises by the given means and variances from now on.
func (b *BatchNorm) Use(mean, variance []float32) {
	for c := range b.C {
		b.mean[c], b.invstd[c] = float64(mean[c]), 1/math.Sqrt(float64(variance[c])+NormEpsilon)
	}
}

// Set takes gamma and beta. Call it after Measure or Use.
func (b *BatchNorm) Set(gamma, beta []float32) {
	for c := range b.C {
		scale := float64(gamma[c]) * b.invstd[c]
		b.scale[c], b.shift[c] = float32(scale), float32(float64(beta[c])-b.mean[c]*scale)
	}
}

// ReLU computes out = max(0, y). NaN stays NaN.
func (b *BatchNorm) ReLU(out, x []float32) {
	b.each(func(c, lo, hi int) { simd.AffineReLU(out[lo:hi], x[lo:hi], b.scale[c], b.shift[c]) })
}

// AddReLU computes out = max(0, y + r), where r goes through other's
// normalisation first unless that is nil.
func (b *BatchNorm) AddReLU(out, x, r []float32, other *BatchNorm) {
	b.each(func(c, lo, hi int) {
		scale, shift := float32(1), b.shift[c]
		if other != nil {
			scale = other.scale[c]
			shift += other.shift[c]
		}
		simd.AffineAddReLU(out[lo:hi], x[lo:hi], r[lo:hi], b.scale[c], scale, shift)
	})
}

// Mask begins the backward pass: it computes the gradient before ReLU,
//
//	g = dout where out, the output of ReLU or AddReLU, is above 0, and 0 elsewhere,
//
// and the sums over g that the gradients of b need, for b's input x of the last
// forward pass. g may be dout. (Where out is NaN g is dout, not 0, so that
// divergence is not hidden.)
func (b *BatchNorm) Mask(g, dout, out, x []float32) {
	clear(b.sum)
	clear(b.product)
	b.each(func(c, lo, hi int) {
		s, p := simd.MaskSums(g[lo:hi], dout[lo:hi], out[lo:hi], x[lo:hi])
		b.sum[c] += s
		b.product[c] += p
	})
}

// Grad computes the gradients of batch norm by the batch's own statistics from
// the g that Mask has made:
//
//	dbeta = Σ g    dgamma = Σ g·x̂    dx = gamma/σ·(g − mean(g) − x̂·mean(g·x̂))
//
// x becomes dx in place.
func (b *BatchNorm) Grad(x, dgamma, dbeta, g []float32) {
	n := b.count()
	for c := range b.C {
		dot := (b.product[c] - b.mean[c]*b.sum[c]) * b.invstd[c] // Σ g·x̂
		dgamma[c], dbeta[c] = float32(dot), float32(b.sum[c])
		// dx = scale·g + slope·x + shift
		scale := float64(b.scale[c])
		slope := -scale * b.invstd[c] * dot / n
		b.product[c] = slope
		b.sum[c] = -scale*b.sum[c]/n - slope*b.mean[c]
	}
	b.each(func(c, lo, hi int) {
		simd.AffineAdd(x[lo:hi], g[lo:hi], x[lo:hi], b.scale[c], float32(b.product[c]), float32(b.sum[c]))
	})
}

// each calls f with the bounds of every channel's rows.
func (b *BatchNorm) each(f func(c, lo, hi int)) {
	for at := range b.H * b.C {
		f(at%b.C, at*b.Line, (at+1)*b.Line)
	}
}
