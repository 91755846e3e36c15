package corrupt

import (
	"math"

	"github.com/bgmd/bgmd/internal/par"
	"github.com/bgmd/bgmd/pkg/agg"
)

// honest returns which of n rows are not among the given ones, in ascending
// order. Where none is left it returns all: attackers without anybody to look
// at look at what they would have sent themselves.
func honest(n int, rows []int) []int {
	corrupt := make([]bool, n)
	for _, i := range rows {
		corrupt[i] = true
	}
	var others, all []int
	for i := range n {
		if !corrupt[i] {
			others = append(others, i)
		}
		all = append(all, i)
	}
	if len(others) == 0 {
		return all
	}
	return others
}

// blockCols is the number of columns of the honest rows that are read at a
// time, and more than once: a few dozen rows of that length stay in the cache.
const blockCols = 512

// forge sets each of the corrupt rows to one vector,
//
//	a·μ − b·σ
//
// of which μⱼ and σⱼ are the mean of column j over the honest rows and its
// population standard deviation, √(Σ (gᵢⱼ − μⱼ)² / h) for h honest rows. Sums
// are in float64. It costs O(nd): one pass over G, another over the rows for σ
// while they are in the cache.
func forge(G agg.Matrix, rows []int, a, b float64) {
	if len(rows) == 0 {
		return
	}
	from := honest(G.Rows, rows)
	par.For(G.Cols, rowGrain, func(_, lo, hi int) {
		var mean, std [blockCols]float64
		var out [blockCols]float32
		for ; lo < hi; lo += blockCols {
			cols := min(blockCols, hi-lo)
			columnMeans(mean[:cols], G, from, lo)
			if b != 0 {
				columnStds(std[:cols], mean[:cols], G, from, lo)
			}
			for j, mu := range mean[:cols] {
				out[j] = float32(float64(a*mu) - float64(b*std[j]))
			}
			for _, i := range rows {
				copy(G.Row(i)[lo:], out[:cols])
			}
		}
	})
}

// columnMeans sets mean to the means of G's columns lo, lo+1, … over the given
// rows.
func columnMeans(mean []float64, G agg.Matrix, rows []int, lo int) {
	clear(mean)
	for _, i := range rows {
		for j, v := range G.Row(i)[lo : lo+len(mean)] {
			mean[j] += float64(v)
		}
	}
	for j := range mean {
		mean[j] /= float64(len(rows))
	}
}

// columnStds sets std to the population standard deviations that belong to the
// means.
func columnStds(std, mean []float64, G agg.Matrix, rows []int, lo int) {
	clear(std)
	for _, i := range rows {
		for j, v := range G.Row(i)[lo : lo+len(mean)] {
			off := float64(v) - mean[j]
			std[j] += float64(off * off)
		}
	}
	for j := range std {
		std[j] = math.Sqrt(std[j] / float64(len(rows)))
	}
}
