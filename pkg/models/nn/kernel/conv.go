package kernel

// Conv is the geometry of a two-dimensional convolution without padding and
// with stride 1:
//
//	out[y,co,x,:] = Σ_{ci,ky,kx} w[co,ci,ky,kx]·in[y+ky,ci,x+kx,:]
//
// It computes a row of the output at a time, Co×OW×N, because a fused layer
// needs only as many of them as its next step takes.
type Conv struct {
	Ci, H, W int // input
	Co, K    int // output channels, kernel height and width
	N        int // batch
}

// OH is the height of the output.
func (c Conv) OH() int { return c.H - c.K + 1 }

// OW is the width of the output.
func (c Conv) OW() int { return c.W - c.K + 1 }

// Flops counts the multiplications and additions of one forward convolution;
// each of its two gradients costs as much.
func (c Conv) Flops() int { return 2 * c.Co * c.Ci * c.K * c.K * c.OH() * c.OW() * c.N }

// Gathered says how the product is formed, and with it the layouts.
//
// With many input channels the input is H×Ci×W×N. What the kernel's column kx
// meets for one row of the output, K rows of Ci channels, is then a matrix in
// place, its K·Ci rows W·N apart, and the row takes K products with weights
// kept as [kx][Co][ky][Ci].
//
// With few, such products are too thin: all taps of a row of the output are
// copied together (contiguous runs of OW·N) for one product. The input is
// Ci×H×W×N, as images come, and weights are [Co][Ci][ky][kx].
func (c Conv) Gathered() bool { return c.Ci < 16 }

// ScratchLen is the number of elements of scratch that a row needs.
func (c Conv) ScratchLen() int {
	if !c.Gathered() {
		return 0
	}
	return c.taps() * c.line()
}

// Forward computes row y of the output.
func (c Conv) Forward(out, w, in []float32, y int, scratch []float32) {
	if c.Gathered() {
		c.gather(scratch, in, y)
		mul(out, c.line(), c.Co, c.line(), c.taps(), rowMajor(w, c.taps()), rowMajor(scratch, c.line()), 0)
		return
	}
	for kx := range c.K {
		mul(out, c.line(), c.Co, c.line(), c.K*c.Ci, c.column(w, kx), c.met(in, y, kx), accumulate(kx > 0))
	}
}

// GradWeight adds to dw the gradient of the weights that comes from row y of
// the output's gradient; at y = 0 it overwrites dw.
func (c Conv) GradWeight(dw, dout, in []float32, y int, scratch []float32) {
	beta := accumulate(y > 0)
	if c.Gathered() {
		c.gather(scratch, in, y)
		mul(dw, c.taps(), c.Co, c.taps(), c.line(), rowMajor(dout, c.line()), rowMajor(scratch, c.line()).t(), beta)
		return
	}
	for kx := range c.K {
		to := c.column(dw, kx)
		mul(to.x, to.ld, c.Co, c.K*c.Ci, c.line(), rowMajor(dout, c.line()), c.met(in, y, kx).t(), beta)
	}
}

// GradInput adds to din the gradient of the input that comes from row y of the
// output's gradient; at y = 0 it clears din first. It is for convolutions that
// are not gathered: a first layer needs no gradient of the image.
func (c Conv) GradInput(din, w, dout []float32, y int) {
	if y == 0 {
		clear(din)
	}
	for kx := range c.K {
		to := c.met(din, y, kx)
		mul(to.x, to.ld, c.K*c.Ci, c.line(), c.Co, c.column(w, kx).t(), rowMajor(dout, c.line()), 1)
	}
}

// line is the length of one channel's row of the output.
func (c Conv) line() int { return c.OW() * c.N }

// taps is the number of inputs that an output depends on.
func (c Conv) taps() int { return c.Ci * c.K * c.K }

// column is the Co×(K·Ci) matrix of weights in one column of the kernel.
func (c Conv) column(w []float32, kx int) mat {
	size := c.Co * c.K * c.Ci
	return rowMajor(w[kx*size:(kx+1)*size], c.K*c.Ci)
}

// met is the (K·Ci)×(OW·N) matrix of what that column meets for row y of the
// output.
func (c Conv) met(in []float32, y, kx int) mat {
	return rowMajor(in[(y*c.Ci*c.W+kx)*c.N:], c.W*c.N)
}

// gather copies what the taps meet for row y of the output into cols, a matrix
// of Ci·K·K rows and OW·N columns.
func (c Conv) gather(cols, in []float32, y int) {
	for ci := range c.Ci {
		for tap := range c.K * c.K {
			from := ((ci*c.H+y+tap/c.K)*c.W + tap%c.K) * c.N
			copy(cols[:c.line()], in[from:])
			cols = cols[c.line():]
		}
	}
}

func accumulate(yes bool) float32 {
	if yes {
		return 1
	}
	return 0
}
