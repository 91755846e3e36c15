package simd

import "fmt"

// A Gram adds up the inner products of n rows with each other: those on and below
// the diagonal, in tiles.
type Gram struct {
	rows          int
	height, width int
	tiles         [][8]int32 // of each tile, its rows' numbers: height, then width
}

// NewGram returns the tiles that are fastest on this processor for n rows.
func NewGram(n int) *Gram {
	g := &Gram{rows: n, height: 4, width: 4}
	if accelerated && !accelerated512 {
		g.width = 3
	}
	for i := 0; i < n; i += g.height {
		for j := 0; j < min(i+g.height, n); j += g.width {
			var t [8]int32 // the last row stands in for those that the last tiles lack
			for k := range g.height {
				t[k] = int32(min(i+k, n-1))
			}
			for k := range g.width {
				t[g.height+k] = int32(min(j+k, n-1))
			}
			g.tiles = append(g.tiles, t)
		}
	}
	return g
}

// Sums is the number of sums that [Gram.Add] needs.
func (g *Gram) Sums() int { return len(g.tiles) * g.height * g.width }

// GramChunk is the number of columns whose products [Gram.Add] sums in float32:
// 32 rows of them, 32 kB, stay in the first-level cache.
const GramChunk = 256

// Add adds the inner products of the rows data[i·stride : i·stride+cols] to the
// sums of the tiles. Of every [GramChunk] columns, products are summed in float32,
// in eight or sixteen sums (in plain Go and at the end, one by one in float64), and
// these sums in float64.
func (g *Gram) Add(sums []float64, data []float32, stride, cols int) {
	check("Gram", len(sums), g.Sums())
	if g.rows == 0 || cols == 0 {
		return
	}
	if stride < cols || len(data) < (g.rows-1)*stride+cols {
		panic(fmt.Sprintf("simd: Gram: %d elements for %d rows of %d, each %d after the one before", len(data), g.rows, cols, stride))
	}
	done := 0
	if accelerated512 {
		if done = whole(cols, 16); done > 0 {
			gramAVX512(&sums[0], &data[0], g.rows, 4*stride, &g.tiles[0], len(g.tiles), done)
		}
	} else if done = whole(cols, 8); done > 0 {
		gramAVX2(&sums[0], &data[0], g.rows, 4*stride, &g.tiles[0], len(g.tiles), done)
	}
	if done < cols {
		row := func(i int) []float32 { return data[i*stride+done : i*stride+cols] }
		g.each(func(at, i, j int) { sums[at] += dotGo(row(i), row(j)) })
	}
}

// Fill copies the sums to the lower triangle of the n×n matrix K.
func (g *Gram) Fill(K, sums []float64) {
	check("Gram", len(K), g.rows*g.rows)
	check("Gram", len(sums), g.Sums())
	g.each(func(at, i, j int) {
		if j <= i {
			K[i*g.rows+j] = sums[at]
		}
	})
}

// each calls f for every sum with its place and the numbers of its rows.
func (g *Gram) each(f func(at, i, j int)) {
	at := 0
	for _, t := range g.tiles {
		for _, i := range t[:g.height] {
			for _, j := range t[g.height:][:g.width] {
				f(at, int(i), int(j))
				at++
			}
		}
	}
}
