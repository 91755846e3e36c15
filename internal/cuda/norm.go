//go:build gpu && linux

package cuda

import "errors"

// Norm is the geometry of a batch norm of arrays of H×C×W×M, M = Clients·N, of each client's
// samples on their own.
type Norm struct{ H, C, W, N, Clients int }

// M is the number of samples.
func (n Norm) M() int { return n.N * n.Clients }

// Len is the number of elements of an array.
func (n Norm) Len() int { return n.H * n.C * n.W * n.M() }

// normShape is struct NormShape of norm.cu.
type normShape struct{ H, C, W, M, N int32 }

func (n Norm) shape() normShape {
	return normShape{int32(n.H), int32(n.C), int32(n.W), int32(n.M()), int32(n.N)}
}

// Channel is what is known of a channel of a client: y = Scale·x + Shift.
type Channel struct {
	Mean, InvStd float64
	Scale, Shift float32
}

// Slope says that the gradient of x is Scale·g + Slope·x + Shift.
type Slope struct{ Scale, Slope, Shift float32 }

// NormMeasure sets channels, Clients×C, by the mean and variance of each client's samples,
// and batch to those: client i's from i·stride on, C means and C variances with the divisor
// count−1.
func (s *Stream) NormMeasure(n Norm, channels Memory[Channel], batch Memory[float32], stride int, x, gamma, beta Memory[float32]) error {
	err := errors.Join(check("NormMeasure", need{"channels", channels.n, n.Clients * n.C}, need{"x", x.n, n.Len()}, need{"gamma", gamma.n, n.C}, need{"beta", beta.n, n.C}),
		checkRows("NormMeasure", batch.n, n.Clients, stride, 2*n.C))
	if err != nil {
		return err
	}
	return s.launch("norm_measure", grid{n.C, n.Clients, 1}, channels, batch, int64(stride), x, gamma, beta, n.shape())
}

// NormUse sets channels, Clients×C, by given means and variances, C each.
func (s *Stream) NormUse(n Norm, channels Memory[Channel], running, gamma, beta Memory[float32]) error {
	total := n.Clients * n.C
	if err := check("NormUse", need{"channels", channels.n, total}, need{"running", running.n, 2 * n.C}, need{"gamma", gamma.n, n.C}, need{"beta", beta.n, n.C}); err != nil {
		return err
	}
	return s.launch("norm_use", grid{cover(total, 128), 1, 1}, channels, running, gamma, beta, n.C, total)
}

// NormReLU computes out = max(0, y). NaN stays NaN.
func (s *Stream) NormReLU(n Norm, out, x Memory[float32], channels Memory[Channel]) error {
	if err := check("NormReLU", need{"out", out.n, n.Len()}, need{"x", x.n, n.Len()}, need{"channels", channels.n, n.Clients * n.C}); err != nil {
		return err
	}
	return s.launch("norm_relu", grid{cover(n.Len(), 256), 1, 1}, out, x, channels, n.shape(), uint32(n.Len()))
}

// NormAddReLU computes out = max(0, y + r), where r goes through others first unless those
// are zero.
func (s *Stream) NormAddReLU(n Norm, out, x Memory[float32], channels Memory[Channel], r Memory[float32], others Memory[Channel]) error {
	err := check("NormAddReLU", need{"out", out.n, n.Len()}, need{"x", x.n, n.Len()}, need{"channels", channels.n, n.Clients * n.C}, need{"r", r.n, n.Len()})
	if others.at != 0 {
		err = errors.Join(err, check("NormAddReLU", need{"others", others.n, n.Clients * n.C}))
	}
	if err != nil {
		return err
	}
	return s.launch("norm_add_relu", grid{cover(n.Len(), 256), 1, 1}, out, x, channels, r, others, n.shape(), uint32(n.Len()))
}

// NormMask begins the backward pass of a norm behind ReLU with the output out: g = dout
// where out is above 0 or NaN, and 0 elsewhere; g may be dout. The gradients of gamma and
// beta go to gammas and betas, client i's from i·stride on, and what NormGrad needs to
// slopes, Clients×C.
func (s *Stream) NormMask(n Norm, g Memory[float32], slopes Memory[Slope], gammas, betas Memory[float32], stride int, dout, out, x Memory[float32], channels Memory[Channel]) error {
	err := errors.Join(check("NormMask", need{"g", g.n, n.Len()}, need{"slopes", slopes.n, n.Clients * n.C}, need{"dout", dout.n, n.Len()},
		need{"out", out.n, n.Len()}, need{"x", x.n, n.Len()}, need{"channels", channels.n, n.Clients * n.C}),
		checkRows("NormMask", gammas.n, n.Clients, stride, n.C), checkRows("NormMask", betas.n, n.Clients, stride, n.C))
	if err != nil {
		return err
	}
	return s.launch("norm_mask", grid{n.C, n.Clients, 1}, g, slopes, gammas, betas, int64(stride), dout, out, x, channels, n.shape())
}

