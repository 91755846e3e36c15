package simd

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// pools are rows of pools with samples that fill vectors and do not, close together
// and not.
func pools() (list []Pools) {
	for _, n := range []int{1, 7, 8, 16, 20, 64} {
		for w := 1; w < 4; w++ {
			list = append(list, Pools{w, n, n, n}, Pools{w, n, n + 3, n}, Pools{w, n, n, n + 5})
		}
	}
	return list
}

// four are the indices of what is pooled for sample i of pixel x, in rows one behind
// another.
func (p Pools) four(x, i int) [4]int {
	at, lower := 2*x*p.From+i, 2*p.W*p.From
	return [4]int{at, at + p.From, lower + at, lower + at + p.From}
}

// TestPool: assembly and Go agree to the bit, with ties, and both are right.
func TestPool(t *testing.T) {
	both(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(8, 1))
		nan := float32(math.NaN())
		for _, p := range pools() {
			rows := make([]float32, 4*p.W*p.From)
			for i := range rows {
				rows[i] = float32(rng.IntN(5) - 3)
			}
			rows[rng.IntN(len(rows))] = nan
			out, arg := values(rng, p.W*p.Pixel), make([]uint8, p.W*p.Pixel)
			untouched := slices.Clone(out)
			Pool(out, arg, rows[:len(rows)/2], rows[len(rows)/2:], 0.5, p)
			for at := range out {
				x, i := at/p.Pixel, at%p.Pixel
				if i >= p.N {
					if out[at] != untouched[at] || arg[at] != 0 {
						t.Fatalf("%+v: element %d between two pixels is written", p, at)
					}
					continue
				}
				four, best := p.four(x, i), 0
				for k := 1; k < 4; k++ {
					if v := rows[four[k]]; v > rows[four[best]] || v != v {
						best = k
					}
				}
				want := max(0, rows[four[best]]+0.5)
				if want == 0 {
					best = Dead
				}
				if same := out[at] == want || out[at] != out[at] && want != want; !same || int(arg[at]) != best {
					t.Fatalf("%+v: sample %d of pixel %d is %v, number %d, want %v, number %d", p, i, x, out[at], arg[at], want, best)
				}
			}
		}
	})
}

// TestUnpool sends 1, 2, 3, … to where the numbers say.
func TestUnpool(t *testing.T) {
	both(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(9, 1))
		for _, p := range pools() {
			dout, arg := make([]float32, p.W*p.Pixel), make([]uint8, p.W*p.Pixel)
			rows := values(rng, 4*p.W*p.From)
			want := slices.Clone(rows)
			lanes := [8]float32{1000, 0, 0, 0, 0, 0, 0, 2000}
			sums := lanes
			for x := range p.W {
				for i := range p.N {
					at := x*p.Pixel + i
					dout[at], arg[at] = float32(at+1), uint8(rng.IntN(Dead+1))
					four := p.four(x, i)
					for _, place := range four {
						want[place] = 0
					}
					if k := arg[at]; k != Dead {
						want[four[k]] = dout[at]
						sums[i%8] += dout[at]
					}
				}
			}
			Unpool(rows[:len(rows)/2], rows[len(rows)/2:], dout, arg, &lanes, p)
			if !slices.Equal(rows, want) {
				t.Fatalf("%+v: rows are %v, want %v", p, rows, want)
			}
			if lanes != sums {
				t.Fatalf("%+v: sums %v, want %v", p, lanes, sums)
			}
		}
	})
}

// TestMaxPoolRows pools overlapping rows and sends a gradient back.
func TestMaxPoolRows(t *testing.T) {
	both(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(10, 1))
		nan := float32(math.NaN())
		for _, n := range lengths() {
			in := make([]float32, 3*n+5)
			for i := range in {
				in[i] = float32(rng.IntN(4))
			}
			in[rng.IntN(len(in))] = nan
			in[rng.IntN(len(in))] = math.Float32frombits(math.Float32bits(nan) | 1<<31)
			for _, taps := range [][]Tap{{{3, 200}}, {{2 * n, 7}, {0, 4}}, {{0, 0}, {n, 1}, {n + 5, 2}, {2 * n, 3}, {2*n + 1, 255}}} {
				out, arg := make([]float32, n), make([]uint8, n)
				MaxPool(out, arg, in, taps)
				for i := range n {
					best := taps[0]
					for _, tap := range taps[1:] {
						if math.Float32bits(in[tap.At+i]) > math.Float32bits(in[best.At+i]) {
							best = tap
						}
					}
					if want := in[best.At+i]; math.Float32bits(out[i]) != math.Float32bits(want) || int(arg[i]) != best.Number {
						t.Fatalf("n = %d, taps %v: element %d is %v of tap %d, want %v of %d", n, taps, i, out[i], arg[i], want, best.Number)
					}
				}
			}

			// As gradients: which of three rows of outputs name this input.
			dout, arg, din := values(rng, 3*n+5), make([]uint8, 3*n+5), values(rng, n)
			for i := range arg {
				arg[i] = uint8(rng.IntN(3))
			}
			taps := []Tap{{5, 2}, {n, 0}, {2*n + 1, 1}}
			MaxPoolGrad(din, dout, arg, taps)
			for i := range n {
				var want float32
				for _, tap := range taps {
					if int(arg[tap.At+i]) == tap.Number {
						want += dout[tap.At+i]
					}
				}
				if din[i] != want {
					t.Fatalf("n = %d: gradient %d is %v, want %v", n, i, din[i], want)
				}
			}
		}
	})
}

