package agg

import (
	"math"
	"math/rand/v2"
	"slices"
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

	precision float64 // error of gram.K relative to ‖gᵢ‖‖gⱼ‖
}

// blurred is the relative error of a squared distance that asks for more digits.
const blurred = 1e-5

func (s *distances) scratch(n, d int) float64 { return s.gram.scratch(n, d) + square(n) }

// measure returns ErrNotFinite when a row is not finite.
func (s *distances) measure(rows Space) error {
	s.n, _ = rows.Size()
	s.square = grown(s.square, s.n*s.n)
	precision, err := s.gram.form(rows)
	if err != nil {
		return err
	}
	if s.fill(precision) || precision == exactError {
		return nil
	}
	medoid := s.medoid()
	if precision, err = s.gram.about(rows, medoid); err != nil {
		return err
	}
	if s.fill(precision) {
		return nil
	}
	return s.sharpen(rows, medoid)
}

// sharpen measures in float64, about the given row.
func (s *distances) sharpen(rows Space, about int) error {
	precision, err := s.gram.exact(rows, about)
	s.fill(precision)
	return err
}

// moved returns the distances that follow from a K with errors as large as its may be,
// up or down at random.
func (s *distances) moved() *distances {
	m := &distances{n: s.n, square: make([]float64, s.n*s.n)}
	K, n := slices.Clone(s.gram.K), s.n
	signs := rand.New(rand.NewPCG(1, uint64(n)))
	for i := range n {
		for j := range i + 1 {
			off := s.precision * math.Sqrt(s.gram.K[i*n+i]*s.gram.K[j*n+j])
			if signs.Uint64()&1 == 0 {
				off = -off
			}
			K[i*n+j] += off
		}
	}
	m.gram.K = K
	m.fill(s.precision)
	return m
}

// fill computes the squared distances from K and reports whether all that are
// not zero have digits enough. Equal rows are equal in an exact K.
func (s *distances) fill(precision float64) bool {
	s.precision = precision
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

// form returns xᵀDx for the squared distances D.
func (s *distances) form(x []float64) (total float64) {
	for i, v := range x {
		total += v * dot(s.to(i), x)
	}
	return total
}

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
