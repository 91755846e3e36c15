package winograd

// accelerate sets the transforms that there are for an instruction set of package
// gemm's.
func (k *kernels) accelerate(name string) {
	switch {
	case name == "avx512" && k.R == 5:
		k.bt.do, k.at.do, k.a.do, k.b.do, k.gt.do = bt5AVX512, at5AVX512, a5AVX512, b5AVX512, gt5AVX512
	case name == "avx512" && k.R == 3:
		k.bt.do, k.at.do, k.a.do, k.b.do, k.gt.do = bt3AVX512, at3AVX512, a3AVX512, b3AVX512, gt3AVX512
	case name == "avx2" && k.R == 5:
		k.bt.do, k.at.do, k.a.do, k.b.do, k.gt.do = bt5AVX2, at5AVX2, a5AVX2, b5AVX2, gt5AVX2
	case name == "avx2" && k.R == 3:
		k.bt.do, k.at.do, k.a.do, k.b.do, k.gt.do = bt3AVX2, at3AVX2, a3AVX2, b3AVX2, gt3AVX2
	}
}
