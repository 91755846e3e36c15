package kernel

import (
	"gonum.org/v1/gonum/blas"

	"github.com/bgmd/bgmd/internal/gemm"
	"github.com/bgmd/bgmd/internal/par"
)

const (
	// leastPacked is the least number of weights that it pays to pack: smaller
	// ones stay in the first-level cache as they are.
	leastPacked = 1 << 14
	// chunk is the number of samples that pass by the weights at a time. Their
	// results lie transposed meanwhile, in 256 kB where there are 1024 of each.
	chunk = 64
)

// Packed is a fully connected layer's products with weights that are packed once for all
// clients, in the order in which products read them. Results have the same bits as those
// of [Linear] and [GradLinearInput].
type Packed struct{ In, Out int }

// Pays tells whether it is faster than the functions on weights as they are.
func (p Packed) Pays() bool {
	return p.In%Group == 0 && p.Out%Group == 0 && p.In*p.Out >= leastPacked
}

// Len is the number of elements of the packed weights, for the gradient of the input,
// too, if that is wanted.
func (p Packed) Len(gradient bool) int {
	n := p.backward()
	if gradient {
		n += gemm.Default.PackedLen(p.Out, p.In)
	}
	return n
}

// backward is where the weights for the gradient of the input begin.
func (p Packed) backward() int { return gemm.Default.PackedLen(p.In, p.Out) }

// SpaceLen is the number of elements that the products of n samples take of a [Space].
func (p Packed) SpaceLen(n int) int { return min(n, chunk) * max(p.In, p.Out) }

// Pack copies the weights w, Out×In, to memory of length Len.
func (p Packed) Pack(packed, w []float32) {
	at := p.backward()
	forms := []func(){
		func() { gemm.Default.Pack(packed[:at], blas.Trans, p.In, p.Out, w, p.In) },
		func() { gemm.Default.Pack(packed[at:], blas.NoTrans, p.Out, p.In, w, p.In) },
	}
	if len(packed) == at {
		forms = forms[:1]
	}
	par.For(len(forms), 1, func(i, _, _ int) { forms[i]() })
}

// Forward computes out = W·x + b, see [Linear].
func (p Packed) Forward(space *Space, out, packed, b, x []float32, n int) {
	p.chunks(space, out, x, n, p.Out, func(rows int, c, a []float32) {
		for r := range rows {
			copy(c[r*p.Out:], b)
		}
		gemm.Default.MulPacked(rows, p.Out, p.In, a, 1, n, packed[:p.backward()], true, c, p.Out)
	})
}

// GradInput computes dx = Wᵀ·dout, see [GradLinearInput].
func (p Packed) GradInput(space *Space, dx, packed, dout []float32, n int) {
	p.chunks(space, dx, dout, n, p.In, func(rows int, c, a []float32) {
		gemm.Default.MulPacked(rows, p.In, p.Out, a, 1, n, packed[p.backward():], false, c, p.In)
	})
}

// chunks calls f for every chunk of the n samples of in, which gives their results as
// rows of c, size elements each. Those become columns of out.
func (p Packed) chunks(space *Space, out, in []float32, n, size int, f func(rows int, c, in []float32)) {
	c := space.Memory(p.SpaceLen(n))
	for i := 0; i < n; i += chunk {
		rows := min(chunk, n-i)
		f(rows, c, in[i:])
		transpose(out[i:], n, c, size, rows)
	}
}

// transpose makes columns of rows, of which each has cols elements, a multiple of
// Group.
func transpose(dst []float32, ldd int, src []float32, cols, rows int) {
	full := rows / Group * Group
	for j := 0; j < cols; j += Group {
		for r := 0; r < full; r += Group {
			gemm.Default.Transpose16(dst[j*ldd+r:], ldd, src[r*cols+j:], cols, Group)
		}
	}
	for r := full; r < rows; r++ {
		for j, v := range src[r*cols : (r+1)*cols] {
			dst[j*ldd+r] = v
		}
	}
}
