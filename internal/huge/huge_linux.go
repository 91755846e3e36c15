package huge

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

const pageSize = 2 << 20 // with base pages of 4 kB, on amd64 and arm64

// advise asks for huge pages in place of those that lie wholly in the memory.
// It is advice: a system that does not take it gives small pages.
func advise(p unsafe.Pointer, bytes int) {
	skip := int(-uintptr(p) & (pageSize - 1))
	whole := (bytes - skip) &^ (pageSize - 1)
	if whole > 0 {
		_ = unix.Madvise(unsafe.Slice((*byte)(unsafe.Add(p, skip)), whole), unix.MADV_HUGEPAGE)
	}
}
