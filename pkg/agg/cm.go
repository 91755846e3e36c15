package agg

import (
	"math"
	"sync/atomic"

	"github.com/bgmd/bgmd/internal/par"
)

// median is the rule "cm", the coordinate-wise median
//
//	dst[j] = median(G[0, j], …, G[n−1, j]),
//
// for even n the average of the two middle values. Its breakdown point is 1/2
// in each coordinate [Yin et al. 2018].
//
// Chosen: a selection network of O(n log² n) comparators without branches, run
// over blocks of columns that stay in the L1 cache. Rejected: quickselect a
// column, whose branches cannot be predicted, and sorting columns of G in
// place, which strides through memory.
type median struct {
	net *network
}

func (m *median) String() string { return "cm" }

// Equivariant implements [Equivariant].
func (m *median) Equivariant() bool { return true }

func (m *median) Aggregate(dst []float32, G Matrix, _ Step) (Stats, error) {
	if err := check("cm", dst, G); err != nil {
		return Stats{}, err
	}
	if m.net == nil || m.net.n != G.Rows {
		m.net = newNetwork(G.Rows)
	}
	var bad atomic.Bool
	par.For(G.Cols, columnGrain, func(_, lo, hi int) {
		keys := m.net.borrow()
		defer m.net.giveBack(keys)
		for ; lo < hi; lo += lanes {
			out := dst[lo:min(lo+lanes, hi)]
			if !loadKeys(keys, G, lo, len(out)) {
				bad.Store(true)
				return
			}
			m.net.run(keys)
			middle(out, keys[(G.Rows-1)/2*lanes:], keys[G.Rows/2*lanes:])
		}
	})
	if bad.Load() {
		return Stats{}, notFinite("cm", G)
	}
	return Stats{}, nil
}

// loadKeys sets keys to the order-preserving integers of G[:, lo:lo+cols], lanes
// a row, and reports whether all of those are finite. NaN must not reach the
// network, where it would sort beyond the infinities and vanish.
func loadKeys(keys []int32, G Matrix, lo, cols int) bool {
	const exponent = 0x7f800000 // all ones for NaN and infinities alone
	var seen uint32
	for i := range G.Rows {
		row := G.Data[i*G.Cols+lo:][:cols]
		out := keys[i*lanes:][:len(row)]
		for j, v := range row {
			b := math.Float32bits(v)
			seen |= b&exponent + 1<<23 // carries into the sign bit
			out[j] = key(b)
		}
	}
	return seen>>31 == 0
}

// key maps the bits of a float32 to an integer with the same order; it is its
// own inverse.
func key(b uint32) int32 { return int32(b ^ uint32(int32(b)>>31)>>1) }

// middle averages the lower and upper medians given as keys; the sum of two
// float32 cannot overflow in float64.
func middle(dst []float32, lower, upper []int32) {
	lower, upper = lower[:len(dst)], upper[:len(dst)]
	for j := range dst {
		a := math.Float32frombits(uint32(key(uint32(lower[j]))))
		b := math.Float32frombits(uint32(key(uint32(upper[j]))))
		dst[j] = float32((float64(a) + float64(b)) / 2)
	}
}
