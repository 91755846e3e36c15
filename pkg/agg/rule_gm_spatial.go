package agg

import (
	"math"

	"github.com/bgmd/bgmd/internal/par"
)

// spatialSolver is the textbook way, kept to compare with: fixed-point
// iterations in R^d from the mean,
//
//	y ← T(y) = Σ (gᵢ/Dᵢ) / Σ (1/Dᵢ),  Dᵢ = ‖gᵢ − y‖,
//
// [Weiszfeld 1937]. They converge linearly, and an iteration is one pass over
// G, O(nd), in float64.
//
// T is not defined where y equals m ≥ 1 rows. Weiszfeld's method stops there,
// at the minimiser or not [Kuhn 1973]; with leave, [Vardi and Zhang 2000] sum
// over the other rows, whose pull is R = ‖Σ (gᵢ − y)/Dᵢ‖, and go on to
//
//	y ← (1 − η) T(y) + η y,  η = min(1, m/R).
//
// With stop "step" the solver is that of [bgmd]'s authors in what it returns and
// when: the y from which the next step would be shorter than eps, and not what that
// step leads to; of at most maxIter iterates, of which the mean is the first and the
// last is no longer looked at, so that maxIter − 1 steps are tried.
//
// A median that is a row is approached but not reached from elsewhere: the
// residual then stays large and the solver reports that it did not converge.
type spatialSolver struct {
	leave   bool
	stop    string
	eps     float64 // of the current call
	maxIter int

	y, next      []float64 // d
	dist, distTo []float64 // n, to y and to next
	weights      []float64 // n, of T(y)
	partial      []float64 // chunks × (n+2): sums of squares a chunk
	moved        float64   // ‖next − y‖
	norm, normTo float64   // ‖y‖ and ‖next‖
}

func (s *spatialSolver) solve(rows Space, w []float64, eps float64) (Certificate, error) {
	dst, G, err := rows.Host()
	if err != nil {
		return Certificate{}, err
	}
	s.eps = eps
	s.resize(G.Rows, G.Cols)
	fill(w, 1/float64(G.Rows))
	clear(s.y)
	s.step(G, w, 1)
	s.accept()
	for _, d := range s.dist {
		if !finite(d) {
			return Certificate{}, ErrNotFinite
		}
	}
	limit := s.maxIter
	if s.stop == stopStep {
		limit--
	}
	var c Certificate
	for ; ; c.Iterations++ {
		equal, inverse := s.weigh(G)
		pull, share := 0.0, 1.0 // share of T(y) in the next y
		if equal < G.Rows {
			s.step(G, s.weights, 1)
			pull = inverse * s.moved
		}
		stuck := equal > 0 && !s.leave
		switch {
		case stuck:
			share = 0
		case equal > 0:
			share = 1 - min(1, float64(equal)/pull)
		}
		c.Residual = residualOf(pull, equal, G.Rows)
		if s.stop == stopStep {
			c.Converged = c.Iterations < limit && (equal == G.Rows || share*s.moved < s.eps)
		} else {
			c.Converged = equal == G.Rows || c.Residual <= s.eps
		}
		if c.Converged || stuck || c.Iterations >= limit {
			break
		}
		if share != 1 {
			s.step(G, s.weights, share)
		}
		for i := range w {
			w[i] = (1-share)*w[i] + share*s.weights[i]
		}
		s.accept()
	}
	for j, v := range s.y {
		dst[j] = float32(v)
	}
	return c, rows.Put(dst)
}

func (s *spatialSolver) fits(int, int) error { return nil }

func (s *spatialSolver) scratch(n, d int) float64 {
	return 2*of64*float64(d) + of64*float64(par.Chunks(d, columnGrain))*float64(n+2)
}

func (s *spatialSolver) resize(n, d int) {
	s.y, s.next = grown(s.y, d), grown(s.next, d)
	s.dist, s.distTo, s.weights = grown(s.dist, n), grown(s.distTo, n), grown(s.weights, n)
	s.partial = grown(s.partial, par.Chunks(d, columnGrain)*(n+2))
}

// weigh sets weights to those of T(y), zero for rows that equal y, and returns the
// number of those rows and Σ 1/Dᵢ over the others. A row that y rounds to is equal
// to it, if it is no farther away than the rounding of a sum of n rows.
func (s *spatialSolver) weigh(G Matrix) (equal int, inverse float64) {
	rounding := 0x1p-52 * float64(len(s.dist)) * s.norm
	for i, d := range s.dist {
		s.weights[i] = 0
		if d == 0 || d <= rounding && s.roundsTo(G.Row(i)) {
			equal++
			continue
		}
		s.weights[i] = 1 / d
		inverse += 1 / d
	}
	for i := range s.weights {
		s.weights[i] /= inverse
	}
	return equal, inverse
}

// roundsTo reports whether y, rounded to float32, is the row.
func (s *spatialSolver) roundsTo(row []float32) bool {
	for j, v := range row {
		if float32(s.y[j]) != v {
			return false
		}
	}
	return true
}

// step sets next = y + share·(Σ wᵢ gᵢ − y), distTo to the distances of the rows
// from it, moved and normTo, in one pass over G.
func (s *spatialSolver) step(G Matrix, w []float64, share float64) {
	n := G.Rows
	par.For(G.Cols, columnGrain, func(chunk, lo, hi int) {
		sums := s.partial[chunk*(n+2):][:n+2]
		clear(sums)
		for ; lo < hi; lo += columnBlock {
			next := s.next[lo:min(lo+columnBlock, hi)]
			y := s.y[lo:][:len(next)]
			sumRows(next, G, w, lo)
			for j, v := range next {
				if share != 1 {
					next[j] = y[j] + share*(v-y[j])
				}
				sums[n] += (next[j] - y[j]) * (next[j] - y[j])
				sums[n+1] += next[j] * next[j]
			}
			for i := range n {
				sums[i] += squaredDistance(G.Data[i*G.Cols+lo:][:len(next)], next)
			}
		}
	})
	clear(s.distTo)
	s.moved, s.normTo = 0, 0
	for c := range par.Chunks(G.Cols, columnGrain) {
		sums := s.partial[c*(n+2):][:n+2]
		for i := range n {
			s.distTo[i] += sums[i]
		}
		s.moved += sums[n]
		s.normTo += sums[n+1]
	}
	for i, v := range s.distTo {
		s.distTo[i] = math.Sqrt(v)
	}
	s.moved, s.normTo = math.Sqrt(s.moved), math.Sqrt(s.normTo)
}

// accept makes next the current iterate.
func (s *spatialSolver) accept() {
	s.y, s.next = s.next, s.y
	s.dist, s.distTo = s.distTo, s.dist
	s.norm = s.normTo
}

func squaredDistance(row []float32, y []float64) float64 {
	y = y[:len(row)]
	var even, odd float64
	j := 0
	for ; j+1 < len(row); j += 2 {
		a, b := float64(row[j])-y[j], float64(row[j+1])-y[j+1]
		even += a * a
		odd += b * b
	}
	if j < len(row) {
		a := float64(row[j]) - y[j]
		even += a * a
	}
	return even + odd
}
