package agg

import "slices"

// grown returns s with length n, reusing its array where it is large enough.
// The contents are unspecified.
func grown[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n)
	}
	return s[:n]
}

func fill[T float32 | float64](s []T, v T) {
	for i := range s {
		s[i] = v
	}
}

func sum(x []float64) (total float64) {
	for _, v := range x {
		total += v
	}
	return total
}

func dot(a, b []float64) float64 {
	b = b[:len(a)]
	var s0, s1 float64
	i := 0
	for ; i+1 < len(a); i += 2 {
		s0 += a[i] * b[i]
		s1 += a[i+1] * b[i+1]
	}
	if i < len(a) {
		s0 += a[i] * b[i]
	}
	return s0 + s1
}

// sumOfSmallest adds up the m smallest of x, which it sorts.
func sumOfSmallest(x []float64, m int) float64 {
	slices.Sort(x)
	return sum(x[:m])
}

// smallest sets index, which it returns, to the places of the m smallest keys
// in ascending order of the keys, ties to the lowest place.
func smallest(index []int, keys []float64, m int) []int {
	index = index[:0]
	for i := range keys {
		index = append(index, i)
	}
	slices.SortFunc(index, func(a, b int) int {
		switch {
		case keys[a] < keys[b]:
			return -1
		case keys[a] > keys[b]:
			return 1
		}
		return a - b
	})
	return index[:m]
}
