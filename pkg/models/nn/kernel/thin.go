package kernel

import "github.com/bgmd/bgmd/internal/gemm"

// Thin convolutions have less than maxThin channels; kernels are at most maxKernel
// high and wide, or cost an allocation.
const maxThin, maxKernel = 16, 16

// ArrangedLen is the number of elements that [Conv.Arrange] needs.
func (c Conv) ArrangedLen() int {
	if !c.Thin() || c.Pad == 0 && c.stride() == 1 {
		return 0
	}
	return c.Ci * c.H * c.stride() * c.phase()
}

// Arrange returns the input as Forward and GradWeight take it. That is in itself
// but where a thin convolution has padding or a stride: then every row is copied
// to memory with the padding on both sides as zeros, and split by the stride,
// columns 0, s, 2s, … first, then 1, s+1, ….
func (c Conv) Arrange(memory, in []float32) []float32 {
	if len(memory) == 0 {
		return in
	}
	to := memory
	for row := range c.Ci * c.H {
		from := in[row*c.W*c.N:][:c.W*c.N]
		for first := range c.stride() {
			for i := range c.phase() / c.N {
				if x := i*c.stride() + first - c.Pad; x >= 0 && x < c.W {
					copy(to[:c.N], from[x*c.N:])
				} else {
					clear(to[:c.N])
				}
				to = to[c.N:]
			}
		}
	}
	return memory
}

// phase is the length of every stride-th column of a row with its padding.
func (c Conv) phase() int { return (c.W + 2*c.Pad + c.stride() - 1) / c.stride() * c.N }

// tapAt is where in the arranged input begins what a tap meets for row y of the
// output.
func (c Conv) tapAt(y, ci, ky, kx int) int {
	row := ci*c.H + y*c.stride() - c.Pad + ky
	return (row*c.stride()+kx%c.stride())*c.phase() + kx/c.stride()*c.N
}

// forwardThin is Forward of a thin convolution, a product a channel whose rows are
// what the taps meet.
func (c Conv) forwardThin(out, w, in []float32, y int) {
	lo, hi := c.inside(y, c.H)
	var space [maxKernel * maxKernel]int
	for ci := range c.Ci {
		rows := space[:0]
		for ky := lo; ky < hi; ky++ {
			for kx := range c.K {
				rows = append(rows, c.tapAt(y, ci, ky, kx))
			}
		}
		gemm.Default.MulRows(c.Co, c.line(), w[(ci*c.K+lo)*c.K:], c.taps(), in, rows, ci > 0, out, c.line())
	}
}

// gradThin is GradWeight of a thin convolution, inner products along what the taps
// meet. Those a stride apart in one row of the kernel meet neighbours, and go
// together.
func (c Conv) gradThin(dw, dout, in []float32, y int) {
	if y == 0 {
		clear(dw)
	}
	lo, hi := c.inside(y, c.H)
	var space [maxThin * maxKernel]gemm.Group
	for first := range c.stride() {
		for kx := first; kx < c.K; kx += gemm.MaxDots * c.stride() {
			taps := min(gemm.MaxDots, (c.K-kx+c.stride()-1)/c.stride())
			groups := space[:0]
			for ci := range c.Ci {
				for ky := lo; ky < hi; ky++ {
					groups = append(groups, gemm.Group{B: c.tapAt(y, ci, ky, kx), C: (ci*c.K+ky)*c.K + kx})
				}
			}
			gemm.Default.AddDots(groups, taps, c.Co, c.line(), dout, c.line(), in, c.N, dw, c.taps(), c.stride())
		}
	}
}
