package simd

import "fmt"

// MinMax sets lo[i] to the smaller and hi[i] to the larger of the two. Neither
// may be NaN. Of 0 and −0 either may come out as the smaller.
func MinMax(lo, hi []float32) {
	check("MinMax", len(lo), len(hi))
	done := whole(len(lo), 8)
	if done > 0 {
		minMaxAVX2(&lo[0], &hi[0], done)
	}
	minMaxGo(lo[done:], hi[done:])
}

// Min sets dst[i] to the smaller of dst[i] and x[i], under the conditions of
// [MinMax].
func Min(dst, x []float32) {
	check("Min", len(dst), len(x))
	done := whole(len(dst), 8)
	if done > 0 {
		minAVX2(&dst[0], &x[0], done)
	}
	minGo(dst[done:], x[done:])
}

// Max sets dst[i] to the larger of dst[i] and x[i], under the conditions of
// [MinMax].
func Max(dst, x []float32) {
	check("Max", len(dst), len(x))
	done := whole(len(dst), 8)
	if done > 0 {
		maxAVX2(&dst[0], &x[0], done)
	}
	maxGo(dst[done:], x[done:])
}

// Finite reports whether no element is NaN or infinite.
func Finite(x []float32) bool {
	done := whole(len(x), 8)
	if done > 0 && checkFiniteAVX2(&x[0], done) != 0 {
		return false
	}
	return finiteGo(x[done:])
}

// AddScaled adds w·x[i] to sum[i], rounding the product to float64 and then the
// sum.
func AddScaled(sum []float64, x []float32, w float64) {
	check("AddScaled", len(sum), len(x))
	done := whole(len(sum), 4)
	if done > 0 {
		addScaledAVX2(&sum[0], &x[0], done, w)
	}
	addScaledGo(sum[done:], x[done:], w)
}

// AddScaled4 does what four calls of [AddScaled] do, with each row's weight in
// turn, in half the time.
func AddScaled4(sum []float64, x *[4][]float32, w *[4]float64) {
	for _, row := range x {
		check("AddScaled4", len(sum), len(row))
	}
	done := whole(len(sum), 8)
	if done > 0 {
		addScaled4AVX2(&sum[0], &x[0][0], &x[1][0], &x[2][0], &x[3][0], done, w)
	}
	for k, row := range x {
		addScaledGo(sum[done:], row[done:], w[k])
	}
}

// AddPowers4 does what four calls of [AddPowers] do, with each row in turn.
func AddPowers4(sum, squares []float64, x *[4][]float32) {
	check("AddPowers4", len(sum), len(squares))
	for _, row := range x {
		check("AddPowers4", len(sum), len(row))
	}
	done := whole(len(sum), 8)
	if done > 0 {
		addPowers4AVX2(&sum[0], &squares[0], &x[0][0], &x[1][0], &x[2][0], &x[3][0], done)
	}
	for _, row := range x {
		addPowersGo(sum[done:], squares[done:], row[done:])
	}
}

// Prefetch asks the processor to bring x into its caches, and does not wait.
func Prefetch(x []float32) {
	if accelerated && len(x) > 0 {
		prefetchAMD64(&x[0], len(x))
	}
}

// AddPowers adds x[i] to sum[i] and x[i]² to squares[i]. The square of a float32
// is exact in float64.
func AddPowers(sum, squares []float64, x []float32) {
	check("AddPowers", len(sum), len(x))
	check("AddPowers", len(squares), len(x))
	done := whole(len(sum), 4)
	if done > 0 {
		addPowersAVX2(&sum[0], &squares[0], &x[0], done)
	}
	addPowersGo(sum[done:], squares[done:], x[done:])
}

// SquaredDistance returns Σ (x[i] − y[i])², differences, squares and sums in
// float64: 16 sums over every sixteenth element, and then those in pairs.
func SquaredDistance(x, y []float32) float64 {
	check("SquaredDistance", len(x), len(y))
	var lanes [16]float64
	done := whole(len(x), 16)
	if done > 0 {
		squaredDistanceAVX2(&lanes, &x[0], &y[0], done)
	}
	squaredDistanceGo(&lanes, x[done:], y[done:])
	for half := 8; half > 0; half /= 2 {
		for l := range half {
			lanes[l] += lanes[l+half]
		}
	}
	return lanes[0]
}

// Dead is what [Pool] notes where it cuts an output off.
const Dead = 4

// Pool sets out[i] to max(0, bias + the largest of a[i], b[i], c[i] and d[i]) and
// arg[i] to which of them that is, counted from 0, the first of equals, or to
// [Dead] where the result is 0. NaN counts as larger than any number.
func Pool(out []float32, arg []uint8, a, b, c, d []float32, bias float32) {
	n := len(out)
	check("Pool", len(arg), n)
	for _, x := range [][]float32{a, b, c, d} {
		check("Pool", len(x), n)
	}
	done := whole(n, 8)
	if done > 0 {
		poolAVX2(&out[0], &arg[0], &a[0], &b[0], &c[0], &d[0], done, bias)
	}
	poolGo(out[done:], arg[done:], a[done:], b[done:], c[done:], d[done:], bias)
}

// The height and width of a tile of [Dots].
const (
	DotsRows = 4
	DotsCols = 3
)

// Dots adds to out[3i+j] the inner product of rows a[i] and b[j], which have
// equal lengths. Products are summed in float32, in eight sums over every eighth
// element (one by one in plain Go, in float64): a caller who wants more digits
// than float32 has for all of a long row cuts it.
func Dots(out *[DotsRows * DotsCols]float64, a *[DotsRows][]float32, b *[DotsCols][]float32) {
	n := len(a[0])
	for _, row := range a {
		check("Dots", len(row), n)
	}
	for _, row := range b {
		check("Dots", len(row), n)
	}
	done := whole(n, 8)
	if done > 0 {
		dotsAVX2(out, &a[0][0], &a[1][0], &a[2][0], &a[3][0], &b[0][0], &b[1][0], &b[2][0], done)
	}
	dotsGo(out, a, b, done)
}

// whole is how many of n elements the assembly does, a multiple of step; 0 where
// there is none.
func whole(n, step int) int {
	if !accelerated {
		return 0
	}
	return n / step * step
}

func check(name string, got, want int) {
	if got != want {
		panic(fmt.Sprintf("simd: %s: slices of %d and %d elements", name, got, want))
	}
}
