package kernel

// Conv is the geometry of a two-dimensional convolution:
//
//	out[y,co,x,:] = Σ_{ci,ky,kx} w[co,ci,ky,kx]·in[y·stride−pad+ky,ci,x·stride−pad+kx,:]
//
// where taps that fall outside the input count for nothing. They cost nothing
// either, but for the columns on both sides of a thin convolution's input, which are
// multiplied as zeros.
//
// It computes a row of the output at a time, Co×OW×N, because a fused layer
// needs only as many of them as its next step takes.
type Conv struct {
	Ci, H, W int // input
	Co, K    int // output channels, kernel height and width, at most 16
	Stride   int // 0 counts as 1
	Pad      int // rows and columns around the input, at most (K−1)/2
	N        int // batch
}

func (c Conv) stride() int { return max(c.Stride, 1) }

// OH is the height of the output.
func (c Conv) OH() int { return c.outputs(c.H) }

// OW is the width of the output.
func (c Conv) OW() int { return c.outputs(c.W) }

func (c Conv) outputs(size int) int {
	if size+2*c.Pad < c.K {
		return 0
	}
	return (size+2*c.Pad-c.K)/c.stride() + 1
}

// inside returns the taps [lo, hi) of output i along an axis of the given size
// that fall inside the input. There is at least one.
func (c Conv) inside(i, size int) (lo, hi int) {
	from := i*c.stride() - c.Pad
	return max(0, -from), min(c.K, size-from)
}

// Flops counts the multiplications and additions of one forward convolution,
// without taps that fall outside; each of its two gradients costs as much.
func (c Conv) Flops() int {
	along := func(outputs, size int) (taps int) {
		for i := range outputs {
			lo, hi := c.inside(i, size)
			taps += hi - lo
		}
		return taps
	}
	return 2 * c.Co * c.Ci * along(c.OH(), c.H) * along(c.OW(), c.W) * c.N
}

// Thin says how the product is formed, and with it the layouts.
//
// With many input channels the input is H×Ci×W×N. What the kernel's column kx
// meets for one row of the output, up to K rows of Ci channels, is then a matrix
// in place, its K·Ci rows W·N apart, and the row takes K products (with a
// stride, K a pixel) with weights kept as [kx][Co][ky][Ci].
//
// With few, such products are too thin. The input is Ci×H×W×N, as images come,
// and weights are [Co][Ci][ky][kx]. What each tap of a channel meets for one row of
// the output is OW·N neighbouring elements of the image, where [Conv.Arrange] has
// made them neighbours, and a product's rows may be anywhere and overlap.
func (c Conv) Thin() bool { return c.Ci < maxThin }

// Forward computes row y of the output.
func (c Conv) Forward(out, w, in []float32, y int) {
	if c.Thin() {
		c.forwardThin(out, w, in, y)
		return
	}
	lo, hi := c.inside(y, c.H)
	c.runs(func(r run) {
		mul(out[r.x*c.N:], c.line(), c.Co, r.width*c.N, (hi-lo)*c.Ci, c.column(w, r.kx, lo), c.met(in, y, lo, r.from), accumulate(!r.first))
	})
}

// GradWeight adds to dw the gradient of the weights that comes from row y of
// the output's gradient; at y = 0 it overwrites dw, also where no tap ever falls
// inside.
func (c Conv) GradWeight(dw, dout, in []float32, y int) {
	if c.Thin() {
		c.gradThin(dw, dout, in, y)
		return
	}
	beta := accumulate(y > 0)
	if c.Pad > 0 || c.stride() > 1 { // no row meets every tap, once
		if y == 0 {
			clear(dw)
		}
		beta = 1
	}
	lo, hi := c.inside(y, c.H)
	c.runs(func(r run) {
		to := c.column(dw, r.kx, lo)
		mul(to.x, to.ld, c.Co, (hi-lo)*c.Ci, r.width*c.N, rowMajor(dout[r.x*c.N:], c.line()), c.met(in, y, lo, r.from).t(), beta)
	})
}

// GradInput adds to din the gradient of the input that comes from row y of the
// output's gradient. It is for convolutions that are not thin: a first layer
// needs no gradient of the image.
func (c Conv) GradInput(din, w, dout []float32, y int) {
	lo, hi := c.inside(y, c.H)
	c.runs(func(r run) {
		to := c.met(din, y, lo, r.from)
		mul(to.x, to.ld, (hi-lo)*c.Ci, r.width*c.N, c.Co, c.column(w, r.kx, lo).t(), rowMajor(dout[r.x*c.N:], c.line()), 1)
	})
}

// run is a stretch of a row of the output for which one column of the kernel
// meets neighbouring pixels of the input.
type run struct {
	kx       int
	x, width int  // of the output
	from     int  // first column of the input
	first    bool // of those with these outputs
}

// runs calls f for all runs of a row. With stride 1 there is one a column of
// the kernel, and the one that meets all of the row comes first. Otherwise
// there is one an output and column.
func (c Conv) runs(f func(run)) {
	if c.stride() == 1 {
		f(run{c.Pad, 0, c.OW(), 0, true})
		for kx := range c.K {
			x := max(0, c.Pad-kx)
			if end := min(c.OW(), c.W+c.Pad-kx); kx != c.Pad && x < end {
				f(run{kx, x, end - x, x + kx - c.Pad, false})
			}
		}
		return
	}
	for x := range c.OW() {
		lo, hi := c.inside(x, c.W)
		for kx := lo; kx < hi; kx++ {
			f(run{kx, x, 1, x*c.stride() - c.Pad + kx, kx == lo})
		}
	}
}

// line is the length of one channel's row of the output.
func (c Conv) line() int { return c.OW() * c.N }

// taps is the number of weights of an output channel.
func (c Conv) taps() int { return c.Ci * c.K * c.K }

// column is the matrix of weights in one column of the kernel, Co rows of Ci a
// tap, from row lo of the kernel on.
func (c Conv) column(w []float32, kx, lo int) mat {
	size := c.Co * c.K * c.Ci
	return rowMajor(w[kx*size+lo*c.Ci:(kx+1)*size], c.K*c.Ci)
}

// met is the matrix of what that column meets for row y of the output, Ci rows
// a tap from row lo of the kernel on, and from the given column of the input on.
func (c Conv) met(in []float32, y, lo, from int) mat {
	return rowMajor(in[((y*c.stride()-c.Pad+lo)*c.Ci*c.W+from)*c.N:], c.W*c.N)
}

func accumulate(yes bool) float32 {
	if yes {
		return 1
	}
	return 0
}
