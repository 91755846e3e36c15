package simd

import (
	"fmt"
	"math"
)

// Variable is the environment variable that chooses the instructions of this process
// by name, avx512, avx2 or generic, in place of the fastest.
const Variable = "BGMD_KERNELS"

// Lanes is the number of columns in a block of [LoadColumns] and a [Network]:
// 32 rows of it, 8 kB, stay in the first-level cache beside what comes next.
const Lanes = 64

// LoadColumns copies columns [at, at+len) of the rows, len at most [Lanes], to
// the rows of a block, which are Lanes elements long, and reports whether they
// are all finite. It prefetches the columns after them.
func LoadColumns(block []float32, rows [][]float32, at, cols int) bool {
	check("LoadColumns", len(block), len(rows)*Lanes)
	if cols > Lanes {
		panic(fmt.Sprintf("simd: LoadColumns: %d columns, want at most %d", cols, Lanes))
	}
	for _, row := range rows {
		_ = row[at : at+cols]
	}
	if accelerated && cols == Lanes && len(rows) > 0 {
		return loadColumnsAVX2(&block[0], &rows[0], len(rows), at) == 0
	}
	finite := true
	for i, row := range rows {
		copy(block[i*Lanes:], row[at:at+cols])
		finite = finite && finiteGo(row[at:at+cols])
	}
	return finite
}

// A Network is a list of pairs of rows to be ordered one after another.
type Network struct {
	rows  int
	pairs [][2]int32
}

// NewNetwork returns a network for blocks with the given number of rows.
func NewNetwork(rows int, pairs [][2]int32) *Network {
	for _, p := range pairs {
		if lo, hi := int(p[0]), int(p[1]); lo < 0 || hi < 0 || lo >= rows || hi >= rows || lo == hi {
			panic(fmt.Sprintf("simd: a pair of rows %d and %d of %d", lo, hi, rows))
		}
	}
	return &Network{rows, pairs}
}

// Sort puts, for each pair in turn and in each column of the block, the smaller
// of the two values in the pair's first row and the larger in its second. None
// may be NaN. Of 0 and −0 either may come out as the smaller.
func (n *Network) Sort(block []float32) {
	check("Sort", len(block), n.rows*Lanes)
	if len(n.pairs) == 0 {
		return
	}
	switch {
	case accelerated && accelerated512:
		sortColumnsAVX512(&block[0], &n.pairs[0], len(n.pairs))
	case accelerated:
		sortColumnsAVX2(&block[0], &n.pairs[0], len(n.pairs))
	default:
		for _, p := range n.pairs {
			minMaxGo(block[int(p[0])*Lanes:][:Lanes], block[int(p[1])*Lanes:][:Lanes])
		}
	}
}

// Finite reports whether no element is NaN or infinite.
func Finite(x []float32) bool {
	done := whole(len(x), 8)
	if done > 0 && checkFiniteAVX2(&x[0], done) != 0 {
		return false
	}
	return finiteGo(x[done:])
}

// AddScaled adds w·x[i] to sum[i], rounding the product to float64 and then the
// sum.
func AddScaled(sum []float64, x []float32, w float64) {
	check("AddScaled", len(sum), len(x))
	done := whole(len(sum), 4)
	if done > 0 {
		addScaledAVX2(&sum[0], &x[0], done, w)
	}
	addScaledGo(sum[done:], x[done:], w)
}

// AddScaled4 does what four calls of [AddScaled] do, one for each row and its weight, in
// half the time. It prefetches len(sum) elements of each row in next, which is nil where
// no rows come next.
func AddScaled4(sum []float64, x *[4][]float32, w *[4]float64, next *[4][]float32) {
	for _, row := range x {
		check("AddScaled4", len(sum), len(row))
	}
	done := whole(len(sum), 8)
	if done > 0 {
		p := ahead(x, next)
		addScaled4AVX2(&sum[0], &x[0][0], &x[1][0], &x[2][0], &x[3][0], p[0], p[1], p[2], p[3], done, w)
	}
	for k, row := range x {
		addScaledGo(sum[done:], row[done:], w[k])
	}
}

// AddPowers4 does what four calls of [AddPowers] do, one for each row, and prefetches
// next as [AddScaled4] does.
func AddPowers4(sum, squares []float64, x, next *[4][]float32) {
	check("AddPowers4", len(sum), len(squares))
	for _, row := range x {
		check("AddPowers4", len(sum), len(row))
	}
	done := whole(len(sum), 8)
	if done > 0 {
		p := ahead(x, next)
		addPowers4AVX2(&sum[0], &squares[0], &x[0][0], &x[1][0], &x[2][0], &x[3][0], p[0], p[1], p[2], p[3], done)
	}
	for _, row := range x {
		addPowersGo(sum[done:], squares[done:], row[done:])
	}
}

// ahead returns what to prefetch: next or, where there is none, x, which is in the cache
// already.
func ahead(x, next *[4][]float32) (p [4]*float32) {
	for k := range p {
		p[k] = &x[k][0]
		if next != nil && len(next[k]) > 0 {
			p[k] = &next[k][0]
		}
	}
	return p
}

