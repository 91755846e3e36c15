package kernel

import "math"

// dead marks a pooled value that ReLU has cut off.
const dead = 4

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
			poolBiasReLU(out[at:at+n], arg[at:at+n], top[:n], top[n:], low[:n], low[n:], b)
		}
	}
}

func poolBiasReLU(out []float32, arg []uint8, a, b, c, d []float32, bias float32) {
	n := len(out)
	arg, a, b, c, d = arg[:n], a[:n], b[:n], c[:n], d[:n]
	for i := range out {
		best := max(rank(a[i])<<2|3, rank(b[i])<<2|2, rank(c[i])<<2|1, rank(d[i])<<2)
		v := unrank(best>>2) + bias
		bits, k := math.Float32bits(v), 3-best&3
		if rank(v) <= rankOfZero {
			bits = 0
		}
		if rank(v) <= rankOfZero { // apart, it is compiled to a conditional move
			k = dead
		}
		out[i], arg[i] = math.Float32frombits(bits), uint8(k)
	}
}

// belowInf is the number of NaNs of negative sign, the kind that x86 makes of
// ∞ − ∞. Read as integers they lie below −∞; shifted by their number, they wrap
// round to the top, where those of positive sign are.
const belowInf = 1<<23 - 1

// rank maps x to an integer that orders as floats do, NaN above all: integers
// compare without a branch.
func rank(x float32) int64 {
	b := int32(math.Float32bits(x))
	return int64(b ^ (b >> 31 & math.MaxInt32) - belowInf)
}

const rankOfZero = -belowInf

func unrank(r int64) float32 {
	b := int32(r) + belowInf
	return math.Float32frombits(uint32(b ^ (b >> 31 & math.MaxInt32)))
}

// GradPoolBiasReLU is the gradient of [PoolBiasReLU]: it sends every value of
// dout to the place in drows that arg notes, clears the other three, and adds
// the sums over each channel to dbias.
func GradPoolBiasReLU(drows, dbias, dout []float32, arg []uint8, w, n, stride int) {
	clear(drows)
	row := len(drows) / 2
	offset := [8]int{0, n, row, row + n}
	for c := range dbias {
		var sum float32
		for x := range w {
			at := c*stride + x*n
			sum += scatter(drows[(c*w+x)*2*n:], dout[at:at+n], arg[at:at+n], &offset)
		}
		dbias[c] += sum
	}
}

func scatter(to, from []float32, arg []uint8, offset *[8]int) (sum float32) {
	arg = arg[:len(from)]
	alive := [8]uint32{math.MaxUint32, math.MaxUint32, math.MaxUint32, math.MaxUint32, 0}
	for i, g := range from {
		k := arg[i] & 7
		g = math.Float32frombits(math.Float32bits(g) & alive[k])
		to[offset[k]+i] = g
		sum += g
	}
	return sum
}
