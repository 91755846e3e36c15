package corrupt

import (
	"math"
	"math/rand/v2"
	"sync"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/mat"

	"github.com/bgmd/bgmd/internal/par"
	"github.com/bgmd/bgmd/pkg/agg"
)

// Mimic makes all corrupt rows copies of one honest row, the one farthest out
// along the direction in which the honest rows spread most:
//
//	g ← gₜ,  t = argmax |⟨v, gᵢ − μ⟩|,  v = argmax Σ ⟨v, gᵢ − μ⟩², ‖v‖ = 1
//
// over the honest rows i, whose mean is μ. No rule can tell a copy from an
// honest row; what it does is to give one client's data more weight, which
// harms where clients' data differ. Of rows equally far out (to nine digits)
// the first is copied; so is the first honest row where one is not finite.
// Where no row is honest, the row is sought among all.
//
// Source: Karimireddy, He and Jaggi, "Byzantine-Robust Learning on
// Heterogeneous Datasets via Bucketing", ICLR 2022. There the attackers learn v
// over many steps of a warm-up and then copy one and the same client to the
// end. This is one shot: v and t come from the step's rows alone, so that no
// state has to be kept and redrawn members have somebody to copy, but the
// copied client may change from step to step, and its bias adds up less. The
// authors' program takes the largest ⟨v, gᵢ⟩; the centred one here does not
// depend on what all rows have in common, nor on the sign of v.
//
// Cost: O(n²d) for the Gram matrix of the centred rows, in one pass over G.
type Mimic struct{}

func newMimic(GradientOptions) (Gradient, error) { return Mimic{}, nil }

// Apply implements [Gradient]. It draws nothing.
func (Mimic) Apply(G agg.Matrix, rows []int, _ *rand.Rand) {
	if len(rows) == 0 {
		return
	}
	target := outermost(G, honest(G.Rows, rows))
	source := G.Row(target)
	eachChunk(G, rows, func(_, k, lo int, g []float32) {
		if rows[k] != target {
			copy(g, source[lo:])
		}
	})
}

func (Mimic) String() string { return "mimic" }

// outermost returns which of the rows is farthest from their mean along their
// top direction v. With X the matrix of the centred rows and u the top
// eigenvector of XXᵀ, v = Xᵀu/‖Xᵀu‖ and Xv is a multiple of u: the place of
// u's largest entry is all that is wanted.
func outermost(G agg.Matrix, rows []int) int {
	spread := centredGram(G, rows)
	if trace := spread.Trace(); math.IsNaN(trace) || math.IsInf(trace, 0) {
		return rows[0]
	}
	var eigen mat.EigenSym
	if !eigen.Factorize(spread, true) { //nolint:misspell // gonum spells so
		return rows[0] // no convergence, which finite matrices have not shown
	}
	var vectors mat.Dense
	eigen.VectorsTo(&vectors)
	top := mat.Col(nil, len(rows)-1, &vectors)
	farthest := 0
	for i, u := range top {
		if math.Abs(u) > math.Abs(top[farthest])*(1+1e-9) {
			farthest = i
		}
	}
	return rows[farthest]
}

// gramParts bounds the number of parts of G's columns whose sums centredGram
// keeps apart.
const gramParts = 32

// centredGram returns XXᵀ, where X holds the given rows less their mean, in
// float64. Parts of the columns, which depend on d alone, are summed in
// parallel and then added in order.
func centredGram(G agg.Matrix, rows []int) *mat.SymDense {
	h := len(rows)
	grain := max(rowGrain, par.Chunks(par.Chunks(G.Cols, gramParts), blockCols)*blockCols)
	parts := make([][]float64, par.Chunks(G.Cols, grain))
	buffers := sync.Pool{New: func() any { return new(make([]float64, h*blockCols)) }}
	par.For(G.Cols, grain, func(part, lo, hi int) {
		sum := blas64.Symmetric{N: h, Stride: h, Data: make([]float64, h*h), Uplo: blas.Upper}
		buffer := buffers.Get().(*[]float64)
		defer buffers.Put(buffer)
		X := blas64.General{Rows: h, Stride: blockCols, Data: *buffer}
		var mean [blockCols]float64
		for ; lo < hi; lo += blockCols {
			X.Cols = min(blockCols, hi-lo)
			columnMeans(mean[:X.Cols], G, rows, lo)
			for r, i := range rows {
				x := X.Data[r*X.Stride:][:X.Cols]
				for j, v := range G.Row(i)[lo : lo+X.Cols] {
					x[j] = float64(v) - mean[j]
				}
			}
			blas64.Syrk(blas.NoTrans, 1, X, 1, sum)
		}
		parts[part] = sum.Data
	})
	total := make([]float64, h*h)
	for _, part := range parts {
		for i, v := range part {
			total[i] += v
		}
	}
	return mat.NewSymDense(h, total)
}
