package simd

import (
	"os"

	"golang.org/x/sys/cpu"
)

// accelerated says whether the assembly may be used.
var accelerated = cpu.X86.HasAVX2 && cpu.X86.HasFMA && os.Getenv(Variable) != "generic"

// accelerated512 says whether what there is for AVX-512 may be used, too.
var accelerated512 = accelerated && os.Getenv(Variable) != "avx2" && cpu.X86.HasAVX512F && cpu.X86.HasAVX512VL
