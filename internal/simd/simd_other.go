//go:build !amd64

package simd

// accelerated says whether there is assembly.
var accelerated = false

const none = "simd: no assembly for this processor"

func minMaxAVX2(lo, hi *float32, n int)                                           { panic(none) }
func minAVX2(dst, x *float32, n int)                                              { panic(none) }
func maxAVX2(dst, x *float32, n int)                                              { panic(none) }
func checkFiniteAVX2(x *float32, n int) uint32                                    { panic(none) }
func addScaledAVX2(sum *float64, x *float32, n int, w float64)                    { panic(none) }
func addPowersAVX2(sum, squares *float64, x *float32, n int)                      { panic(none) }
func squaredDistanceAVX2(lanes *[16]float64, x, y *float32, n int)                { panic(none) }
func dotsAVX2(out *[12]float64, a0, a1, a2, a3, b0, b1, b2 *float32, n int)       { panic(none) }
func addScaled4AVX2(sum *float64, x0, x1, x2, x3 *float32, n int, w *[4]float64)  { panic(none) }
func addPowers4AVX2(sum, squares *float64, x0, x1, x2, x3 *float32, n int)        { panic(none) }
func prefetchAMD64(x *float32, n int)                                             { panic(none) }
func poolAVX2(out *float32, arg *uint8, a, b, c, d *float32, n int, bias float32) { panic(none) }