// AddPowers adds x[i] to sum[i] and x[i]² to squares[i]. The square of a float32
// is exact in float64.
func AddPowers(sum, squares []float64, x []float32) {
	check("AddPowers", len(sum), len(x))
	check("AddPowers", len(squares), len(x))
	done := whole(len(sum), 4)
	if done > 0 {
		addPowersAVX2(&sum[0], &squares[0], &x[0], done)
	}
	addPowersGo(sum[done:], squares[done:], x[done:])
}

// Accumulate sets sum[i] to gamma·x[i] + mask[i]·memory[i], rounded to float32, and
// adds its square to scores[i]. It prefetches as many elements of the next memory and x,
// which are nil where nothing comes next.
func Accumulate(sum, memory, mask, x []float32, scores []float64, gamma float64, nextMemory, nextX []float32) {
	n := len(sum)
	check("Accumulate", n, len(memory))
	check("Accumulate", n, len(mask))
	check("Accumulate", n, len(x))
	check("Accumulate", n, len(scores))
	done := whole(n, 8)
	if done > 0 {
		m, g := &memory[0], &x[0]
		if len(nextMemory) > 0 && len(nextX) > 0 {
			m, g = &nextMemory[0], &nextX[0]
		}
		accumulateAVX2(&sum[0], &scores[0], &memory[0], &mask[0], &x[0], m, g, done, gamma)
	}
	accumulateGo(sum[done:], memory[done:], mask[done:], x[done:], scores[done:], gamma)
}

// Score takes column sums s[j] and sums of squares scores[j] over rows, and a vector
// m, and sets
//
//	scores[j] = max(0, γ² scores[j] + m[j]·(2γ s[j] + rows·m[j]))
//	next[j]   = γ/rows · s[j] + m[j], rounded to float32.
func Score(scores []float64, next []float32, s []float64, m []float32, gamma, rows float64) {
	n := len(scores)
	check("Score", len(next), n)
	check("Score", len(s), n)
	check("Score", len(m), n)
	square, twice, scale := gamma*gamma, 2*gamma, gamma/rows
	done := whole(n, 8)
	if done > 0 {
		scoreAVX2(&scores[0], &next[0], &s[0], &m[0], done, square, twice, rows, scale)
	}
	scoreGo(scores[done:], next[done:], s[done:], m[done:], square, twice, rows, scale)
}

// Above finds the elements of x whose bits, compared as signed integers, are bound or more.
// It writes their indices to the front of found, in ascending order, and returns their
// number. If no element is negative, these are the numbers from the one with the bits
// bound on, and NaN. bound must be above −2⁶³, and found at least as long as x.
func Above(found []uint16, x []float64, bound int64) int {
	if len(x) > 1<<16 || len(found) < len(x) {
		panic(fmt.Sprintf("simd: Above: %d elements, and room for %d", len(x), len(found)))
	}
	done, count := whole(len(x), 8), 0
	if done > 0 {
		count = aboveAVX2(&found[0], &x[0], done, &setBits[0], bound-1)
	}
	for i := done; i < len(x); i++ {
		found[count] = uint16(i) // overwritten unless it is one
		if int64(math.Float64bits(x[i])) >= bound {
			count++
		}
	}
	return count
}

// Pick sets dst[q] to src[at[q]]; at is ascending.
func Pick(dst, src []float32, at []uint16) {
	check("Pick", len(dst), len(at))
	if len(at) == 0 {
		return
	}
	_ = src[at[len(at)-1]]
	done := whole(len(at), 4)
	if done > 0 {
		pickAVX2(&dst[0], &src[0], &at[0], done)
	}
	for q := done; q < len(at); q++ {
		dst[q] = src[at[q]]
	}
}

// setBits lists, for each byte, where its bits are set.
var setBits = func() (table [256][8]uint16) {
	for b := range table {
		n := 0
		for i := range 8 {
			if b>>i&1 != 0 {
				table[b][n] = uint16(i)
				n++
			}
		}
	}
	return table
}()

// SquaredDistance returns Σ (x[i] − y[i])², differences, squares and sums in
// float64: 16 sums over every sixteenth element, and then those in pairs.
func SquaredDistance(x, y []float32) float64 {
	check("SquaredDistance", len(x), len(y))
	var lanes [16]float64
	done := whole(len(x), 16)
	if done > 0 {
		squaredDistanceAVX2(&lanes, &x[0], &y[0], done)
	}
	squaredDistanceGo(&lanes, x[done:], y[done:])
	return inPairs(&lanes)
}

// whole is how many of n elements the assembly handles: the largest multiple of step, or
// 0 where there is no assembly.
func whole(n, step int) int {
	if !accelerated {
		return 0
	}
	return n / step * step
}

func check(name string, got, want int) {
	if got != want {
		panic(fmt.Sprintf("simd: %s: slices of %d and %d elements", name, got, want))
	}
}
