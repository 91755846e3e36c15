//go:build gpu && linux

package cuda

import "fmt"

// Len is the number of elements.
func (p Pinned[T]) Len() int { return p.n }

// Part is the part [lo, hi) of p, not to be freed. It panics where that is not inside.
func (p Pinned[T]) Part(lo, hi int) Pinned[T] {
	if lo < 0 || hi < lo || hi > p.n {
		panic(fmt.Sprintf("cuda: part [%d, %d) of pinned memory for %d elements", lo, hi, p.n))
	}
	if p.at == 0 {
		return p
	}
	return Pinned[T]{p.device, p.at + uintptr(lo*sizeOf[T]()), hi - lo}
}