// TestMoments and TestMaskSums: assembly and Go agree to the bit, and with sums
// in another order to their rounding.
func TestMoments(t *testing.T) {
	rng := rand.New(rand.NewPCG(11, 1))
	for _, n := range lengths() {
		x := values(rng, n)
		sum, squares := Moments(x)
		without(func() {
			if s, q := Moments(x); s != sum || q != squares {
				t.Fatalf("n = %d: %v and %v in assembly, %v and %v in Go", n, sum, squares, s, q)
			}
		})
		one := slices.Repeat([]float32{1}, n)
		checkDot(t, n, sum, x, one)
		checkDot(t, n, squares, x, x)
	}
}

func TestMaskSums(t *testing.T) {
	rng := rand.New(rand.NewPCG(12, 1))
	nan := float32(math.NaN())
	for _, n := range lengths() {
		dout, out, x, want := values(rng, n), make([]float32, n), values(rng, n), make([]float32, n)
		for i := range out {
			if out[i] = []float32{0, 2, nan}[rng.IntN(3)]; out[i] != 0 {
				want[i] = dout[i]
			}
		}
		g := values(rng, n)
		sum, product := MaskSums(g, dout, out, x)
		if !slices.Equal(g, want) {
			t.Fatalf("n = %d: %v, want %v", n, g, want)
		}
		checkDot(t, n, sum, g, slices.Repeat([]float32{1}, n))
		checkDot(t, n, product, g, x)
		without(func() {
			if s, p := MaskSums(dout, dout, out, x); s != sum || p != product || !slices.Equal(dout, want) {
				t.Fatalf("n = %d: %v and %v in assembly, %v and %v in Go, in place", n, sum, product, s, p)
			}
		})
	}
}

// checkDot fails unless got is Σ x[i]·y[i] but for rounding.
func checkDot(t *testing.T, n int, got float64, x, y []float32) {
	t.Helper()
	var want, size float64
	for i := range x {
		product := float64(x[i]) * float64(y[i])
		want += product
		size += math.Abs(product)
	}
	if math.Abs(got-want) > 1e-13*size {
		t.Fatalf("n = %d: sum is %v, want %v", n, got, want)
	}
}

// TestAffine compares with the formulas, to the bit, with zeros of both signs,
// and with NaN and infinities.
func TestAffine(t *testing.T) {
	both(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(13, 1))
		const scale, by, shift = -1.5, 0.75, 0.25
		for _, n := range lengths() {
			x, y := values(rng, n), values(rng, n)
			if n > 5 {
				x[0], x[1], x[2] = float32(math.NaN()), float32(math.Inf(1)), float32(math.Inf(-1))
				x[3], y[3] = shift/-scale, 0 // ±0 before ReLU
			}
			relu, added, sum := make([]float32, n), make([]float32, n), make([]float32, n)
			AffineReLU(relu, x, scale, shift)
			AffineAddReLU(added, x, y, scale, by, shift)
			AffineAdd(sum, x, y, scale, by, shift)
			for i := range n {
				products := [2]float32{scale * x[i], by * y[i]}
				two := products[0] + products[1]
				sameBits(t, n, i, relu[i], max(0, products[0]+shift))
				sameBits(t, n, i, added[i], max(0, two+shift))
				sameBits(t, n, i, sum[i], two+shift)
			}
			in := slices.Clone(x)
			AffineAdd(in, y, in, by, scale, shift)
			AffineAdd(sum, y, x, by, scale, shift)
			for i := range n {
				sameBits(t, n, i, in[i], sum[i])
			}
		}
	})
}

// sameBits fails unless two numbers are the same, to the sign of zero, or NaN.
func sameBits(t *testing.T, n, i int, got, want float32) {
	t.Helper()
	if math.Float32bits(got) != math.Float32bits(want) && (got == got || want == want) {
		t.Fatalf("n = %d: element %d is %v, want %v", n, i, got, want)
	}
}
