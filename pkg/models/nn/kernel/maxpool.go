package kernel

import "math"

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
// the first of equals. A NaN wins the maximum, as in PyTorch. keys is
// scratch of N elements.
//
// Values are +0, positive or NaN, which are ordered as their bits are; with 255 −
// tap below those, one comparison of integers without a branch finds both.
func (p MaxPool) Forward(out []float32, arg []uint8, in []float32, keys []uint64) {
	p.each(func(o int, tap uint8, from int, first, last bool) {
		candidate, below := in[from:from+p.N], uint64(^tap)
		keys := keys[:len(candidate)]
		if first {
			clear(keys)
		}
		for i, v := range candidate {
			keys[i] = max(keys[i], uint64(math.Float32bits(v))<<8|below)
		}
		if last {
			largest, which := out[o:o+p.N], arg[o:o+p.N]
			for i, k := range keys {
				largest[i], which[i] = math.Float32frombits(uint32(k>>8)), ^uint8(k)
			}
		}
	})
}

// Backward adds every value of dout to the place in din that arg notes, after
// clearing din.
func (p MaxPool) Backward(din, dout []float32, arg []uint8) {
	clear(din)
	p.each(func(o int, tap uint8, from int, _, _ bool) {
		to, which := din[from:from+p.N], arg[o:o+p.N]
		for i, g := range dout[o : o+p.N] {
			won := uint32(int32(uint32(which[i]^tap)-1) >> 31)
			to[i] += math.Float32frombits(math.Float32bits(g) & won)
		}
	})
}

// each calls f with the place of every output and, one after another, its taps
// that fall inside and their places.
func (p MaxPool) each(f func(out int, tap uint8, in int, first, last bool)) {
	taps := Conv{K: p.K, Stride: p.Stride, Pad: p.Pad}
	for y := range p.OH() {
		top, bottom := taps.inside(y, p.H)
		for c := range p.C {
			for x := range p.OW() {
				left, right := taps.inside(x, p.W)
				out := ((y*p.C+c)*p.OW() + x) * p.N
				for ky := top; ky < bottom; ky++ {
					row := ((y*p.Stride-p.Pad+ky)*p.C + c) * p.W
					for kx := left; kx < right; kx++ {
						f(out, uint8(ky*p.K+kx), (row+x*p.Stride-p.Pad+kx)*p.N, ky == top && kx == left, ky == bottom-1 && kx == right-1)
					}
				}
			}
		}
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
