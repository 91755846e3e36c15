package kernel

import "github.com/bgmd/bgmd/internal/simd"

// MaxPool is the geometry of a max-pool behind ReLU, over K×K pixels of arrays of
// H×C×W×N. Pixels around the input, Pad of them on each side, never win.
type MaxPool struct {
	C, H, W        int // input
	K, Stride, Pad int // K at most 16, Pad at most K/2
	N              int // batch
}

// OH is the height of the output.
func (p MaxPool) OH() int { return (p.H+2*p.Pad-p.K)/p.Stride + 1 }

// OW is the width of the output.
func (p MaxPool) OW() int { return (p.W+2*p.Pad-p.K)/p.Stride + 1 }

// Forward computes out and notes in arg which tap, ky·K + kx, was the largest,
// the first of equals. A NaN wins the maximum, as in PyTorch.
func (p MaxPool) Forward(out []float32, arg []uint8, in []float32) {
	var taps [16 * 16]simd.Tap
	ow, line := p.OW(), p.W*p.N
	for y := range p.OH() {
		for x := range ow {
			met := taps[:0]
			p.window(y, p.H, func(ky, iy int) {
				p.window(x, p.W, func(kx, ix int) {
					met = append(met, simd.Tap{At: iy*p.C*line + ix*p.N, Number: ky*p.K + kx})
				})
			})
			for c := range p.C {
				o := ((y*p.C+c)*ow + x) * p.N
				simd.MaxPool(out[o:o+p.N], arg[o:o+p.N], in[c*line:], met)
			}
		}
	}
}

// Backward sets din to what arg sends there of dout.
func (p MaxPool) Backward(din, dout []float32, arg []uint8) {
	var taps [16 * 16]simd.Tap
	ow := p.OW() * p.N
	for y := range p.H {
		for x := range p.W {
			met := taps[:0]
			p.windows(y, p.OH(), func(ky, oy int) {
				p.windows(x, p.OW(), func(kx, ox int) {
					met = append(met, simd.Tap{At: oy*p.C*ow + ox*p.N, Number: ky*p.K + kx})
				})
			})
			for c := range p.C {
				o := ((y*p.C+c)*p.W + x) * p.N
				simd.MaxPoolGrad(din[o:o+p.N], dout[c*ow:], arg[c*ow:], met)
			}
		}
	}
}

// window calls f for each tap along one axis that output i has inside the input,
// of the given size, with the place that it meets.
func (p MaxPool) window(i, size int, f func(tap, in int)) {
	first := i*p.Stride - p.Pad
	for tap := max(0, -first); tap < min(p.K, size-first); tap++ {
		f(tap, first+tap)
	}
}

// windows calls f for each of so many outputs along one axis whose window has
// input i, in their order, with the tap that meets it.
func (p MaxPool) windows(i, outputs int, f func(tap, out int)) {
	from := i + p.Pad
	for o := max(0, from-p.K+p.Stride) / p.Stride; o < outputs && o*p.Stride <= from; o++ {
		f(from-o*p.Stride, o)
	}
}

// AveragePool computes the mean over all pixels of in, H×C×W×N, as C×N.
func AveragePool(out, in []float32, h, c, w, n int) {
	clear(out)
	scale := 1 / float32(h*w)
	for at := range h * c * w {
		to := out[at/w%c*n:][:n]
		for i, v := range in[at*n : (at+1)*n] {
			to[i] += v * scale
		}
	}
}

// GradAveragePool is the gradient of [AveragePool].
func GradAveragePool(din, dout []float32, h, c, w, n int) {
	scale := 1 / float32(h*w)
	for at := range h * c * w {
		to := din[at*n : (at+1)*n]
		for i, g := range dout[at/w%c*n:][:n] {
			to[i] = g * scale
		}
	}
}
