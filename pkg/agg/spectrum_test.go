package agg

import (
	"math"
	"math/rand/v2"
	"testing"

	"gonum.org/v1/gonum/mat"
)

// covariance is the weighted covariance of rows in float64, d×d, and its largest
// eigenvalue with its eigenvector: what [spectrum] finds without leaving the rows.
func covariance(rows [][]float64, c []float64) (largest float64, score []float64) {
	d, total := len(rows[0]), sum(c)
	mean := make([]float64, d)
	for i, row := range rows {
		for j, v := range row {
			mean[j] += c[i] / total * v
		}
	}
	C := mat.NewSymDense(d, nil)
	for i, row := range rows {
		away := make([]float64, d)
		for j, v := range row {
			away[j] = v - mean[j]
		}
		C.SymRankOne(C, c[i]/total, mat.NewVecDense(d, away))
	}
	var eigen mat.EigenSym
	if !eigen.Factorize(C, true) { //nolint:misspell // the name is gonum's
		panic("no eigenvalues")
	}
	var V mat.Dense
	eigen.VectorsTo(&V)
	score = make([]float64, len(rows))
	for i, row := range rows {
		along := 0.0
		for j, v := range row {
			along += (v - mean[j]) * V.At(j, d-1)
		}
		score[i] = along * along
	}
	return eigen.Values(nil)[d-1], score
}

// referenceFilter is "caf", or "spectral-filter" without a sigma, in float64.
func referenceFilter(name string, rows [][]float64, f int) []float64 {
	n := len(rows)
	c, best := make([]float64, n), make([]float64, n)
	fill(c, 1)
	least := math.Inf(1)
	for {
		largest, score := covariance(rows, c)
		if name == "caf" && largest < least {
			least = largest
			copy(best, c)
		}
		most := 0.0
		for i, v := range score {
			if c[i] > 0 {
				most = max(most, v)
			}
		}
		loss := 0.0
		for i, v := range score {
			loss += c[i] * min(1, v/most)
		}
		part := 1.0
		if removed := float64(n) - sum(c); name != "caf" {
			part = min(1, (2*float64(f)-removed)/loss)
		}
		for i, v := range score {
			c[i] *= 1 - part*min(1, v/most)
		}
		switch {
		case name == "caf" && sum(c) <= float64(n-2*f):
			return weightedMean(rows, best)
		case name != "caf" && float64(n)-sum(c) >= 2*float64(f)-1e-9:
			return weightedMean(rows, c)
		}
	}
}

func weightedMean(rows [][]float64, c []float64) []float64 {
	y := make([]float64, len(rows[0]))
	for i, row := range rows {
		for j, v := range row {
			y[j] += c[i] / sum(c) * v
		}
	}
	return y
}

// TestFiltersAreExact holds the rules that follow the direction of the largest spread
// against [referenceFilter]. An error is in units of the result's norm and of an
// honest row's distance from the others' mean, √d. Distances of float32's precision
// alone gave 2.6e-5 in these cases and up to 2.7e-3 in others.
func TestFiltersAreExact(t *testing.T) {
	rng := rand.New(rand.NewPCG(13, 0))
	const allowed = 10 * mostMoved
	for k := range 700 {
		n, d := 5+rng.IntN(28), 2+rng.IntN(60)
		common, bad := []float64{0, 1, 100, 1000}[rng.IntN(4)], []float64{1, 10, 1e3, 1e4}[rng.IntN(4)]
		G := rows(n, d, common, 1, rng.IntN(n/2), bad, uint64(k))
		for name, f := range map[string]int{"caf": 1 + rng.IntN((n-1)/2), "spectral-filter": 1 + rng.IntN((n-1)/4)} {
			got := make([]float32, d)
			if _, err := must(New(name, Options{F: f})).Aggregate(got, G, Step{}); err != nil {
				t.Fatal(err)
			}
			want := referenceFilter(name, rowsOf(G), f)
			off := distance(toFloat64(got), want) / (norm(want) + math.Sqrt(float64(d)))

			if off > allowed {
				t.Errorf("case %d, %s, %d×%d, f = %d: off by %.2g, want at most %g", k, name, n, d, f, off, allowed)
			}
		}
	}
}
