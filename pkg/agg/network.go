package agg

import "github.com/bgmd/bgmd/internal/simd"

// lanes is the number of columns that a network works on at a time: 32 rows of
// 128 float32 take half of a 32 KiB L1 cache.
const lanes = 128

// A network sorts n rows of lanes values column by column, as far as the order
// statistics from, …, to − 1 go: those rows are right afterwards, the others
// hold anything. It is Batcher's odd-even merge sort [Knuth, TAOCP 3, 5.3.4]
// with everything left out that the rows asked for do not depend on.
type network struct {
	n, from, to int
	ops         []comparator
}

// A comparator orders rows lo and hi. When only one of its outputs is used,
// the other row is left as it is.
type comparator struct {
	lo, hi    int
	low, high bool // which outputs are used
}

func newNetwork(n, from, to int) *network {
	var all []comparator
	for p := 1; p < n; p *= 2 {
		for k := p; k >= 1; k /= 2 {
			for j := k % p; j+k < n; j += 2 * k {
				for i := j; i < min(j+k, n-k); i++ {
					if i/(2*p) == (i+k)/(2*p) {
						all = append(all, comparator{lo: i, hi: i + k})
					}
				}
			}
		}
	}
	used := make([]bool, n)
	for i := from; i < to; i++ {
		used[i] = true
	}
	ops := make([]comparator, 0, len(all))
	for x := len(all) - 1; x >= 0; x-- {
		c := all[x]
		c.low, c.high = used[c.lo], used[c.hi]
		if c.low || c.high {
			used[c.lo], used[c.hi] = true, true
			ops = append(ops, c)
		}
	}
	for i, j := 0, len(ops)-1; i < j; i, j = i+1, j-1 {
		ops[i], ops[j] = ops[j], ops[i]
	}
	return &network{n: n, from: from, to: to, ops: ops}
}

// run applies the network to n rows of cols ≤ lanes finite values, lanes apart.
func (net *network) run(x []float32, cols int) {
	for _, c := range net.ops {
		lo, hi := x[c.lo*lanes:][:cols], x[c.hi*lanes:][:cols]
		switch {
		case c.low && c.high:
			simd.MinMax(lo, hi)
		case c.low:
			simd.Min(lo, hi)
		default:
			simd.Max(hi, lo)
		}
	}
}
