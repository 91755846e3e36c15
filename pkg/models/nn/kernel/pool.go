package kernel

import "github.com/bgmd/bgmd/internal/simd"

// PoolBiasReLU is a 2×2 max-pool of stride 2 over two rows of a convolution's
// output, plus a bias a channel, through ReLU:
//
//	out[c,x,i] = max(0, bias[c] + max_{r,s∈{0,1}} rows[r,c,2x+s,i])
//
// rows is 2×C×2W×N; out and arg start at the first value and have the given
// stride from channel to channel. arg notes which of the four was the largest
// (the first of equals), or that ReLU cut it off.
//
// A NaN wins the maximum, as in PyTorch, so that divergence is not hidden.
func PoolBiasReLU(out []float32, arg []uint8, rows, bias []float32, w, n, stride int) {
	upper, lower := rows[:len(rows)/2], rows[len(rows)/2:]
	for c, b := range bias {
		for x := range w {
			from := (c*w + x) * 2 * n
			top, low := upper[from:from+2*n], lower[from:from+2*n]
			at := c*stride + x*n
			simd.Pool(out[at:at+n], arg[at:at+n], top[:n], top[n:], low[:n], low[n:], b)
		}
	}
}

// GradPoolBiasReLU is the gradient of [PoolBiasReLU]: it sends every value of
// dout to the place in drows that arg notes, clears the other three, and adds
// the sums over each channel to dbias.
func GradPoolBiasReLU(drows, dbias, dout []float32, arg []uint8, w, n, stride int) {
	upper, lower := drows[:len(drows)/2], drows[len(drows)/2:]
	for c := range dbias {
		var lanes [8]float32
		for x := range w {
			to := (c*w + x) * 2 * n
			top, low := upper[to:to+2*n], lower[to:to+2*n]
			at := c*stride + x*n
			simd.Unpool(top[:n], top[n:], low[:n], low[n:], dout[at:at+n], arg[at:at+n], &lanes)
		}
		for _, sum := range lanes {
			dbias[c] += sum
		}
	}
}
