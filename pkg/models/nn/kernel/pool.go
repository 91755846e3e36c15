package kernel

import "github.com/bgmd/bgmd/internal/simd"

// Pooled says where a row of pooled values lies, W pixels of N samples a channel,
// and the two rows of a convolution's output that it comes from.
type Pooled struct {
	W, N           int
	Channel, Pixel int // elements from channel to channel and from pixel to pixel
	From           int // the same from pixel to pixel of the two rows, at least N
}

// row is one channel's row.
func (p Pooled) row() simd.Pools {
	return simd.Pools{W: p.W, N: p.N, Pixel: p.Pixel, From: p.From}
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
	for c, b := range bias {
		from, at := c*2*p.W*p.From, c*p.Channel
		simd.Pool(out[at:], arg[at:], upper[from:], lower[from:], b, p.row())
	}
}

// GradPoolBiasReLU is the gradient of [PoolBiasReLU]: it sends every value of
// dout to the place in drows that arg notes, clears the other three, and adds
// the sums over each channel to dbias.
func GradPoolBiasReLU(drows, dbias, dout []float32, arg []uint8, p Pooled) {
	upper, lower := drows[:len(drows)/2], drows[len(drows)/2:]
	for c := range dbias {
		var lanes [8]float32
		to, at := c*2*p.W*p.From, c*p.Channel
		simd.Unpool(upper[to:], lower[to:], dout[at:], arg[at:], &lanes, p.row())
		for _, sum := range lanes {
			dbias[c] += sum
		}
	}
}
