package agg

import (
	"fmt"
	"math"
)

// gramSolver finds the geometric median without leaving the space of weights.
// Every iterate is y = Σ wᵢ gᵢ, and with K = GGᵀ
//
//	‖y − gᵢ‖² = wᵀKw − 2(Kw)ᵢ + Kᵢᵢ.
//
// One pass over G builds K, the iterations cost O(n³) each whatever d is, and
// one pass forms y: O(n²d) in all. The iterations are Newton's, with
// Weiszfeld's as the safeguard where Newton's does not descend.
//
// K in float32 products is good enough as long as no distance is much smaller
// than the rows themselves. Where one is, because the rows have a large part in
// common, K is built again about the data point nearest to y, in float32; where
// that is not enough either (a median that is a data point, duplicates next to
// it), or where products overflow, in float64.
//
// Chosen: centring on a data point, which makes it exactly zero in K, so that
// whether it is the median is decided exactly [Vardi and Zhang 2000].
// Rejected: centring on y, which needs one more pass and leaves every distance
// inexact; centring on a fixed row, which is ruinous when that row is corrupt.
//
// Certificate.Residual is that of the weights, before dst is rounded to
// float32. Its own error, about the relative error of the distances, is below
// blurAtEnd.
type gramSolver struct {
	stop    string
	eps     float64 // of the current call
	maxIter int

	gram      gram
	n         int
	centre    int     // row that K is centred on, or −1
	precision float64 // error of K, relative to ‖gᵢ‖‖gⱼ‖
	at, next  iterate
	pull      []float64 // scratch of pullAt
	system    []float64 // scratch of newton: n×n
	rhs       []float64
}

const (
	blurOnTheWay = 1e-2 // relative error of squared distances that still descends
	blurAtEnd    = 4e-7 // the same, at the result
	recentrings  = 5    // at most
	nearOptimal  = 1.05 // a row with R ≤ 1.05 m is worth an exact look
	mostNewton   = 2048 // rows up to which Newton's system is solved, a second or two a time
)

func (s *gramSolver) solve(rows Space, w []float64, eps float64) (Certificate, error) {
	s.eps = eps
	s.resize(len(w))
	var err error
	if s.precision, err = s.gram.form(rows); err != nil {
		return Certificate{}, err
	}
	s.centre = -1
	var c Certificate
	for left := recentrings; ; left-- {
		row := s.median(&c, left > 0)
		if row < 0 {
			break
		}
		if s.centre < 0 && !s.exact() {
			s.precision, err = s.gram.about(rows, row)
		} else {
			s.precision, err = s.gram.exact(rows, row)
		}
		if err != nil {
			return Certificate{}, err
		}
		s.centre = row
	}
	copy(w, s.at.w)
	return c, rows.Combine(w)
}

func (s *gramSolver) fits(n, d int) error {
	if err := checkPairs(`rule "gm"`, n, d); err != nil {
		return fmt.Errorf("%w, or solver %s, which takes any number", err, solverWeiszfeld)
	}
	return nil
}

func (s *gramSolver) scratch(n, d int) float64 {
	if n > mostNewton {
		return s.gram.scratch(n, d)
	}
	return s.gram.scratch(n, d) + square(n)
}

// exact reports whether K is in float64.
func (s *gramSolver) exact() bool { return s.precision == exactError }

func (s *gramSolver) resize(n int) {
	s.n = n
	s.at.resize(n)
	s.next.resize(n)
	s.pull, s.rhs = grown(s.pull, n), grown(s.rhs, n)
	if n <= mostNewton {
		s.system = grown(s.system, n*n)
	}
}

// median finds the median as K knows it and returns −1, or, if it may recentre,
// a row about which K must be known better first.
//
// It looks at the medoid, the row with the least sum of distances, because only
// this row can be the median; if it is not, the step of Vardi and Zhang leads
// from it to a better point than any row, and every iterate is better still.
func (s *gramSolver) median(c *Certificate, mayRecentre bool) int {
	k := s.medoid()
	pull, equal, inverse := s.pullAt(k)
	known := s.exact() && s.centre >= 0 && s.gram.K[k*s.n+k] == 0
	if pull <= nearOptimal*float64(equal) && mayRecentre && !known {
		return k
	}
	residual := residualOf(pull, equal, s.n)
	optimal := residual == 0 || (s.stop == stopResidual && residual <= s.eps)
	stay := 1.0 // weight of row k and its equals
	if !optimal {
		stay = min(1, float64(equal)/pull)
	}
	for i, u := range s.pull {
		if u == 0 {
			s.at.w[i] = stay / float64(equal)
		} else {
			s.at.w[i] = (1 - stay) * u / inverse
		}
	}
	if optimal {
		c.Residual, c.Converged = residual, true
		return -1
	}
	s.evaluate(&s.at)
	return s.descend(c, mayRecentre)
}

