package agg

import (
	"math"
	"runtime"
	"sync/atomic"

	"github.com/bgmd/bgmd/internal/par"
)

// mostNetwork is the number of rows up to which columns are sorted by a network. With
// lanes columns or more it is three times as fast as a radix sort there; with four it
// is slower, by two milliseconds at most. Its comparators take 1.3 MB, and 0.8 GB for a
// million rows.
const mostNetwork = 4096

// radixColumns is the scratch space of one goroutine: some columns as keys, and what
// sorting one of them takes.
type radixColumns struct {
	keys, other []uint32
	stride      int // of a column in keys
	values      []float32
}

// eachByRadix is each for rows that are taken, by a radix sort of every column, O(n) a
// column. A goroutine copies up to lanes columns at a time, since reading a value costs
// the whole cache line that it is in.
func (s *columnSorter) eachByRadix(dst []float32, reduce func(out []float32, columns sorted)) error {
	width := min(lanes, par.Chunks(len(dst), runtime.GOMAXPROCS(0)))
	var bad atomic.Bool
	par.For(len(dst), width, func(_, lo, hi int) {
		if bad.Load() {
			return
		}
		c, ok := s.columns.Get().(*radixColumns)
		if !ok {
			c = new(radixColumns)
		}
		defer s.columns.Put(c)
		if !c.load(s.rows, lo, hi) {
			bad.Store(true)
			return
		}
		for j := lo; j < hi; j++ {
			reduce(dst[j:j+1], sorted{c.sort(j-lo, len(s.rows)), 1})
		}
	})
	return finiteUnless(&bad)
}

// load copies columns [lo, hi) of the rows and reports whether all are finite.
func (c *radixColumns) load(rows [][]float32, lo, hi int) (finite bool) {
	n := len(rows)
	c.stride = n | 16 // columns that are a power of two apart would share few lines of the cache
	c.keys, c.other, c.values = grown(c.keys, c.stride*(hi-lo)), grown(c.other, n), grown(c.values, n)
	var worst uint32
	for i, row := range rows {
		for j, v := range row[lo:hi] {
			bits := math.Float32bits(v)
			worst = max(worst, bits&^(1<<31))
			c.keys[j*c.stride+i] = keyOf(bits)
		}
	}
	return worst < 0xff<<23
}

// keyOf maps the bits of a float32 to a number that is in the same order: those of
// negative numbers are turned around.
func keyOf(bits uint32) uint32 { return bits ^ (uint32(int32(bits)>>31) | 1<<31) }

// bitsOf is the inverse of keyOf.
func bitsOf(key uint32) uint32 { return key ^ (^uint32(int32(key)>>31) | 1<<31) }

// sort returns column j of n values, sorted.
func (c *radixColumns) sort(j, n int) []float32 {
	for i, key := range radixSort(c.keys[j*c.stride:][:n], c.other) {
		c.values[i] = math.Float32frombits(bitsOf(key))
	}
	return c.values
}

// radixSort sorts keys by digits of 8 bits, the lowest first [Knuth, TAOCP 3, 5.2.5],
// and returns them in keys or in other, whose contents are lost. Digits that all keys
// share cost nothing.
func radixSort(keys, other []uint32) []uint32 {
	var counts [4][256]int
	for _, key := range keys {
		counts[0][uint8(key)]++
		counts[1][uint8(key>>8)]++
		counts[2][uint8(key>>16)]++
		counts[3][uint8(key>>24)]++
	}
	for d := range counts {
		places, shift := &counts[d], 8*d
		if places[uint8(keys[0]>>shift)] == len(keys) {
			continue
		}
		start := 0
		for digit, n := range places {
			places[digit] = start
			start += n
		}
		for _, key := range keys {
			digit := uint8(key >> shift)
			other[places[digit]] = key
			places[digit]++
		}
		keys, other = other, keys
	}
	return keys
}
