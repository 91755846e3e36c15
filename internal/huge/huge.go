// Package huge allocates large slices in memory of huge pages where the system
// has them to give.
//
// A pass over the rows of a matrix of 149 MB touches 36,000 pages of 4 kB, more
// than a processor's address translation remembers; in pages of 2 MB it is 71.
// Linux gives them to programs that ask ("madvise" in
// /sys/kernel/mm/transparent_hugepage/enabled, the usual setting); Go's runtime
// does not ask, NumPy does. Measured: reading G once takes a fifth less time.
package huge

import "unsafe"

// Make returns a slice of n zeros, like make, in huge pages if it can.
func Make[T any](n int) []T {
	s := make([]T, n)
	if n > 0 {
		advise(unsafe.Pointer(unsafe.SliceData(s)), n*int(unsafe.Sizeof(s[0])))
	}
	return s
}
