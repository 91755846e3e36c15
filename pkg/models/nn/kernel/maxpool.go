package kernel

// MaxPool is the geometry of a max-pool over K×K pixels of arrays of H×C×W×N.
// Pixels around the input, Pad of them on each side, never win.
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
	p.each(func(o int, tap uint8, from int, first bool) {
		largest, which, candidate := out[o:o+p.N], arg[o:o+p.N], in[from:from+p.N]
		if first {
			copy(largest, candidate)
			for i := range which {
				which[i] = tap
			}
			return
		}
		for i, v := range candidate {
			if m := largest[i]; v > m || v != v && m == m {
				largest[i], which[i] = v, tap
			}
		}
	})
}

// Backward adds every value of dout to the place in din that arg notes, after
// clearing din.
func (p MaxPool) Backward(din, dout []float32, arg []uint8) {
	clear(din)
	p.each(func(o int, tap uint8, from int, _ bool) {
		to, which := din[from:from+p.N], arg[o:o+p.N]
		for i, g := range dout[o : o+p.N] {
			if which[i] == tap {
				to[i] += g
			}
		}
	})
}

// each calls f with the place of every output and, one after another, its taps
// that fall inside and their places.
func (p MaxPool) each(f func(out int, tap uint8, in int, first bool)) {
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
						f(out, uint8(ky*p.K+kx), (row+x*p.Stride-p.Pad+kx)*p.N, ky == top && kx == left)
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