// medoid returns the row k with the least Σ ‖gᵢ − g_k‖, the lowest of equals.
func (s *gramSolver) medoid() int {
	K, n := s.gram.K, s.n
	return medoidOf(n, func(k, i int) float64 { return max(0, K[i*n+i]-2*K[i*n+k]+K[k*n+k]) })
}

// descend iterates until it converges, runs out of iterations, or, if it may,
// asks for K about another row, which it then returns; −1 otherwise.
func (s *gramSolver) descend(c *Certificate, mayRecentre bool) int {
	for {
		near, blur := s.nearest()
		moving := mayRecentre && (near != s.centre || !s.exact())
		if blur > blurOnTheWay {
			if moving {
				return near
			}
			break // y is within rounding of a row that is not optimal
		}
		if s.stop == stopResidual && s.at.residual <= s.eps {
			if blur > blurAtEnd && moving {
				return near
			}
			s.weiszfeld() // weights in (0, 1), which Newton's need not be
			s.accept()
			if s.at.residual <= s.eps {
				c.Converged = true
				break
			}
		}
		if c.Iterations == s.maxIter {
			s.weiszfeld()
			s.accept()
			break
		}
		c.Iterations++
		if !s.newton() || !s.descends() {
			s.weiszfeld()
		}
		step := s.distance(s.next.w, s.at.w)
		s.accept()
		if s.stop == stopStep && step < s.eps {
			if near, blur = s.nearest(); blur > blurAtEnd && mayRecentre && (near != s.centre || !s.exact()) {
				return near
			}
			s.weiszfeld()
			s.accept()
			c.Converged = true
			break
		}
	}
	c.Residual = s.at.residual
	if !finite(c.Residual) {
		near, _ := s.nearest()
		pull, equal, _ := s.pullAt(near)
		c.Residual = residualOf(pull, equal, s.n)
		c.Converged = s.stop == stopResidual && c.Residual <= s.eps
	}
	c.Residual = min(1, c.Residual) // as in residualOf
	return -1
}

func (s *gramSolver) accept() { s.at, s.next = s.next, s.at }

// descends reports whether next is better than at: closer to the rows in sum,
// or equally close to rounding and closer to optimal.
func (s *gramSolver) descends() bool {
	if s.next.sum < s.at.sum {
		return true
	}
	return s.next.sum <= s.at.sum*(1+1e-14) && s.next.residual < s.at.residual
}

// nearest returns the row nearest to y and the largest relative error that the
// errors of K may cause in a squared distance,
//
//	precision · maxᵢ (Σ |wⱼ|‖gⱼ‖ + ‖gᵢ‖)² / ‖y − gᵢ‖².
func (s *gramSolver) nearest() (row int, blur float64) {
	var reach float64
	for j, w := range s.at.w {
		reach += math.Abs(w) * math.Sqrt(s.gram.K[j*s.n+j])
	}
	for i, d := range s.at.dist {
		if d < s.at.dist[row] {
			row = i
		}
		if d == 0 {
			blur = math.Inf(1)
			continue
		}
		ratio := (reach + math.Sqrt(s.gram.K[i*s.n+i])) / d
		blur = max(blur, s.precision*ratio*ratio)
	}
	return row, blur
}

// pullAt returns R = ‖Σ (gᵢ − g_k)/‖gᵢ − g_k‖‖ over the rows that differ from
// row k, the number of rows that equal it and Σ 1/‖gᵢ − g_k‖ over the others,
// terms of which it leaves in s.pull. Row k is the median when R is at most
// that number.
func (s *gramSolver) pullAt(k int) (pull float64, equal int, inverse float64) {
	K, n := s.gram.K, s.n
	for i := range n {
		square := K[i*n+i] - 2*K[i*n+k] + K[k*n+k]
		if square <= 4*s.precision*max(K[i*n+i], K[k*n+k]) {
			s.pull[i] = 0
			equal++
			continue
		}
		s.pull[i] = 1 / math.Sqrt(square)
		inverse += s.pull[i]
	}
	var square float64
	for i, u := range s.pull {
		if u != 0 {
			row := K[i*n : (i+1)*n]
			square += u * (dot(row, s.pull) - inverse*row[k])
		}
	}
	rowK := K[k*n : (k+1)*n]
	square += inverse * (inverse*rowK[k] - dot(rowK, s.pull))
	return math.Sqrt(max(0, square)), equal, inverse
}
