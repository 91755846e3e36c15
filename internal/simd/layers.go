package simd

import (
	"fmt"
	"math"
)

// Dead is what [Pool] notes where it cuts an output off.
const Dead = 4

// Pools are a row of pools of 2×2 pixels, W of them with N samples each.
type Pools struct {
	W, N  int
	Pixel int // elements from one pixel of the pooled row to the next, at least N
	From  int // elements from one pixel of the upper or lower row to the next, at least N
}

// check panics unless the pooled and the two other rows have elements for p.
func (p Pools) check(name string, out, arg, upper, lower int) {
	pooled, row := (p.W-1)*p.Pixel+p.N, (2*p.W-1)*p.From+p.N
	if p.W < 1 || p.N < 1 || p.Pixel < p.N || p.From < p.N || min(out, arg) < pooled || min(upper, lower) < row {
		panic(fmt.Sprintf("simd: %s: rows of %d, %d, %d and %d elements, want %d, %d, %d and %d for %+v", name, out, arg, upper, lower, pooled, pooled, row, row, p))
	}
}

// Pool sets sample i of every pooled pixel to max(0, bias + the largest of its four
// inputs), two of which are in the upper row and two in the lower. It notes in arg which
// one that is, counted from 0, the first of equals; or [Dead] where the result is 0. NaN
// counts as larger than any number.
func Pool(out []float32, arg []uint8, upper, lower []float32, bias float32, p Pools) {
	p.check("Pool", len(out), len(arg), len(upper), len(lower))
	done := whole(p.N, 8)
	if done > 0 {
		poolAVX2(&out[0], &arg[0], &upper[0], &lower[0], done, p.W, p.Pixel, p.From, bias)
	}
	for x := 0; done < p.N && x < p.W; x++ {
		at, from := x*p.Pixel, 2*x*p.From
		poolGo(out[at+done:at+p.N], arg[at+done:], upper[from+done:], upper[from+p.From+done:], lower[from+done:], lower[from+p.From+done:], bias)
	}
}

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

// Unpool is the gradient of [Pool]. For sample i of every pixel it copies dout to the one
// of the four inputs that arg names, and sets the others to 0. It adds the values of dout
// that were not cut off to lanes[i%8], pixel by pixel.
func Unpool(upper, lower, dout []float32, arg []uint8, lanes *[8]float32, p Pools) {
	p.check("Unpool", len(dout), len(arg), len(upper), len(lower))
	done, pixels := whole(p.N, 8), p.W // at once
	if done < p.N {
		pixels = 1
	}
	for x := 0; x < p.W; x += pixels {
		at, from := x*p.Pixel, 2*x*p.From
		if done > 0 {
			unpoolAVX2(&upper[from], &lower[from], &dout[at], &arg[at], lanes, done, pixels, p.Pixel, p.From)
		}
		for i := done; i < p.N; i++ {
			var to [8]float32
			v, k := dout[at+i], arg[at+i]&7
			to[k] = v
			upper[from+i], upper[from+p.From+i], lower[from+i], lower[from+p.From+i] = to[0], to[1], to[2], to[3]
			if k < Dead {
				lanes[i%8] += v
			}
		}
	}
}

// A Tap is one of the places that a pixel of a pool looks at: the element where its
// row starts, and its number, below 256.
type Tap struct{ At, Number int }

// MaxPool sets out[i] to the largest of in[t.At+i] for all taps t, of which there
// is at least one, and arg[i] to the number of the tap that has it, the first of
// equals. Values are compared by their bits, as unsigned integers: right where
// they are behind a ReLU, +0, positive or NaN, and NaN is the largest.
func MaxPool(out []float32, arg []uint8, in []float32, taps []Tap) {
	n := len(out)
	check("MaxPool", len(arg), n)
	for _, t := range taps {
		_ = in[:len(in):len(in)][t.At : t.At+n]
	}
	done := whole(n, 8)
	if done > 0 {
		maxPoolAVX2(&out[0], &arg[0], &in[0], &taps[0].At, len(taps), done)
	}
	for i := done; i < n; i++ {
		best, number := math.Float32bits(in[taps[0].At+i]), taps[0].Number
		for _, t := range taps[1:] {
			bits := math.Float32bits(in[t.At+i])
			if bits > best {
				number = t.Number
			}
			best = max(best, bits)
		}
		out[i], arg[i] = math.Float32frombits(best), uint8(number)
	}
}

