//go:build gpu && linux

package cuda

import (
	"errors"
	"fmt"
	"runtime"
	"unsafe"
)

// Memory is memory of the device for n elements of T, or a part of one. The zero value has
// none.
type Memory[T any] struct {
	device *Device
	at     uintptr
	n      int
}

// Alloc takes memory for n elements, which hold anything. With n = 0 it takes none. It
// fails with a [MemoryError] when the device's memory is full.
func Alloc[T any](d *Device, n int) (Memory[T], error) {
	if n < 0 {
		return Memory[T]{}, fmt.Errorf("cuda: allocate %d elements, want at least 0", n)
	}
	if n == 0 {
		return Memory[T]{device: d}, nil
	}
	at, size := new(uint64), n*sizeOf[T]()
	err := d.call("cuMemAlloc", d.driver.MemAlloc_v2, address(at), uintptr(size))
	if e := (*Error)(nil); errors.As(err, &e) && e.Code == codeOutOfMemory {
		full := &MemoryError{Asked: size}
		full.Free, full.Total, err = d.MemoryInfo()
		return Memory[T]{}, errors.Join(full, err)
	}
	return Memory[T]{d, uintptr(*at), n}, err
}

// sizeOf is the bytes of a T.
func sizeOf[T any]() int {
	var zero T
	return int(unsafe.Sizeof(zero))
}

// Free gives the memory back. It must be all that Alloc returned, not a part.
func (m Memory[T]) Free() error {
	if m.at == 0 {
		return nil
	}
	return m.device.call("cuMemFree", m.device.driver.MemFree_v2, m.at)
}

// Len is the number of elements.
func (m Memory[T]) Len() int { return m.n }

// Slice is the part [lo, hi) of m. It panics where that is not inside.
func (m Memory[T]) Slice(lo, hi int) Memory[T] {
	if lo < 0 || hi < lo || hi > m.n {
		panic(fmt.Sprintf("cuda: part [%d, %d) of memory for %d elements", lo, hi, m.n))
	}
	if m.at == 0 {
		return m
	}
	return Memory[T]{m.device, m.at + uintptr(lo*sizeOf[T]()), hi - lo}
}

// address is for launches.
func (m Memory[T]) address() uintptr { return m.at }

// Pinned is memory of the host that the device can copy from and to while the host goes on.
type Pinned[T any] struct {
	device *Device
	at     uintptr
	n      int
}

// AllocPinned takes pinned memory of the host for n elements, which hold anything.
func AllocPinned[T any](d *Device, n int) (Pinned[T], error) {
	if n < 0 {
		return Pinned[T]{}, fmt.Errorf("cuda: allocate %d pinned elements, want at least 0", n)
	}
	if n == 0 {
		return Pinned[T]{device: d}, nil
	}
	at := new(uintptr)
	if err := d.call("cuMemHostAlloc", d.driver.MemHostAlloc, address(at), uintptr(n*sizeOf[T]()), 0); err != nil {
		return Pinned[T]{}, fmt.Errorf("cuda: pin %d bytes of the host's memory: %w", n*sizeOf[T](), err)
	}
	return Pinned[T]{d, *at, n}, nil
}

// Slice is the memory as a slice.
func (p Pinned[T]) Slice() []T {
	if p.at == 0 {
		return nil
	}
	at := p.at
	return unsafe.Slice(*(**T)(unsafe.Pointer(&at)), p.n) // memory of C: it does not move
}

// Free gives the memory back.
func (p Pinned[T]) Free() error {
	if p.at == 0 {
		return nil
	}
	return p.device.call("cuMemFreeHost", p.device.driver.MemFreeHost, p.at)
}

// Upload copies from pinned memory, which must not change until the stream has come so far.
func Upload[T any](s *Stream, dst Memory[T], src Pinned[T]) error {
	if err := fits("upload", dst.n, src.n); err != nil || src.n == 0 {
		return err
	}
	d := s.device
	return d.call("cuMemcpyHtoDAsync", d.driver.MemcpyHtoDAsync_v2, dst.at, src.at, uintptr(src.n*sizeOf[T]()), s.handle)
}

// Download copies to pinned memory, which has it when the stream has come so far.
func Download[T any](s *Stream, dst Pinned[T], src Memory[T]) error {
	if err := fits("download", dst.n, src.n); err != nil || src.n == 0 {
		return err
	}
	d := s.device
	return d.call("cuMemcpyDtoHAsync", d.driver.MemcpyDtoHAsync_v2, dst.at, src.at, uintptr(src.n*sizeOf[T]()), s.handle)
}

// Write copies from a slice and waits.
func Write[T any](s *Stream, dst Memory[T], src []T) error {
	if err := fits("write", dst.n, len(src)); err != nil || len(src) == 0 {
		return err
	}
	d := s.device
	err := d.call("cuMemcpyHtoDAsync", d.driver.MemcpyHtoDAsync_v2, dst.at, address(&src[0]), uintptr(len(src)*sizeOf[T]()), s.handle)
	err = errors.Join(err, s.Wait())
	runtime.KeepAlive(src)
	return err
}

// Read copies to a slice and waits.
func Read[T any](s *Stream, dst []T, src Memory[T]) error {
	if err := fits("read", len(dst), src.n); err != nil || src.n == 0 {
		return err
	}
	d := s.device
	err := d.call("cuMemcpyDtoHAsync", d.driver.MemcpyDtoHAsync_v2, address(&dst[0]), src.at, uintptr(src.n*sizeOf[T]()), s.handle)
	err = errors.Join(err, s.Wait())
	runtime.KeepAlive(dst)
	return err
}

// Copy copies on the device.
func Copy[T any](s *Stream, dst, src Memory[T]) error {
	if err := fits("copy", dst.n, src.n); err != nil || src.n == 0 {
		return err
	}
	d := s.device
	return d.call("cuMemcpyDtoDAsync", d.driver.MemcpyDtoDAsync_v2, dst.at, src.at, uintptr(src.n*sizeOf[T]()), s.handle)
}

// Clear sets all bytes of m to 0.
func Clear[T any](s *Stream, m Memory[T]) error {
	if m.n == 0 {
		return nil
	}
	d := s.device
	return d.call("cuMemsetD8Async", d.driver.MemsetD8Async, m.at, 0, uintptr(m.n*sizeOf[T]()), s.handle)
}

func fits(what string, dst, src int) error {
	if dst != src {
		return fmt.Errorf("cuda: %s %d elements, want the %d of the destination", what, src, dst)
	}
	return nil
}
