package gemm

import "golang.org/x/sys/cpu"

// all returns the kernels that this processor can run, the fastest first.
func all() []*Kernels {
	var list []*Kernels
	avx2 := cpu.X86.HasAVX2 && cpu.X86.HasFMA
	if avx2 && cpu.X86.HasAVX512F {
		list = append(list, &Kernels{
			name: "avx512", lane: 16,
			panel:     [maxVectors]panelFunc{panel1AVX512, panel2AVX512, panel3AVX512},
			pack:      [maxVectors]packFunc{pack1AVX512, pack2AVX512, pack3AVX512},
			transpose: transposeAVX512, peak: peakAVX512,
		})
	}
	if avx2 {
		list = append(list, &Kernels{
			name: "avx2", lane: 8,
			panel:     [maxVectors]panelFunc{panel1AVX2, panel2AVX2, panel3AVX2},
			pack:      [maxVectors]packFunc{pack1AVX2, pack2AVX2, pack3AVX2},
			transpose: transposeAVX2, peak: peakAVX2,
		})
	}
	return append(list, generic())
}
