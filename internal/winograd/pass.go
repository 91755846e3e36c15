package winograd

import (
	"fmt"
	"math/bits"
)

// Lanes is the number of samples side by side in all that is transformed.
const Lanes = 16

// pass is one of an algorithm's matrices applied along one axis, outer·inner times,
// each time to vectors of Lanes numbers.
type pass struct {
	dst, src         []float32
	dstAt, srcAt     int // where a transform's first vector lies, or would
	dstStep, srcStep int // from one of its vectors to the next

	outer, inner       int // how many transforms, at least one,
	dstOuter, srcOuter int // and how far from one to the next
	dstInner, srcInner int

	// load has the bits of the vectors that there are; others count as zeros.
	// store has those of the vectors that are written, and add of those that are
	// added to what is there.
	load, store, add uint32
}

// transform is what runs a pass, in assembly.
type transform = func(dst, src *float32, dstAt, srcAt, dstStep, srcStep, outer, inner, dstOuter, srcOuter, dstInner, srcInner int, load, store, add uint32)

// matrix is one of an algorithm's five, with what applies it: nil is plain Go.
type matrix struct {
	rows [][]float64
	do   transform
}

// all has the bits of n vectors.
func all(n int) uint32 { return 1<<n - 1 }

// between has the bits of those k of n for which 0 ≤ first+k < size.
func between(first, n, size int) (set uint32) {
	for k := range n {
		if first+k >= 0 && first+k < size {
			set |= 1 << k
		}
	}
	return set
}

// run applies m. It panics when the pass leaves its slices.
func (m matrix) run(p pass) {
	p.check("reads", p.src, p.load, p.srcAt, p.srcStep, p.srcOuter, p.srcInner)
	p.check("writes", p.dst, p.store, p.dstAt, p.dstStep, p.dstOuter, p.dstInner)
	if m.do == nil {
		m.generic(p)
		return
	}
	m.do(&p.dst[0], &p.src[0], p.dstAt, p.srcAt, p.dstStep, p.srcStep, p.outer, p.inner, p.dstOuter, p.srcOuter, p.dstInner, p.srcInner, p.load, p.store, p.add)
}

func (p pass) check(what string, x []float32, set uint32, at, step, outer, inner int) {
	lo := at + bits.TrailingZeros32(set)*step
	hi := at + (bits.Len32(set)-1)*step + (p.outer-1)*outer + (p.inner-1)*inner + Lanes
	if set == 0 || p.outer < 1 || p.inner < 1 || lo < 0 || hi > len(x) {
		panic(fmt.Sprintf("winograd: a pass %s %d×%d transforms of vectors %b, elements [%d, %d) of %d", what, p.outer, p.inner, set, lo, hi, len(x)))
	}
}

// generic is run in plain Go.
func (m matrix) generic(p pass) {
	for o := range p.outer {
		for i := range p.inner {
			dst := p.dstAt + o*p.dstOuter + i*p.dstInner
			src := p.srcAt + o*p.srcOuter + i*p.srcInner
			for k, row := range m.rows {
				if p.store>>k&1 == 0 {
					continue
				}
				var sum [Lanes]float32
				for l, c := range row {
					if c == 0 || p.load>>l&1 == 0 {
						continue
					}
					x, c := (*[Lanes]float32)(p.src[src+l*p.srcStep:]), float32(c)
					for i := range sum {
						sum[i] += c * x[i]
					}
				}
				to := (*[Lanes]float32)(p.dst[dst+k*p.dstStep:])
				if p.add>>k&1 == 0 {
					*to = sum
					continue
				}
				for i, v := range sum {
					to[i] += v
				}
			}
		}
	}
}
