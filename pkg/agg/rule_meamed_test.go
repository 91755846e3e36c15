package agg

import (
	"math"
	"slices"
	"testing"
)

// TestMeanAroundMatchesSort compares every number of rows kept with sorting by the
// distance from the median.
func TestMeanAroundMatchesSort(t *testing.T) {
	r := newRand(4)
	for n := 1; n <= 24; n++ {
		values := make([]float32, n*lanes)
		column := make([]float32, n)
		for j := range lanes - 1 { // the last stays zero
			for i := range column {
				if column[i] = float32(r.NormFloat64()); j%2 == 0 {
					column[i] = float32(r.IntN(7)) // equals, and values equally near
				}
			}
			slices.Sort(column)
			for i, v := range column {
				values[i*lanes+j] = v
			}
		}
		for keep := 1; keep <= n; keep++ {
			out := make([]float32, lanes)
			meanAround(out, sorted{values, lanes}, n, keep)
			for j, got := range out {
				for i := range column {
					column[i] = values[i*lanes+j]
				}
				median := (float64(column[(n-1)/2]) + float64(column[n/2])) / 2
				slices.SortStableFunc(column, func(a, b float32) int { // of equally near the smaller first
					x, y := math.Abs(float64(a)-median), math.Abs(float64(b)-median)
					switch {
					case x < y:
						return -1
					case x > y:
						return 1
					}
					return 0
				})
				var want float64
				for _, v := range column[:keep] {
					want += float64(v) / float64(keep)
				}
				if math.Abs(float64(got)-want) > 1e-6*(1+math.Abs(want)) {
					t.Fatalf("n = %d, keep = %d: the mean around the median of %v is %v, want %v", n, keep, column, got, want)
				}
			}
		}
	}
}
