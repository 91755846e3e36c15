package agg

import "math"

// iterate is a point y = Σ wᵢ gᵢ with what the Gram matrix K says about it.
type iterate struct {
	w        []float64 // sum to one
	kw       []float64 // Kw
	square   float64   // wᵀKw
	dist     []float64 // Dᵢ = ‖y − gᵢ‖
	inverse  float64   // Σ 1/Dᵢ
	sum      float64   // Σ Dᵢ, the objective
	residual float64   // ‖Σ (gᵢ − y)/Dᵢ‖/n, +Inf where some Dᵢ is zero
}

func (it *iterate) resize(n int) {
	it.w, it.kw, it.dist = grown(it.w, n), grown(it.kw, n), grown(it.dist, n)
}

// evaluate fills in everything but it.w, in O(n²).
func (s *gramSolver) evaluate(it *iterate) {
	K, n := s.gram.K, s.n
	it.square = 0
	for i := range n {
		it.kw[i] = dot(K[i*n:(i+1)*n], it.w)
		it.square += it.w[i] * it.kw[i]
	}
	it.inverse, it.sum = 0, 0
	for i := range n {
		it.dist[i] = math.Sqrt(max(0, it.square-2*it.kw[i]+K[i*n+i]))
		it.inverse += 1 / it.dist[i]
		it.sum += it.dist[i]
	}
	it.residual = math.Inf(1)
	if finite(it.inverse) {
		for i := range n {
			s.rhs[i] = 1 / it.dist[i] / it.inverse
		}
		it.residual = it.inverse * s.distance(it.w, s.rhs) / float64(n)
	}
}

// distance returns ‖Σ (aᵢ − bᵢ) gᵢ‖ for weights a and b, in O(n²).
func (s *gramSolver) distance(a, b []float64) float64 {
	n := s.n
	v := s.pull
	for i := range v {
		v[i] = a[i] - b[i]
	}
	var square float64
	for i := range v {
		square += v[i] * dot(s.gram.K[i*n:(i+1)*n], v)
	}
	return math.Sqrt(max(0, square))
}

// weiszfeld sets next to Σ (gᵢ/Dᵢ) / Σ (1/Dᵢ), which descends from every point
// but the median and data points.
func (s *gramSolver) weiszfeld() {
	for i, d := range s.at.dist {
		s.next.w[i] = 1 / d / s.at.inverse
	}
	s.evaluate(&s.next)
}

// newton sets next to Newton's step for f(y) = Σ Dᵢ from at and reports whether
// the Hessian allowed it. With unit vectors zᵢ = (y − gᵢ)/Dᵢ as the columns of
// Z and S = Σ 1/Dᵢ,
//
//	∇f = Z1,  ∇²f = S·I − Z diag(1/D) Zᵀ,
//
// so that the step p = −(∇²f)⁻¹∇f lies in the span of Z, and by Woodbury's
// identity
//
//	p = Z(q − 1)/S,  (S diag(D) − ZᵀZ) q = −ZᵀZ 1:
//
// an n×n system, positive definite unless the rows lie on one line. With q = 0
// the step is Weiszfeld's. Cost: O(n³), which for more than mostNewton rows is more
// than any number of Weiszfeld's steps takes.
func (s *gramSolver) newton() bool {
	if s.n > mostNewton {
		return false
	}
	it, K, n, A := &s.at, s.gram.K, s.n, s.system
	for i := range n {
		s.rhs[i] = 0
		for j := range n {
			z := (it.square - it.kw[i] - it.kw[j] + K[i*n+j]) / (it.dist[i] * it.dist[j])
			s.rhs[i] -= z
			A[i*n+j] = -z
		}
		A[i*n+i] += it.inverse * it.dist[i]
	}
	if !solvePositive(A, s.rhs) {
		return false
	}
	var total float64
	for i, q := range s.rhs {
		s.next.w[i] = (1 - q) / (it.inverse * it.dist[i])
		total += s.next.w[i]
	}
	for i := range n {
		s.next.w[i] += it.w[i] * (1 - total)
	}
	s.evaluate(&s.next)
	return !math.IsNaN(s.next.sum)
}

// solvePositive replaces b by the solution x of Ax = b for a symmetric positive
// definite A, of which it reads and overwrites the lower triangle with
// Cholesky's factor. It reports false where A is singular to rounding.
func solvePositive(A, b []float64) bool {
	n := len(b)
	for i := range n {
		ri := A[i*n : i*n+i+1]
		for j := range i {
			rj := A[j*n : j*n+j+1]
			ri[j] = (ri[j] - dot(ri[:j], rj[:j])) / rj[j]
		}
		pivot := ri[i] - dot(ri[:i], ri[:i])
		if !(pivot > 1e-13*ri[i]) {
			return false
		}
		ri[i] = math.Sqrt(pivot)
		b[i] = (b[i] - dot(ri[:i], b[:i])) / ri[i]
	}
	for i := n - 1; i >= 0; i-- {
		b[i] /= A[i*n+i]
		for j := range i {
			b[j] -= A[i*n+j] * b[i]
		}
	}
	return true
}