// NormGrad replaces x, the norm's input, by its gradient, from the g of NormMask.
func (s *Stream) NormGrad(n Norm, x, g Memory[float32], slopes Memory[Slope]) error {
	if err := check("NormGrad", need{"x", x.n, n.Len()}, need{"g", g.n, n.Len()}, need{"slopes", slopes.n, n.Clients * n.C}); err != nil {
		return err
	}
	return s.launch("norm_grad", grid{cover(n.Len(), 256), 1, 1}, x, g, slopes, n.shape(), uint32(n.Len()))
}

// MaxPool is the geometry of a max-pool behind ReLU over K×K pixels of arrays of H×C×W×M.
// Pixels around the input, Pad of them on each side, never win.
type MaxPool struct{ C, H, W, K, Stride, Pad, M int }

// OH is the height of the output.
func (p MaxPool) OH() int { return (p.H+2*p.Pad-p.K)/p.Stride + 1 }

// OW is the width of the output.
func (p MaxPool) OW() int { return (p.W+2*p.Pad-p.K)/p.Stride + 1 }

// InLen and OutLen are the elements of input and output.
func (p MaxPool) InLen() int { return p.H * p.C * p.W * p.M }

// OutLen: see InLen.
func (p MaxPool) OutLen() int { return p.OH() * p.C * p.OW() * p.M }

// poolShape is struct PoolShape of norm.cu.
type poolShape struct{ C, H, W, OH, OW, K, Stride, Pad, M int32 }

func (p MaxPool) shape() poolShape {
	return poolShape{int32(p.C), int32(p.H), int32(p.W), int32(p.OH()), int32(p.OW()), int32(p.K), int32(p.Stride), int32(p.Pad), int32(p.M)}
}

// MaxPool computes out and notes in arg which tap, ky·K + kx, was the largest, the first of
// equals. A NaN wins.
func (s *Stream) MaxPool(p MaxPool, out Memory[float32], arg Memory[uint8], in Memory[float32]) error {
	n := p.OutLen()
	if err := check("MaxPool", need{"out", out.n, n}, need{"arg", arg.n, n}, need{"in", in.n, p.InLen()}); err != nil {
		return err
	}
	return s.launch("max_pool", grid{cover(n, 256), 1, 1}, out, arg, in, p.shape(), uint32(n))
}

// MaxPoolGrad sets din to what arg sends there of dout.
func (s *Stream) MaxPoolGrad(p MaxPool, din, dout Memory[float32], arg Memory[uint8]) error {
	n := p.InLen()
	if err := check("MaxPoolGrad", need{"din", din.n, n}, need{"dout", dout.n, p.OutLen()}, need{"arg", arg.n, p.OutLen()}); err != nil {
		return err
	}
	return s.launch("max_pool_grad", grid{cover(n, 256), 1, 1}, din, dout, arg, p.shape(), uint32(n))
}

// AveragePool sets out, C×M, to the mean over all pixels of in, H×C×W×M.
func (s *Stream) AveragePool(out, in Memory[float32], h, c, w, m int) error {
	if err := check("AveragePool", need{"out", out.n, c * m}, need{"in", in.n, h * c * w * m}); err != nil {
		return err
	}
	return s.launch("average_pool", grid{cover(c*m, 128), 1, 1}, out, in, h, c, w, m, uint32(c*m))
}

// AveragePoolGrad is the gradient of AveragePool.
func (s *Stream) AveragePoolGrad(din, dout Memory[float32], h, c, w, m int) error {
	n := h * c * w * m
	if err := check("AveragePoolGrad", need{"din", din.n, n}, need{"dout", dout.n, c * m}); err != nil {
		return err
	}
	return s.launch("average_pool_grad", grid{cover(n, 256), 1, 1}, din, dout, h, c, w, m, uint32(n))
}
