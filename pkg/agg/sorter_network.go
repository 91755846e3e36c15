package agg

import (
	"slices"

	"github.com/bgmd/bgmd/internal/simd"
)

// newNetwork returns a network that sorts n rows column by column, as far as the
// order statistics from, …, to − 1 go: those rows are right afterwards, the
// others hold anything. It is Batcher's odd-even merge sort [Knuth, TAOCP 3,
// 5.3.4] with everything left out that the rows asked for do not depend on.
func newNetwork(n, from, to int) *simd.Network {
	var all [][2]int32
	for p := 1; p < n; p *= 2 {
		for k := p; k >= 1; k /= 2 {
			for j := k % p; j+k < n; j += 2 * k {
				for i := j; i < min(j+k, n-k); i++ {
					if i/(2*p) == (i+k)/(2*p) {
						all = append(all, [2]int32{int32(i), int32(i + k)})
					}
				}
			}
		}
	}
	used := make([]bool, n)
	for i := from; i < to; i++ {
		used[i] = true
	}
	var pairs [][2]int32
	for _, p := range slices.Backward(all) {
		if used[p[0]] || used[p[1]] {
			used[p[0]], used[p[1]] = true, true
			pairs = append(pairs, p)
		}
	}
	slices.Reverse(pairs)
	return simd.NewNetwork(n, pairs)
}
