package winograd

import "github.com/bgmd/bgmd/internal/gemm"

// kernels are an algorithm in one instruction set.
type kernels struct {
	*Algorithm
	gemm             *gemm.Kernels
	bt, at, a, b, gt matrix
}

// in returns the algorithm in the instruction set of those products.
func (a *Algorithm) in(g *gemm.Kernels) *kernels {
	k := &kernels{
		Algorithm: a, gemm: g,
		bt: matrix{rows: a.bt}, at: matrix{rows: a.at}, a: matrix{rows: transposed(a.at)},
		b: matrix{rows: transposed(a.bt)}, gt: matrix{rows: transposed(a.weights())},
	}
	k.accelerate(g.String())
	return k
}

func transposed(x [][]float64) [][]float64 {
	t := make([][]float64, len(x[0]))
	for j := range t {
		for i := range x {
			t[j] = append(t[j], x[i][j])
		}
	}
	return t
}

// weights is G, n×r.
func (a *Algorithm) weights() (g [][]float64) {
	for i := range a.g {
		g = append(g, a.g[i][:a.R])
	}
	return g
}