// MaxPoolGrad is the gradient of [MaxPool] for one pixel of its input: it sets
// din[i] to the sum of dout[t.At+i] over the taps t for which arg[t.At+i] is their
// number.
func MaxPoolGrad(din, dout []float32, arg []uint8, taps []Tap) {
	n := len(din)
	if len(taps) == 0 {
		clear(din)
		return
	}
	for _, t := range taps {
		_, _ = dout[:len(dout):len(dout)][t.At:t.At+n], arg[:len(arg):len(arg)][t.At:t.At+n]
	}
	done := whole(n, 8)
	if done > 0 {
		maxPoolGradAVX2(&din[0], &dout[0], &arg[0], &taps[0].At, len(taps), done)
	}
	for i := done; i < n; i++ {
		var sum float32
		for _, t := range taps {
			var g float32
			if arg[t.At+i] == uint8(t.Number) {
				g = dout[t.At+i]
			}
			sum += g
		}
		din[i] = sum
	}
}

// Moments returns Σ x[i] and Σ x[i]² in float64: 16 sums over every sixteenth
// element, and then those in pairs.
func Moments(x []float32) (sum, squares float64) {
	var s, q [16]float64
	done := whole(len(x), 16)
	if done > 0 {
		momentsAVX2(&s, &q, &x[0], done)
	}
	for i := done; i < len(x); i++ {
		v := float64(x[i])
		s[i%16] += v
		q[i%16] += float64(v * v)
	}
	return inPairs(&s), inPairs(&q)
}

// MaskSums sets g[i] to dout[i] where out[i] has a bit set, and to 0 elsewhere,
// and returns Σ g[i] and Σ g[i]·x[i], summed as [Moments] sums. g may be dout.
func MaskSums(g, dout, out, x []float32) (sum, product float64) {
	n := len(g)
	for _, other := range [][]float32{dout, out, x} {
		check("MaskSums", len(other), n)
	}
	var s, p [16]float64
	done := whole(n, 16)
	if done > 0 {
		maskSumsAVX2(&s, &p, &g[0], &dout[0], &out[0], &x[0], done)
	}
	for i := done; i < n; i++ {
		bits := math.Float32bits(out[i])
		alive := uint32(int32(bits|-bits) >> 31) // no branch: half are 0, in no order
		g[i] = math.Float32frombits(math.Float32bits(dout[i]) & alive)
		s[i%16] += float64(g[i])
		p[i%16] += float64(float64(g[i]) * float64(x[i]))
	}
	return inPairs(&s), inPairs(&p)
}

// inPairs adds lanes up.
func inPairs(lanes *[16]float64) float64 {
	for half := 8; half > 0; half /= 2 {
		for l := range half {
			lanes[l] += lanes[l+half]
		}
	}
	return lanes[0]
}

// AffineReLU sets out[i] to max(0, scale·x[i] + shift). NaN stays NaN.
func AffineReLU(out, x []float32, scale, shift float32) {
	n := len(out)
	check("AffineReLU", len(x), n)
	done := whole(n, 8)
	if done > 0 {
		affineReLUAVX2(&out[0], &x[0], done, scale, shift)
	}
	for i := done; i < n; i++ {
		out[i] = max(0, float32(scale*x[i])+shift)
	}
}

// AffineAddReLU sets out[i] to max(0, scale·x[i] + by·y[i] + shift). NaN stays NaN.
func AffineAddReLU(out, x, y []float32, scale, by, shift float32) {
	n := len(out)
	check("AffineAddReLU", len(x), n)
	check("AffineAddReLU", len(y), n)
	done := whole(n, 8)
	if done > 0 {
		affineAddReLUAVX2(&out[0], &x[0], &y[0], done, scale, by, shift)
	}
	for i := done; i < n; i++ {
		out[i] = max(0, float32(scale*x[i])+float32(by*y[i])+shift)
	}
}

// AffineAdd sets out[i] to scale·x[i] + by·y[i] + shift. out may be x or y.
func AffineAdd(out, x, y []float32, scale, by, shift float32) {
	n := len(out)
	check("AffineAdd", len(x), n)
	check("AffineAdd", len(y), n)
	done := whole(n, 8)
	if done > 0 {
		affineAddAVX2(&out[0], &x[0], &y[0], done, scale, by, shift)
	}
	for i := done; i < n; i++ {
		out[i] = float32(scale*x[i]) + float32(by*y[i]) + shift
	}
}
