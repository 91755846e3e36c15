package simd

import "golang.org/x/sys/cpu"

// accelerated says whether the assembly may be used.
var accelerated = cpu.X86.HasAVX2 && cpu.X86.HasFMA
