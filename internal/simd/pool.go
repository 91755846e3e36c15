package simd

import "math"

func poolGo(out []float32, arg []uint8, a, b, c, d []float32, bias float32) {
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
			k = Dead
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
