package agg

import (
	"math"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/lapack"
	"gonum.org/v1/gonum/lapack/lapack64"
)

// spectrum finds the direction in which weighted rows spread most, without
// leaving the space of weights. With pᵢ = cᵢ/Σc and μ = Σ pᵢ gᵢ, the covariance
// Σ pᵢ (gᵢ−μ)(gᵢ−μ)ᵀ has the eigenvalues of the n×n matrix √pᵢ Bᵢⱼ √pⱼ, where
//
//	Bᵢⱼ = ⟨gᵢ−μ, gⱼ−μ⟩ = −½(Dᵢⱼ − Σₖ pₖDᵢₖ − Σₖ pₖDₖⱼ + Σₖₗ pₖpₗDₖₗ)
//
// follows from the squared distances D. Cost: O(n³).
type spectrum struct {
	score []float64 // ⟨gᵢ−μ, v⟩² for the top eigenvector v

	p, mean, B, A, values, work []float64
}

func (s *spectrum) scratch(n int) float64 { return 2*square(n) + 64*of64*float64(n) }

// top returns the covariance's largest eigenvalue for weights c, not all zero,
// and fills score.
func (s *spectrum) top(rows *distances, c []float64) float64 {
	n := rows.n
	s.centre(rows, c)
	s.A = grown(s.A, n*n)
	for i := range n {
		for j := range n {
			s.A[i*n+j] = math.Sqrt(s.p[i]*s.p[j]) * s.B[i*n+j]
		}
	}
	s.eigen(n, lapack.EVCompute)
	largest := max(0, s.values[n-1])
	s.score = grown(s.score, n)
	for i := range n {
		var along float64 // ⟨gᵢ−μ, v⟩ √λ
		for j := range n {
			along += s.B[i*n+j] * math.Sqrt(s.p[j]) * s.A[j*n+n-1]
		}
		s.score[i] = 0
		if largest > 0 {
			s.score[i] = along * along / largest
		}
	}
	return largest
}

// centre sets p and B.
func (s *spectrum) centre(rows *distances, c []float64) {
	n := rows.n
	s.p, s.mean, s.B = grown(s.p, n), grown(s.mean, n), grown(s.B, n*n)
	var total float64
	for _, v := range c {
		total += v
	}
	for i, v := range c {
		s.p[i] = v / total
	}
	total = 0
	for i := range n {
		s.mean[i] = dot(rows.to(i), s.p)
		total += s.p[i] * s.mean[i]
	}
	for i := range n {
		for j, square := range rows.to(i) {
			s.B[i*n+j] = (s.mean[i] + s.mean[j] - square - total) / 2
		}
	}
}

// eigen replaces the symmetric A by its eigenvectors, if asked for, and sets
// values in ascending order.
//
// It scales a tiny A to about one, by a power of two, which changes no digit:
// LAPACK's way to scale, in gonum's Dsterf, panics for some A of less than 1e-43.
func (s *spectrum) eigen(n int, job lapack.EVJob) {
	s.values = grown(s.values, n)
	var largest float64
	for _, v := range s.A {
		largest = max(largest, math.Abs(v))
	}
	exponent := 0
	if largest < 1e-30 {
		_, exponent = math.Frexp(largest)
		scale(s.A, -exponent)
	}
	if len(s.work) < 64*n {
		s.work = make([]float64, 64*n)
	}
	A := blas64.Symmetric{N: n, Stride: n, Data: s.A, Uplo: blas.Lower}
	lapack64.Syev(job, A, s.values, s.work, len(s.work))
	scale(s.values, exponent)
}

// scale multiplies x by 2^exponent.
func scale(x []float64, exponent int) {
	for i, v := range x {
		x[i] = math.Ldexp(v, exponent)
	}
}
