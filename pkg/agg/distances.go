package agg

import (
	"math"
)

// distances knows the squared distances between the rows of a matrix.
//
// It takes them from the Gram matrix, one pass over G. Where float32 products
// leave a distance without digits (a common part much larger than the spread,
// duplicates), it forms the matrix again about the row nearest to the others,
// and, if that is not enough, in float64.
type distances struct {
	gram   gram
	n      int
	square []float64 // n×n
}

// blurred is the relative error of a squared distance that asks for more digits.
const blurred = 1e-5

// measure returns errSumNotFinite when a row is not finite.
func (s *distances) measure(G Matrix) error {
	s.n = G.Rows
	s.square = grown(s.square, s.n*s.n)
	precision, err := s.gram.form(G)
	if err != nil {
		return err
	}
	if s.fill(precision) || precision == exactError {
		return nil
	}
	medoid := s.medoid()
	if s.fill(s.gram.about(G, medoid)) {
		return nil
	}
	s.gram.exact(G, medoid)
	s.fill(exactError)
	return nil
}

// fill computes the squared distances from K and reports whether all that are
// not zero have digits enough. Equal rows are equal in an exact K.
func (s *distances) fill(precision float64) bool {
	K, n, ok := s.gram.K, s.n, true
	for i := range n {
		s.square[i*n+i] = 0
		for j := range i {
			square := max(0, K[i*n+i]-2*K[i*n+j]+K[j*n+j])
			s.square[i*n+j], s.square[j*n+i] = square, square
			sure := square == 0 && precision == exactError
			ok = ok && (sure || precision*(K[i*n+i]+K[j*n+j]) <= blurred*square)
		}
	}
	return ok
}

// to returns the squared distances from row i.
func (s *distances) to(i int) []float64 { return s.square[i*s.n : (i+1)*s.n] }

// medoid returns the row with the least sum of distances, the lowest of equals.
func (s *distances) medoid() int {
	return medoidOf(s.n, func(k, i int) float64 { return s.square[k*s.n+i] })
}

// medoidOf returns the row k of n with the least Σ √square(k, i), the lowest of
// equals.
func medoidOf(n int, square func(k, i int) float64) int {
	best, least := 0, math.Inf(1)
	for k := range n {
		var sum float64
		for i := range n {
			sum += math.Sqrt(square(k, i))
		}
		if sum < least {
			best, least = k, sum
		}
	}
	return best
}
