package kernel

import "github.com/bgmd/bgmd/internal/simd"

// Pooled says where a row of pooled values lies, W pixels of N samples a channel,
// and the two rows of a convolution's output that it comes from.
type Pooled struct {
	W, N           int
	Channel, Pixel int // elements from channel to channel and from pixel to pixel
	From           int // the same from pixel to pixel of the two rows, at least N
}

// PoolBiasReLU is a 2×2 max-pool of stride 2 over two rows of a convolution's
// output, plus a bias a channel, through ReLU:
//
//	out[c,x,i] = max(0, bias[c] + max_{r,s∈{0,1}} rows[r,c,2x+s,i])
//
// rows is 2×C×2W×From; out and arg start at the first value. arg notes which of the
// four was the largest (the first of equals), or that ReLU cut it off.
//
// A NaN wins the maximum, as in PyTorch, so that divergence is not hidden.
func PoolBiasReLU(out []float32, arg []uint8, rows, bias []float32, p Pooled) {
	upper, lower := rows[:len(rows)/2], rows[len(rows)/2:]
	n := p.N
	for c, b := range bias {
		for x := range p.W {
			from := (c*p.W + x) * 2 * p.From
			top, low := upper[from:from+p.From+n], lower[from:from+p.From+n]
			at := c*p.Channel + x*p.Pixel
			simd.Pool(out[at:at+n], arg[at:at+n], top[:n], top[p.From:], low[:n], low[p.From:], b)
		}
	}
}

// GradPoolBiasReLU is the gradient of [PoolBiasReLU]: it sends every value of
// dout to the place in drows that arg notes, clears the other three, and adds
// the sums over each channel to dbias.
func GradPoolBiasReLU(drows, dbias, dout []float32, arg []uint8, p Pooled) {
	upper, lower := drows[:len(drows)/2], drows[len(drows)/2:]
	n := p.N
	for c := range dbias {
		var lanes [8]float32
		for x := range p.W {
			to := (c*p.W + x) * 2 * p.From
			top, low := upper[to:to+p.From+n], lower[to:to+p.From+n]
			at := c*p.Channel + x*p.Pixel
			simd.Unpool(top[:n], top[p.From:], low[:n], low[p.From:], dout[at:at+n], arg[at:at+n], &lanes)
		}
		for _, sum := range lanes {
			dbias[c] += sum
		}
	}
}
