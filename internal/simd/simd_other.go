//go:build !amd64

package simd

// accelerated says whether there is assembly.
var accelerated, accelerated512 = false, false

const none = "simd: no assembly for this processor"

func loadColumnsAVX2(block *float32, rows *[]float32, n, at int) uint32 { panic(none) }
func sortColumnsAVX2(block *float32, pairs *[2]int32, n int)            { panic(none) }
func sortColumnsAVX512(block *float32, pairs *[2]int32, n int)          { panic(none) }
func checkFiniteAVX2(x *float32, n int) uint32                          { panic(none) }
func addScaledAVX2(sum *float64, x *float32, n int, w float64)          { panic(none) }
func addPowersAVX2(sum, squares *float64, x *float32, n int)            { panic(none) }
func squaredDistanceAVX2(lanes *[16]float64, x, y *float32, n int)      { panic(none) }
func poolAVX2(out *float32, arg *uint8, upper, lower *float32, n, w, pixel, from int, bias float32) {
	panic(none)
}

func gramAVX2(sums *float64, data *float32, rows, stride int, tiles *[8]int32, count, n int) {
	panic(none)
}
func gramAVX512(sums *float64, data *float32, rows, stride int, tiles *[8]int32, count, n int) {
	panic(none)
}

func scoreAVX2(scores *float64, next *float32, sums *float64, memory *float32, n int, square, twice, rows, scale float64) {
	panic(none)
}

func addScaled4AVX2(sum *float64, x0, x1, x2, x3, next0, next1, next2, next3 *float32, n int, w *[4]float64) {
	panic(none)
}

func addPowers4AVX2(sum, squares *float64, x0, x1, x2, x3, next0, next1, next2, next3 *float32, n int) {
	panic(none)
}

func accumulateAVX2(sum *float32, scores *float64, memory, mask, x, nextMemory, nextX *float32, n int, gamma float64) {
	panic(none)
}

func unpoolAVX2(upper, lower, dout *float32, arg *uint8, lanes *[8]float32, n, w, pixel, from int) {
	panic(none)
}
func maxPoolAVX2(out *float32, arg *uint8, in *float32, taps *int, count, n int) { panic(none) }
func maxPoolGradAVX2(din, dout *float32, arg *uint8, taps *int, count, n int)    { panic(none) }
func momentsAVX2(sums, squares *[16]float64, x *float32, n int)                  { panic(none) }
func affineReLUAVX2(out, x *float32, n int, scale, shift float32)                { panic(none) }
func affineAddReLUAVX2(out, x, y *float32, n int, scale, by, shift float32)      { panic(none) }
func affineAddAVX2(out, x, y *float32, n int, scale, by, shift float32)          { panic(none) }

func pickAVX2(dst, src *float32, at *uint16, n int) { panic(none) }

func aboveAVX2(found *uint16, x *float64, n int, table *[8]uint16, limit int64) int {
	panic(none)
}

func maskSumsAVX2(sums, products *[16]float64, to, dout, out, x *float32, n int) { panic(none) }
