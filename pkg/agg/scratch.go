package agg

import "github.com/bgmd/bgmd/internal/par"

const (
	of32 = 4. // bytes of a float32
	of64 = 8. // of a float64 or an int
)

// square is the bytes of an n×n matrix of float64 values.
func square(n int) float64 { return of64 * float64(n) * float64(n) }

// sumsSize is what squaredNorms and squaredDistances hold.
func sumsSize(n, d int) float64 {
	return of64 * float64(n) * float64(1+par.Chunks(d, columnGrain))
}
