package agg

import (
	"slices"
	"sort"
)

// oracle is [bgmd, Alg. 1] written out naively in float64, with any memory and
// inner rule.
type oracle struct {
	inner, memory string
	m             [][]float64 // what each row finds
}

func (o *oracle) step(G Matrix, gamma float64, k int) (dst []float64, residual float64) {
	n, d := G.Rows, G.Cols
	P := rowsOf(G)
	for i := range P {
		for j := range P[i] {
			P[i][j] = gamma*P[i][j] + o.m[i][j]
		}
	}
	scores, order := make([]float64, d), make([]int, d)
	total, outside := 0.0, 0.0
	for j := range d {
		order[j] = j
		for i := range n {
			scores[j] += P[i][j] * P[i][j]
		}
		total += scores[j]
	}
	sort.SliceStable(order, func(a, b int) bool { return scores[order[a]] > scores[order[b]] })
	block := make([][]float64, n)
	for i := range P {
		for _, j := range order[:k] {
			block[i] = append(block[i], P[i][j])
			P[i][j] = 0 // P is the residual from here on
		}
	}
	for _, j := range order[k:] {
		outside += scores[j]
	}
	y, w := o.aggregate(block)
	dst = make([]float64, d)
	for p, j := range order[:k] {
		dst[j] = y[p] / gamma
	}
	o.remember(P, w)
	return dst, outside / total
}

func (o *oracle) aggregate(rows [][]float64) (y, w []float64) {
	n := len(rows)
	y, w = make([]float64, len(rows[0])), make([]float64, n)
	switch o.inner {
	case "gm":
		y = referenceMedian(rows)
		sum := 0.0
		for i := range w {
			w[i] = 1 / distance(y, rows[i])
			sum += w[i]
		}
		for i := range w {
			w[i] /= sum
		}
	case "cm":
		for j := range y {
			column := make([]float64, n)
			for i := range rows {
				column[i] = rows[i][j]
			}
			slices.Sort(column)
			y[j] = (column[(n-1)/2] + column[n/2]) / 2
		}
	case "mean":
		for i := range rows {
			w[i] = 1 / float64(n)
			for j, v := range rows[i] {
				y[j] += v / float64(n)
			}
		}
	}
	return y, w
}

func (o *oracle) remember(residuals [][]float64, w []float64) {
	n := len(residuals)
	for j := range residuals[0] {
		mean, weighted := 0.0, 0.0
		for i := range n {
			mean += residuals[i][j] / float64(n)
			weighted += w[i] * residuals[i][j]
		}
		for i := range n {
			switch o.memory {
			case "mean":
				o.m[i][j] = mean
			case "gm-weighted":
				o.m[i][j] = weighted
			case "client":
				o.m[i][j] = residuals[i][j]
			}
		}
	}
}
