package par

import (
	"sync/atomic"
	"testing"
)

func TestForVisitsEveryIndexOnce(t *testing.T) {
	for _, n := range []int{0, 1, 9, 10, 11, 1000} {
		seen := make([]atomic.Int32, n)
		For(n, 10, func(chunk, lo, hi int) {
			if lo != chunk*10 || hi-lo > 10 || hi <= lo {
				t.Errorf("n = %d: chunk %d is [%d, %d)", n, chunk, lo, hi)
			}
			for i := lo; i < hi; i++ {
				seen[i].Add(1)
			}
		})
		for i := range seen {
			if c := seen[i].Load(); c != 1 {
				t.Errorf("n = %d: index %d visited %d times", n, i, c)
			}
		}
	}
}
