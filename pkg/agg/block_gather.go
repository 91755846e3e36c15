package agg

import (
	"slices"
	"sync/atomic"

	"github.com/bgmd/bgmd/internal/par"
	"github.com/bgmd/bgmd/internal/simd"
)

// rowsOf returns what the block is taken from: G, or P where a pass has written it.
func (b *Block) rowsOf(G Matrix) Matrix {
	if b.perRow() {
		G.Data = b.next
	}
	return G
}

// gather returns the rows of G, or of P where the inner rule needs those, in
// the columns of the block.
func (b *Block) gather(G Matrix, gamma float64) Matrix {
	k := len(b.index)
	b.gathered = grown(b.gathered, G.Rows*k)
	block := Matrix{Data: b.gathered, Rows: G.Rows, Cols: k}
	if b.picked {
		b.picks.gather(block, &b.selector)
	} else {
		from := b.rowsOf(G)
		par.For(G.Rows, 1, func(i, _, _ int) {
			row, out := from.Row(i), block.Row(i)
			for p, j := range b.index {
				out[p] = row[j]
			}
		})
	}
	if !b.direct && !b.perRow() {
		b.shift(block, gamma)
	}
	return block
}

// shift turns the columns of the block from G's to P's.
func (b *Block) shift(block Matrix, gamma float64) {
	par.For(block.Rows, 1, func(i, _, _ int) {
		row := block.Row(i)
		for p, j := range b.index {
			t := gamma * float64(row[p])
			if b.memory != nil {
				t += float64(b.memory[j])
			}
			row[p] = float32(t)
		}
	})
}

// picks holds the columns of the candidates for a block, a little matrix for each
// columnBlock of columns, one after another in each chunk.
//
// Chosen: two copies of a little more than the block, which cost half of what
// reading most lines of G anew does. Rejected: copying by AVX-512's VCOMPRESSPS,
// which gains nothing: what is written and read again is what limits it.
type picks struct {
	chunks [][]float32
	left   atomic.Int64 // columns until it is not worth to go on
}

// reset empties picks for so many chunks and at most so many columns.
func (p *picks) reset(chunks, most int) {
	for len(p.chunks) < chunks {
		p.chunks = append(p.chunks, nil)
	}
	for i := range p.chunks {
		p.chunks[i] = p.chunks[i][:0]
	}
	p.left.Store(int64(most))
}

// complete reports whether no columns were too many.
func (p *picks) complete() bool { return p.left.Load() >= 0 }

// add picks the columns of the candidates, which are those of one columnBlock.
func (p *picks) add(chunk int, from Matrix, candidates []candidate) {
	c := len(candidates)
	if c == 0 || p.left.Add(-int64(c)) < 0 {
		return
	}
	at := len(p.chunks[chunk])
	all := slices.Grow(p.chunks[chunk], from.Rows*c)[:at+from.Rows*c]
	p.chunks[chunk] = all
	var columns [columnBlock]uint16
	lo := candidates[0].index / columnBlock * columnBlock
	for q, candidate := range candidates {
		columns[q] = uint16(candidate.index - lo)
	}
	for i := range from.Rows {
		simd.Pick(all[at+i*c:][:c], from.Row(i)[lo:], columns[:c])
	}
}

// gather sets block to the columns that s has chosen.
func (p *picks) gather(block Matrix, s *selector) {
	par.For(len(s.parts), 1, func(chunk, _, _ int) {
		at, part, data := s.parts[chunk].start, s.parts[chunk].candidates, p.chunks[chunk]
		var chosen [columnBlock + 1]uint16
		for len(part) > 0 {
			columns, n := 0, 0 // of this columnBlock: picked, and chosen of them
			for number := part[0].index / columnBlock; columns < len(part) && part[columns].index/columnBlock == number; columns++ {
				chosen[n] = uint16(columns) // overwritten unless it is
				if s.chosen(part[columns]) {
					n++
				}
			}
			for i := range block.Rows {
				simd.Pick(block.Row(i)[at:][:n], data[i*columns:][:columns], chosen[:n])
			}
			at, part, data = at+n, part[columns:], data[block.Rows*columns:]
		}
	})
}
