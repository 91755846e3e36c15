package kernel

// Conv is the geometry of a two-dimensional convolution without padding and
// with stride 1, from Ci×H×W×N to Co×OH×OW×N:
//
//	out[co,y,x,:] = Σ_{ci,ky,kx} w[co,ci,ky,kx]·in[ci,y+ky,x+kx,:]
//
// It computes rows of the output at a time, because a fused layer needs only
// as many of them as its next step takes. A block of rows is an array
// Co×rows×OW×N.
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

// Gathered says how the product is formed, and with it the weights' layout.
//
// With many input channels every tap is a product of its own on slices in
// place, and weights are [ky][kx][Co][Ci]. With few, such products are too
// thin; the taps of a block of rows are copied together (contiguous runs of
// OW·N) for one product, and weights are [Co][Ci][ky][kx].
func (c Conv) Gathered() bool { return c.Ci < 16 }

// ScratchLen is the number of elements of scratch that blocks of up to the
// given number of rows need.
func (c Conv) ScratchLen(rows int) int {
	if !c.Gathered() {
		return 0
	}
	return c.Ci * c.K * c.K * rows * c.OW() * c.N
}

// Forward computes rows [y, y+rows) of the output into out.
func (c Conv) Forward(out, w, in []float32, y, rows int, scratch []float32) {
	line := c.OW() * c.N
	ldo := rows * line
	if c.Gathered() {
		inner := c.Ci * c.K * c.K
		c.gather(scratch, in, y, rows)
		mul(out, ldo, c.Co, ldo, inner, rowMajor(w, inner), rowMajor(scratch, ldo), 0)
		return
	}
	for r := range rows {
		beta := float32(0)
		for tap := range c.K * c.K {
			mul(out[r*line:], ldo, c.Co, line, c.Ci, c.tap(w, tap), c.input(in, y+r, tap), beta)
			beta = 1
		}
	}
}

// GradWeight adds to dw the gradient of the weights that comes from rows
// [y, y+rows) of the output's gradient; at y = 0 it overwrites dw.
func (c Conv) GradWeight(dw, dout, in []float32, y, rows int, scratch []float32) {
	line := c.OW() * c.N
	ldo := rows * line
	if c.Gathered() {
		inner := c.Ci * c.K * c.K
		c.gather(scratch, in, y, rows)
		mul(dw, inner, c.Co, inner, ldo, rowMajor(dout, ldo), rowMajor(scratch, ldo).t(), accumulate(y > 0))
		return
	}
	for r := range rows {
		for tap := range c.K * c.K {
			mul(c.tap(dw, tap).x, c.Ci, c.Co, c.Ci, line,
				rowMajor(dout[r*line:], ldo), c.input(in, y+r, tap).t(), accumulate(y+r > 0))
		}
	}
}

// GradInput adds to din the gradient of the input that comes from rows
// [y, y+rows) of the output's gradient; at y = 0 it clears din first. It is
// for convolutions that are not gathered: a first layer needs no gradient of
// the image.
func (c Conv) GradInput(din, w, dout []float32, y, rows int) {
	if y == 0 {
		clear(din)
	}
	line := c.OW() * c.N
	for r := range rows {
		for tap := range c.K * c.K {
			at := c.input(din, y+r, tap)
			mul(at.x, at.ld, c.Ci, line, c.Co, c.tap(w, tap).t(), rowMajor(dout[r*line:], rows*line), 1)
		}
	}
}

// tap is the Co×Ci matrix of weights at one kernel position.
func (c Conv) tap(w []float32, tap int) mat {
	size := c.Co * c.Ci
	return rowMajor(w[tap*size:(tap+1)*size], c.Ci)
}

// input is the Ci×(OW·N) matrix that one tap meets for output row y.
func (c Conv) input(in []float32, y, tap int) mat {
	ky, kx := tap/c.K, tap%c.K
	return rowMajor(in[((y+ky)*c.W+kx)*c.N:], c.H*c.W*c.N)
}

// gather copies what the taps meet for output rows [y, y+rows) into cols, a
// matrix of Ci·K·K rows and rows·OW·N columns.
func (c Conv) gather(cols, in []float32, y, rows int) {
	line := c.OW() * c.N
	for ci := range c.Ci {
		for tap := range c.K * c.K {
			for r := range rows {
				from := ((ci*c.H+y+r+tap/c.K)*c.W + tap%c.K) * c.N
				copy(cols[:line], in[from:])
				cols = cols[line:]
			}
		}
	}
}

func accumulate(yes bool) float32 {
	if yes {
		return 1
	}
	return 0
}
