package gemm

import "golang.org/x/sys/cpu"

// all returns the kernels that this processor can run, the fastest first.
func all() []*Kernels {
	var list []*Kernels
	avx2 := cpu.X86.HasAVX2 && cpu.X86.HasFMA
	if avx2 && cpu.X86.HasAVX512F && cpu.X86.HasAVX512VL {
		list = append(list, &Kernels{
			name: "avx512", lane: 16,
			panel:     [maxVectors]panelFunc{panel1AVX512, panel2AVX512, panel3AVX512},
			pack:      [maxVectors]packFunc{pack1AVX512, pack2AVX512, pack3AVX512},
			packAt:    [maxVectors]packAtFunc{packAt1AVX512, packAt2AVX512, packAt3AVX512},
			stream:    [maxVectors]streamFunc{stream1AVX512, stream2AVX512, stream3AVX512},
			dots:      [MaxDots]dotsFunc{dots1AVX512, dots2AVX512, dots3AVX512, dots4AVX512, dots5AVX512},
			transpose: transposeAVX512, peak: peakAVX512, streamLines: streamLinesAVX512, fence: fence,
		})
	}
	if avx2 {
		list = append(list, &Kernels{
			name: "avx2", lane: 8,
			panel:     [maxVectors]panelFunc{panel1AVX2, panel2AVX2, panel3AVX2},
			pack:      [maxVectors]packFunc{pack1AVX2, pack2AVX2, pack3AVX2},
			packAt:    [maxVectors]packAtFunc{packAt1AVX2, packAt2AVX2, packAt3AVX2},
			stream:    [maxVectors]streamFunc{stream1AVX2, stream2AVX2, stream3AVX2},
			dots:      [MaxDots]dotsFunc{dots1AVX2, dots2AVX2, dots3AVX2, dots4AVX2, dots5AVX2},
			transpose: transposeAVX2, peak: peakAVX2, streamLines: streamLinesAVX2, fence: fence,
		})
	}
	return append(list, generic())
}
