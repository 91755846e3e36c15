package agg

import (
	"math"
	"runtime"

	"github.com/bgmd/bgmd/internal/par"
)

// Scratch returns the bytes that a rule holds after two calls with an n×d matrix,
// its memory among them, besides the matrix and the result. A rule that drops rows
// takes up to 4nd bytes more once it meets one to drop. It is computed, takes no
// memory, and cannot overflow.
func Scratch(rule Aggregator, n, d int) (bytes float64) { return scratchOf(rule, n, d) }

// scratchy is implemented by rules and transforms that hold more than a few values
// a row.
type scratchy interface{ scratch(n, d int) float64 }

func scratchOf(rule any, n, d int) float64 {
	if s, ok := rule.(scratchy); ok {
		return s.scratch(n, d)
	}
	return 0
}

const (
	of32 = 4. // bytes of a float32
	of64 = 8. // of a float64 or an int
)

// square is the bytes of an n×n matrix of float64 values.
func square(n int) float64 { return of64 * float64(n) * float64(n) }

// sumsSize is what squaredNorms and squaredDistances hold.
func sumsSize(n, d int) float64 {
	return of64 * float64(n) * float64(1+par.Chunks(d, columnGrain))
}

// scratch leaves out rows that are centred or widened, at most a 20th of the matrix.
func (g *gram) scratch(n, d int) float64 {
	_, slabs := gramSlabsOf(d)
	tiles := square(n+4) / 2 // they are up to 4×4
	return square(n) + float64(slabs)*(square(n)+tiles)
}

func (s *distances) scratch(n, d int) float64 { return s.gram.scratch(n, d) + square(n) }

func (r *weighing) scratch(n, d int) float64 {
	return r.distances.scratch(n, d) + scratchOf(r.rule, n, d)
}

func (s *spectrum) scratch(n, _ int) float64 { return 2*square(n) + 64*of64*float64(n) }

func (c *caf) scratch(n, d int) float64 { return c.spectrum.scratch(n, d) }

func (s *spectralFilter) scratch(n, d int) float64 { return s.spectrum.scratch(n, d) }

func (g *gm) scratch(n, d int) float64 { return scratchOf(g.solver, n, d) }

func (s *gramSolver) scratch(n, d int) float64 {
	if n > mostNewton {
		return s.gram.scratch(n, d)
	}
	return s.gram.scratch(n, d) + square(n)
}

func (s *spatialSolver) scratch(n, d int) float64 {
	return 2*of64*float64(d) + of64*float64(par.Chunks(d, columnGrain))*float64(n+2)
}

// scratch counts the network's pairs: every row is in one at each of log₂n·(log₂n +
// 1)/2 stages, and a growing slice has a quarter too much. More rows take a few
// columns of them.
func (s *columnSorter) scratch(n, d int) float64 {
	if n > mostNetwork {
		return float64(runtime.GOMAXPROCS(0)) * float64(min(lanes, d)) * 3 * of32 * float64(n)
	}
	stages := math.Ceil(math.Log2(float64(n)))
	return 1.25 * 8 * float64(n) / 2 * stages * (stages + 1) / 2
}

func (b *bulyan) scratch(n, d int) float64 {
	return b.distances.scratch(n, d) + b.columnSorter.scratch(n, d)
}

func (c *normClipping) scratch(n, d int) float64 { return sumsSize(n, d) }

func (c *centredClipping) scratch(n, d int) float64 { return 2*of32*float64(d) + sumsSize(n, d) }

func (d *dropping) scratch(n, cols int) float64 { return Scratch(d.inner, n, cols) }

func (p *preceded) scratch(n, d int) float64 {
	m := p.transform.makes(n)
	return of32*float64(m)*float64(d) + scratchOf(p.transform, n, d) + Scratch(p.inner, m, d)
}

func (m *nnm) scratch(n, d int) float64 {
	return m.distances.scratch(n, d) + square(n)
}

func (c *clip) scratch(n, d int) float64 { return sumsSize(n, d) }

// scratch counts what every memory and selection holds. The picks grow as they are
// made, and have a quarter more than a block's columns in most.
func (b *Block) scratch(n, d int) float64 {
	rows, cols := float64(n), float64(d)
	k := blockSize(b.options.Fraction, d)
	block := float64(k)
	bytes := (of32*rows+of64+of32)*block + Scratch(b.inner, n, k) // gathered, index and out
	switch b.options.Memory {
	case memoryClient:
		bytes += of32 * (2*rows + 1) * cols
	case memoryMean, memoryGMWeighted:
		bytes += 2 * of32 * cols
	}
	if b.options.Select == selectRandom {
		return bytes + of64*cols + cols/8
	}
	picked := 2 * 16 * block // candidates, and those near the last
	if b.samples(k, d) {
		bytes += 1.25 * (of32*rows*block + picked)
	} else {
		bytes += of64*cols + picked // the scores
	}
	if b.options.Select == selectNormProportional {
		bytes += of64 * cols
	}
	return bytes + selectChunks*4<<binBits // counts
}
