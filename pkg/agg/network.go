package agg

import "sync"

// lanes is the number of columns that a network works on at a time: 32 rows of
// 128 int32 take half of a 32 KiB L1 cache.
const lanes = 128

// A network puts the middle order statistics of n rows of lanes keys into rows
// (n−1)/2 and n/2. It is Batcher's odd-even merge sort [Knuth, TAOCP 3, 5.3.4]
// with everything left out that those two rows do not depend on. The first
// levels, which sort groups of eight rows, run in registers.
type network struct {
	n    int
	ops  []comparator
	mu   sync.Mutex
	free [][]int32 // key blocks not in use, at most one a core
}

// A comparator orders rows lo and hi. When only one of its outputs is used,
// the other row is left as it is.
type comparator struct {
	lo, hi    int
	low, high bool // which outputs are used
}

func newNetwork(n int) *network {
	grouped := n &^ 7 // rows in full groups of eight
	var all []comparator
	for p := 1; p < n; p *= 2 {
		for k := p; k >= 1; k /= 2 {
			for j := k % p; j+k < n; j += 2 * k {
				for i := j; i < min(j+k, n-k); i++ {
					if i/(2*p) == (i+k)/(2*p) && (p >= 8 || i >= grouped) {
						all = append(all, comparator{lo: i, hi: i + k})
					}
				}
			}
		}
	}
	used := make([]bool, n)
	used[(n-1)/2], used[n/2] = true, true
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
	return &network{n: n, ops: ops}
}

// run applies the network to keys, which hold n rows of lanes.
func (net *network) run(keys []int32) {
	for i := 0; i+8 <= net.n; i += 8 {
		sort8((*[8 * lanes]int32)(keys[i*lanes:]))
	}
	for _, c := range net.ops {
		lo, hi := (*[lanes]int32)(keys[c.lo*lanes:]), (*[lanes]int32)(keys[c.hi*lanes:])
		switch {
		case c.low && c.high:
			for j := range lo {
				a, b := lo[j], hi[j]
				lo[j], hi[j] = min(a, b), max(a, b)
			}
		case c.low:
			for j := range lo {
				lo[j] = min(lo[j], hi[j])
			}
		default:
			for j := range hi {
				hi[j] = max(lo[j], hi[j])
			}
		}
	}
}

// sort8 sorts eight rows of lanes keys by a network of 19 comparators, the
// least possible [Knuth, TAOCP 3, 5.3.4].
func sort8(x *[8 * lanes]int32) {
	for j := range lanes {
		a, b, c, d := x[j], x[j+lanes], x[j+2*lanes], x[j+3*lanes]
		e, f, g, h := x[j+4*lanes], x[j+5*lanes], x[j+6*lanes], x[j+7*lanes]
		a, c = min(a, c), max(a, c)
		b, d = min(b, d), max(b, d)
		e, g = min(e, g), max(e, g)
		f, h = min(f, h), max(f, h)
		a, e = min(a, e), max(a, e)
		b, f = min(b, f), max(b, f)
		c, g = min(c, g), max(c, g)
		d, h = min(d, h), max(d, h)
		a, b = min(a, b), max(a, b)
		c, d = min(c, d), max(c, d)
		e, f = min(e, f), max(e, f)
		g, h = min(g, h), max(g, h)
		c, e = min(c, e), max(c, e)
		d, f = min(d, f), max(d, f)
		b, e = min(b, e), max(b, e)
		d, g = min(d, g), max(d, g)
		b, c = min(b, c), max(b, c)
		d, e = min(d, e), max(d, e)
		f, g = min(f, g), max(f, g)
		x[j], x[j+lanes], x[j+2*lanes], x[j+3*lanes] = a, b, c, d
		x[j+4*lanes], x[j+5*lanes], x[j+6*lanes], x[j+7*lanes] = e, f, g, h
	}
}

// borrow returns a block of keys that no other goroutine uses.
func (net *network) borrow() []int32 {
	net.mu.Lock()
	defer net.mu.Unlock()
	if last := len(net.free) - 1; last >= 0 {
		keys := net.free[last]
		net.free = net.free[:last]
		return keys
	}
	return make([]int32, net.n*lanes)
}

func (net *network) giveBack(keys []int32) {
	net.mu.Lock()
	defer net.mu.Unlock()
	net.free = append(net.free, keys)
}
