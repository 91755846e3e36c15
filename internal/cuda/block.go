//go:build gpu && linux

package cuda

import (
	"errors"
	"fmt"
)

// scoreBlock is the number of columns of a block of scores.
const scoreBlock = 256

// ScoreSpace is the number of elements that ScoreColumns and ScoreRows need to work with,
// for d columns.
func ScoreSpace(d int) int { return cover(d, scoreBlock) }

// ScoreColumns scores the columns of P = γ·rows + memory, for one vector of memory: with s
// and q the sums of column j and of its squares, and m = memory[j],
//
//	scores[j] = Σᵢ (γgᵢⱼ + m)² = γ²q + m·(2γs + n·m)    next[j] = γs/n + m
//
// and total[0] is their sum. It sets bad[0] where next is not finite. A zero memory is
// zeros; with a zero next there is none.
func (s *Stream) ScoreColumns(scores, total Memory[float64], next Memory[float32], bad Memory[uint32], r Rows, memory Memory[float32], gamma float64, space Memory[float64]) error {
	if err := checkScores("ScoreColumns", scores, total, r, space, r.D, next, memory); err != nil {
		return err
	}
	if err := check("ScoreColumns", need{"bad", bad.n, 1}); err != nil {
		return err
	}
	blocks := ScoreSpace(r.D)
	err := s.launch("score_columns", grid{blocks, 1, 1}, scores, space, next, bad, r.Memory, int64(r.Stride), memory, gamma, r.N, r.D)
	if err != nil {
		return err
	}
	return s.launch("sum_parts", grid{1, 1, 1}, total, space, blocks)
}

// ScoreRows is ScoreColumns for a memory of each row, n×d without gaps: next becomes P, n×d.
// It may be memory.
func (s *Stream) ScoreRows(scores, total Memory[float64], next Memory[float32], r Rows, memory Memory[float32], gamma float64, space Memory[float64]) error {
	if err := checkScores("ScoreRows", scores, total, r, space, r.N*r.D, next, memory); err != nil {
		return err
	}
	if err := check("ScoreRows", need{"next", next.n, r.N * r.D}); err != nil {
		return err
	}
	blocks := ScoreSpace(r.D)
	err := s.launch("score_rows", grid{blocks, 1, 1}, scores, space, next, r.Memory, int64(r.Stride), memory, gamma, r.N, r.D)
	if err != nil {
		return err
	}
	return s.launch("sum_parts", grid{1, 1, 1}, total, space, blocks)
}

// checkScores checks what both have; optional arrays have no or so many elements.
func checkScores(call string, scores, total Memory[float64], r Rows, space Memory[float64], size int, optional ...Memory[float32]) error {
	err := errors.Join(r.check(call, maxGridX),
		check(call, need{"scores", scores.n, r.D}, need{"total", total.n, 1}, need{"space", space.n, ScoreSpace(r.D)}))
	for _, m := range optional {
		if m.at != 0 {
			err = errors.Join(err, check(call, need{"next or memory", m.n, size}))
		}
	}
	return err
}

// Selection is memory to find the largest of some scores with.
type Selection struct {
	state  Memory[uint64] // struct Selection
	counts Memory[uint32]
	before Memory[uint32]
	d      int
}

// Sizes of block.cu.
const (
	selectionBins  = 4096
	selectionWidth = 12
	chosenBlock    = 1024
)

// NewSelection takes memory for selections among d scores.
func NewSelection(device *Device, d int) (*Selection, error) {
	state, err1 := Alloc[uint64](device, 2)
	counts, err2 := Alloc[uint32](device, selectionBins)
	before, err3 := Alloc[uint32](device, 2*cover(d, chosenBlock))
	return &Selection{state, counts, before, d}, errors.Join(err1, err2, err3)
}

// Free gives the memory back.
func (k *Selection) Free() error {
	return errors.Join(k.state.Free(), k.counts.Free(), k.before.Free())
}

// Largest writes to index, ascending, the numbers of the len(index) largest scores, ties to
// the lowest numbers. Scores must not be negative or NaN.
func (s *Stream) Largest(index Memory[uint32], scores Memory[float64], sel *Selection) error {
	k, d := index.n, scores.n
	if k < 1 || k > d || d != sel.d {
		return fmt.Errorf("cuda: Largest: %d of %d scores, want 1 to %d", k, d, sel.d)
	}
	if err := Clear(s, sel.counts); err != nil {
		return err
	}
	first := 1
	for shift := 64; shift > 0; first = 0 {
		width := min(selectionWidth, shift)
		shift -= width
		err := s.launch("score_histogram", grid{min(cover(d, 256), 528), 1, 1}, sel.counts, sel.state, scores, shift, width, first, d)
		if err == nil {
			err = s.launch("narrow_selection", grid{1, 1, 1}, sel.state, sel.counts, width, first, uint32(k))
		}
		if err != nil {
			return err
		}
	}
	blocks := cover(d, chosenBlock)
	if err := s.launch("count_chosen", grid{blocks, 1, 1}, sel.before, sel.state, scores, d); err != nil {
		return err
	}
	if err := s.launch("sum_before", grid{2, 1, 1}, sel.before, blocks); err != nil {
		return err
	}
	return s.launch("write_chosen", grid{blocks, 1, 1}, index, sel.before, sel.state, scores, d)
}

// Gather sets block, n×k without gaps, to the columns index of the rows; with γ not 0 to
// those of γ·rows + memory, where a zero memory is zeros.
func (s *Stream) Gather(block Memory[float32], r Rows, index Memory[uint32], memory Memory[float32], gamma float64) error {
	if err := errors.Join(r.check("Gather", maxGridYZ), check("Gather", need{"block", block.n, r.N * index.n})); err != nil {
		return err
	}
	return s.launch("gather_columns", grid{cover(index.n, 256), r.N, 1}, block, r.Memory, int64(r.Stride), index, memory, gamma, index.n)
}

// Scatter sets dst to 0 but for dst[index[p]] = block[p]/by + memory[index[p]]/over, in
// float64. With by = 0 the block is not divided, with over = 0 or a zero memory nothing is
// added. It sets bad[0] where a result is not finite.
func (s *Stream) Scatter(dst Memory[float32], bad Memory[uint32], block Memory[float32], index Memory[uint32], memory Memory[float32], by, over float64) error {
	if err := check("Scatter", need{"block", block.n, index.n}, need{"bad", bad.n, 1}); err != nil {
		return err
	}
	if err := Clear(s, dst); err != nil {
		return err
	}
	return s.launch("scatter_columns", grid{cover(index.n, 256), 1, 1}, dst, bad, block, index, memory, by, over, index.n)
}

// ClearColumns sets x[index[p]] to 0.
func (s *Stream) ClearColumns(x Memory[float32], index Memory[uint32]) error {
	return s.launch("clear_columns", grid{cover(index.n, 256), 1, 1}, x, index, index.n)
}

// Carry sets next to γ·part + memory, in float64; a zero memory is zeros. It sets bad[0]
// where that is not finite.
func (s *Stream) Carry(next Memory[float32], bad Memory[uint32], part, memory Memory[float32], gamma float64) error {
	if err := check("Carry", need{"part", part.n, next.n}, need{"bad", bad.n, 1}); err != nil {
		return err
	}
	return s.launch("carry_memory", grid{cover(next.n, 256), 1, 1}, next, bad, part, memory, gamma, next.n)
}
