package kernel

import (
	"fmt"
	"math"
	"testing"
)

// poolShape is 2×C×2W×N, with from elements a pixel. Pooled rows lie stride elements
// apart, and their pixels step.
type poolShape struct{ c, w, n, stride, step, from int }

func (s poolShape) pooled() Pooled {
	return Pooled{W: s.w, N: s.n, Channel: s.stride, Pixel: s.step, From: s.from}
}

// places calls f with the place of every pooled value in out and the places of
// the four it is the largest of, in the order of the rows.
func (s poolShape) places(f func(channel, out int, four [4]int)) {
	for c := range s.c {
		for x := range s.w {
			for i := range s.n {
				at := (c*s.w+x)*2*s.from + i
				below := at + s.c*2*s.w*s.from
				f(c, c*s.stride+x*s.step+i, [4]int{at, at + s.from, below, below + s.from})
			}
		}
	}
}

// naivePool returns the output, 99 where it must not write, and for every
// output the place its gradient goes to, −1 for none.
func naivePool(s poolShape, pair, bias []float32) (out []float32, source []int) {
	out, source = make([]float32, s.c*s.stride), make([]int, s.c*s.stride)
	for i := range out {
		out[i], source[i] = 99, -1
	}
	s.places(func(c, o int, four [4]int) {
		from := four[0]
		for _, p := range four[1:] {
			if pair[p] > pair[from] || pair[p] != pair[p] && pair[from] == pair[from] {
				from = p
			}
		}
		switch v := pair[from] + bias[c]; {
		case v <= 0:
			out[o] = 0
		default:
			out[o], source[o] = v, from
		}
	})
	return out, source
}

func pool(s poolShape, pair, bias []float32) (out []float32, arg []uint8) {
	out, arg = make([]float32, s.c*s.stride), make([]uint8, s.c*s.stride)
	for i := range out {
		out[i] = 99
	}
	PoolBiasReLU(out, arg, pair, bias, s.pooled())
	return out, arg
}

func TestPool(t *testing.T) {
	draws := map[string]func(n int) []float32{
		"normal": func(n int) []float32 { return normal(source(4), n) },
		"ties": func(n int) []float32 {
			x, rng := make([]float32, n), source(5)
			for i := range x {
				x[i] = float32(rng.IntN(3) - 1)
			}
			return x
		},
		"all negative": func(n int) []float32 {
			x := normal(source(6), n)
			for i, v := range x {
				x[i] = -10 - v*v
			}
			return x
		},
		"wide": func(n int) []float32 {
			x, rng := normal(source(7), n), source(8)
			for i := range x {
				x[i] *= float32(math.Pow(10, float64(rng.IntN(70)-35)))
			}
			return x
		},
	}
	for name, draw := range draws {
		for _, n := range []int{1, 3, 16} {
			for _, s := range []poolShape{{1, 1, n, n, n, n}, {3, 4, n, 4 * n, n, n}, {2, 5, n, 5*n + 7, n, n}, {2, 3, n, 3*n + 12, n + 4, n + 5}} {
				t.Run(fmt.Sprintf("%s, %+v", name, s), func(t *testing.T) {
					pair, bias := draw(s.c*4*s.w*s.from), normal(source(9), s.c)
					wantOut, from := naivePool(s, pair, bias)
					out, arg := pool(s, pair, bias)
					compareExactly(t, "out", out, wantOut)

					dout := normal(source(10), len(out))
					wantPair, wantBias := make([]float32, len(pair)), make([]sum, s.c)
					dpair, dbias := make([]float32, len(pair)), make([]float32, s.c)
					s.places(func(c, o int, four [4]int) {
						for _, p := range four {
							dpair[p] = float32(math.NaN()) // stale; what is between stays
						}
						if from[o] >= 0 {
							wantPair[from[o]] = dout[o]
							wantBias[c].add(float64(dout[o]))
						}
					})
					GradPoolBiasReLU(dpair, dbias, dout, arg, s.pooled())
					compareExactly(t, "dpair", dpair, wantPair)
					compare(t, "dbias", dbias, wantBias)
				})
			}
		}
	}
}

// TestPoolOfFour pools one group of four with bias ½ and sends back a gradient
// of 8: which one gets it says which was taken.
func TestPoolOfFour(t *testing.T) {
	inf, nan := float32(math.Inf(1)), float32(math.NaN())
	// ∞ − ∞, with the sign bit set, is the NaN that x86 itself makes.
	negative := math.Float32frombits(math.Float32bits(nan) | 1<<31)
	const none = -1
	for _, c := range []struct {
		name string
		four [4]float32
		out  float32
		from int
	}{
		{"first", [4]float32{4, 1, 2, 3}, 4.5, 0},
		{"second", [4]float32{1, 4, 2, 3}, 4.5, 1},
		{"third", [4]float32{1, 2, 4, 3}, 4.5, 2},
		{"fourth", [4]float32{1, 2, 3, 4}, 4.5, 3},
		{"first of equals", [4]float32{1, 2, 2, 2}, 2.5, 1},
		{"largest of negatives", [4]float32{-3, -0.25, -2, -1}, 0.25, 1},
		{"dead", [4]float32{-3, -2, -1, -4}, 0, none},
		{"dead at zero", [4]float32{-3, -2, -0.5, -4}, 0, none},
		{"infinite", [4]float32{1, inf, 2, -inf}, inf, 1},
		{"all minus infinity", [4]float32{-inf, -inf, -inf, -inf}, 0, none},
		{"NaN", [4]float32{1, 2, nan, inf}, nan, 2},
		{"NaN among negatives", [4]float32{-1, nan, -3, -2}, nan, 1},
		{"NaN of negative sign", [4]float32{1, 2, negative, inf}, nan, 2},
		{"NaN of negative sign among negatives", [4]float32{-1, -2, -3, negative}, nan, 3},
		{"four NaN of negative sign", [4]float32{negative, negative, negative, negative}, nan, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			out, arg := pool(poolShape{1, 1, 1, 1, 1, 1}, c.four[:], []float32{0.5})
			compareExactly(t, "out", out, []float32{c.out})

			dpair, dbias := stale(4), []float32{100}
			GradPoolBiasReLU(dpair, dbias, []float32{8}, arg, poolShape{1, 1, 1, 1, 1, 1}.pooled())
			want, wantBias := make([]float32, 4), float32(100)
			if c.from != none {
				want[c.from], wantBias = 8, 108
			}
			compareExactly(t, "dpair", dpair, want)
			compareExactly(t, "dbias, added to 100", dbias, []float32{wantBias})
		})
	}
}
