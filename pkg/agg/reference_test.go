package agg

import (
	"math"
	"math/rand/v2"
	"testing"
)

// referenceMedian is an independent geometric median: it starts from the row
// with the least sum of distances and iterates the map of Vardi and Zhang in
// R^d, float64, until the residual is 1e-12.
func referenceMedian(rows [][]float64) []float64 {
	n, d := len(rows), len(rows[0])
	y := make([]float64, d)
	best := math.Inf(1)
	for _, row := range rows {
		if sum := sumOfDistances(row, rows); sum < best {
			best = sum
			copy(y, row)
		}
	}
	pull := make([]float64, d)
	for range 1_000_000 {
		clear(pull)
		weight, equal := 0.0, 0.0
		for _, row := range rows {
			dist := distance(y, row)
			if dist == 0 {
				equal++
				continue
			}
			weight += 1 / dist
			for j, v := range row {
				pull[j] += (v - y[j]) / dist
			}
		}
		r := norm(pull)
		if r-equal <= 1e-12*float64(n) {
			return y
		}
		for j := range y {
			y[j] += max(0, 1-equal/r) * pull[j] / weight
		}
	}
	panic("reference median did not converge")
}

func rowsOf(G Matrix) [][]float64 {
	out := make([][]float64, G.Rows)
	for i := range out {
		out[i] = toFloat64(G.Row(i))
	}
	return out
}

func toFloat64(row []float32) []float64 {
	out := make([]float64, len(row))
	for j, v := range row {
		out[j] = float64(v)
	}
	return out
}

func norm(x []float64) float64 { return distance(x, make([]float64, len(x))) }

func distance(a, b []float64) float64 {
	var s float64
	for j, v := range b {
		s += (v - a[j]) * (v - a[j])
	}
	return math.Sqrt(s)
}

func sumOfDistances(y []float64, rows [][]float64) float64 {
	var s float64
	for _, row := range rows {
		s += distance(y, row)
	}
	return s
}

// rows returns n rows common + spread·N(0, 1) with entries of size bad in the
// first corrupt ones.
func rows(n, d int, common, spread float64, corrupt int, bad float64, seed uint64) Matrix {
	r := rand.New(rand.NewPCG(seed, 0))
	G := NewMatrix(n, d)
	base := make([]float64, d)
	for j := range base {
		base[j] = common * r.NormFloat64()
	}
	for i := range n {
		for j := range d {
			v := base[j] + spread*r.NormFloat64()
			if i < corrupt {
				v = bad * r.NormFloat64()
			}
			G.Row(i)[j] = float32(v)
		}
	}
	return G
}

// checkWeights checks that w are convex weights that give dst.
func checkWeights(t *testing.T, w []float64, dst []float32, G Matrix) {
	t.Helper()
	var sum float64
	y := make([]float64, G.Cols)
	for i, v := range w {
		if v < 0 {
			t.Errorf("weight %d is %g", i, v)
		}
		sum += v
		for j, x := range G.Row(i) {
			y[j] += v * float64(x)
		}
	}
	if math.Abs(sum-1) > 1e-12 {
		t.Errorf("weights sum to %.15f", sum)
	}
	if gap := distance(y, toFloat64(dst)); gap > 1e-6*norm(y) {
		t.Errorf("Σ wᵢ gᵢ is off dst by %g", gap)
	}
}
