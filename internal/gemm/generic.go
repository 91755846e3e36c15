package gemm

// genericLane gives the generic loops panels as wide as AVX2's.
const genericLane = 8

func generic() *Kernels {
	s := &Kernels{name: "generic", lane: genericLane, transpose: transposeGo, peak: peakGo, streamLines: streamLinesGo, fence: func() {}}
	for v := range maxVectors {
		width := (v + 1) * genericLane
		s.panel[v] = func(c []float32, strideC int, a []float32, rowStride, colStride int, b []float32, strideB int, m, k int, alpha float32, add bool, _ int) {
			panelGo(width, c, strideC, a, rowStride, colStride, b, strideB, m, k, alpha, add)
		}
		s.stream[v] = func(c []float32, strideC int, a []float32, rowStride int, b []float32, m, k, panels int) {
			streamGo(width, c, strideC, a, rowStride, b, m, k, panels)
		}
		s.pack[v] = func(dst, src []float32, stride, k int) { packGo(width, dst, src, stride, k) }
		s.packAt[v] = func(dst, src []float32, rows []int) { packAtGo(width, dst, src, rows) }
	}
	return s
}

// panelGo computes C ← α·A·B, or C + α·A·B, for an m×k matrix A, whose element
// (i, l) is a[i·rowStride + l·colStride], and a k×width matrix B.
func panelGo(width int, c []float32, strideC int, a []float32, rowStride, colStride int, b []float32, strideB int, m, k int, alpha float32, add bool) {
	for i := range m {
		row := c[i*strideC:][:width]
		for j := 0; j < width; j += 4 {
			to := (*[4]float32)(row[j:])
			sum := dots4(a[i*rowStride:], colStride, b[j:], strideB, k)
			for v, s := range sum {
				if add {
					to[v] += alpha * s
				} else {
					to[v] = alpha * s
				}
			}
		}
	}
}

// streamGo computes C ← A·B for an m×k matrix A and so many panels of B, k×width each,
// one behind another.
func streamGo(width int, c []float32, strideC int, a []float32, rowStride int, b []float32, m, k, panels int) {
	for p := range panels {
		panelGo(width, c[p*width:], strideC, a, rowStride, 1, b[p*k*width:], width, m, k, 1, false)
	}
}

// streamLinesGo copies lines of src, one behind another, to rows of dst, stride apart.
func streamLinesGo(dst []float32, stride int, src []float32, rows int) {
	for r := range rows {
		copy(dst[r*stride:][:line], src[r*line:])
	}
}

// dots4 returns the products of k elements of a with four columns of b.
func dots4(a []float32, strideA int, b []float32, strideB, k int) [4]float32 {
	var s0, s1, s2, s3 float32
	for l := range k {
		x, y := a[l*strideA], (*[4]float32)(b[l*strideB:])
		s0 += x * y[0]
		s1 += x * y[1]
		s2 += x * y[2]
		s3 += x * y[3]
	}
	return [4]float32{s0, s1, s2, s3}
}

// packGo copies width elements of each of k rows, stride apart, to dst.
func packGo(width int, dst, src []float32, stride, k int) {
	for r := range k {
		copy(dst[r*width:][:width], src[r*stride:])
	}
}

// packAtGo copies width elements from each of src[rows[l]:] to dst.
func packAtGo(width int, dst, src []float32, rows []int) {
	for l, from := range rows {
		copy(dst[l*width:][:width], src[from:])
	}
}

// transposeGo copies rows of genericLane·squares elements to columns of dst.
func transposeGo(dst []float32, dstStride int, src []float32, stride, rows, squares int) {
	for r := range rows {
		for i, v := range src[r*stride:][:genericLane*squares] {
			dst[i*dstStride+r] = v
		}
	}
}

// peakGo runs four independent chains of n multiplications and additions.
func peakGo(n int) (flops int) {
	var s [4]float32
	for range n {
		s[0] += s[0] * 0.5
		s[1] += s[1] * 0.5
		s[2] += s[2] * 0.5
		s[3] += s[3] * 0.5
	}
	if s[0]+s[1]+s[2]+s[3] != 0 {
		panic("gemm: sums of zeros are not zero")
	}
	return 8 * n
}
