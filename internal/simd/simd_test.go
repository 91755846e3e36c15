package simd

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// both runs f with the assembly, where there is any, and without.
func both(t *testing.T, f func(t *testing.T)) {
	t.Helper()
	if accelerated {
		t.Run("assembly", f)
	}
	t.Run("generic", func(t *testing.T) {
		defer func(was bool) { accelerated = was }(accelerated)
		accelerated = false
		f(t)
	})
}

// without runs f without the assembly.
func without(f func()) {
	defer func(was bool) { accelerated = was }(accelerated)
	accelerated = false
	f()
}

// lengths are all up to a few vectors, and some longer.
func lengths() []int {
	var all []int
	for n := range 140 {
		all = append(all, n)
	}
	return append(all, 255, 256, 1000, 1023)
}

// values returns n values of many sizes that do not begin on a vector's border.
func values(rng *rand.Rand, n int) []float32 {
	x := make([]float32, n+1+n%3)
	for i := range x {
		x[i] = float32(rng.NormFloat64() * math.Pow(10, float64(rng.IntN(9)-4)))
	}
	return x[len(x)-n:]
}

func doubles(rng *rand.Rand, n int) []float64 {
	x := make([]float64, n)
	for i := range x {
		x[i] = rng.NormFloat64()
	}
	return x
}

func TestMinMax(t *testing.T) {
	both(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(1, 1))
		for _, n := range lengths() {
			a, b := values(rng, n), values(rng, n)
			lo, hi := slices.Clone(a), slices.Clone(b)
			MinMax(lo, hi)
			least, most := slices.Clone(a), slices.Clone(a)
			Min(least, b)
			Max(most, b)
			for i := range n {
				small, large := min(a[i], b[i]), max(a[i], b[i])
				if lo[i] != small || hi[i] != large || least[i] != small || most[i] != large {
					t.Fatalf("n = %d: of %v and %v at %d: %v and %v, and %v and %v apart", n, a[i], b[i], i, lo[i], hi[i], least[i], most[i])
				}
			}
		}
	})
}

func TestFinite(t *testing.T) {
	both(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(2, 1))
		for _, n := range lengths() {
			x := values(rng, n)
			if n > 0 {
				x[rng.IntN(n)] = math.MaxFloat32
			}
			if !Finite(x) {
				t.Fatalf("n = %d: finite values are not", n)
			}
			for i := 0; i < n; i += 1 + n/20 {
				for _, bad := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
					kept := x[i]
					if x[i] = float32(bad); Finite(x) {
						t.Fatalf("n = %d: %v at %d is finite", n, bad, i)
					}
					x[i] = kept
				}
			}
		}
	})
}

// TestSums compares with sums written out, to the bit.
func TestSums(t *testing.T) {
	both(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(3, 1))
		for _, n := range lengths() {
			x, sum, squares := values(rng, n), doubles(rng, n), doubles(rng, n)
			w := rng.NormFloat64()
			scaled, added, squared := slices.Clone(sum), slices.Clone(sum), slices.Clone(squares)
			AddScaled(scaled, x, w)
			AddPowers(added, squared, x)
			for i, v := range x {
				v := float64(v)
				product := w * v
				if scaled[i] != sum[i]+product || added[i] != sum[i]+v || squared[i] != squares[i]+v*v {
					t.Fatalf("n = %d: element %d is off", n, i)
				}
			}
		}
	})
}

// TestFourRows: four rows at once give the bits that one after another does.
func TestFourRows(t *testing.T) {
	both(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(7, 1))
		for _, n := range lengths() {
			x := [4][]float32{values(rng, n), values(rng, n), values(rng, n), values(rng, n)}
			w := [4]float64{rng.NormFloat64(), 0, rng.NormFloat64(), rng.NormFloat64()}
			sum, squares := doubles(rng, n), doubles(rng, n)
			scaled, wantScaled := slices.Clone(sum), slices.Clone(sum)
			added, wantAdded := slices.Clone(sum), slices.Clone(sum)
			squared, wantSquared := slices.Clone(squares), slices.Clone(squares)
			AddScaled4(scaled, &x, &w)
			AddPowers4(added, squared, &x)
			for k, row := range x {
				Prefetch(row)
				AddScaled(wantScaled, row, w[k])
				AddPowers(wantAdded, wantSquared, row)
			}
			if !slices.Equal(scaled, wantScaled) || !slices.Equal(added, wantAdded) || !slices.Equal(squared, wantSquared) {
				t.Fatalf("n = %d: four rows at once differ from one after another", n)
			}
		}
	})
}

// TestPool: assembly and Go agree to the bit, with ties, and both are right.
func TestPool(t *testing.T) {
	both(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(8, 1))
		nan := float32(math.NaN())
		for _, n := range lengths() {
			var x [4][]float32
			for k := range x {
				x[k] = make([]float32, n)
				for i := range x[k] {
					x[k][i] = float32(rng.IntN(5) - 3)
				}
			}
			if n > 0 {
				x[rng.IntN(4)][rng.IntN(n)] = nan
			}
			out, arg := make([]float32, n), make([]uint8, n)
			Pool(out, arg, x[0], x[1], x[2], x[3], 0.5)
			for i := range n {
				best := 0
				for k := 1; k < 4; k++ {
					if v := x[k][i]; v > x[best][i] || v != v {
						best = k
					}
				}
				want := max(0, x[best][i]+0.5)
				if want == 0 {
					best = Dead
				}
				if same := out[i] == want || out[i] != out[i] && want != want; !same || int(arg[i]) != best {
					t.Fatalf("n = %d: of %v, %v, %v and %v: %v, number %d, want %v, number %d",
						n, x[0][i], x[1][i], x[2][i], x[3][i], out[i], arg[i], want, best)
				}
			}
		}
	})
}

func TestSquaredDistance(t *testing.T) {
	rng := rand.New(rand.NewPCG(4, 1))
	for _, n := range lengths() {
		x, y := values(rng, n), values(rng, n)
		got := SquaredDistance(x, y)
		without(func() {
			if want := SquaredDistance(x, y); got != want {
				t.Fatalf("n = %d: %v in assembly, %v in Go", n, got, want)
			}
		})
		var want float64
		for i := range x {
			d := float64(x[i]) - float64(y[i])
			want += d * d
		}
		if math.Abs(got-want) > 1e-13*want {
			t.Fatalf("n = %d: %v, want %v", n, got, want)
		}
	}
}

func TestDots(t *testing.T) {
	both(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(5, 1))
		for _, n := range lengths() {
			var a [DotsRows][]float32
			var b [DotsCols][]float32
			for i := range a {
				a[i] = values(rng, n)
			}
			for j := range b {
				b[j] = values(rng, n)
			}
			var out [DotsRows * DotsCols]float64
			for k := range out {
				out[k] = float64(k)
			}
			Dots(&out, &a, &b)
			for i, x := range a {
				for j, y := range b {
					want, size := float64(DotsCols*i+j), 0.0
					for c := range x {
						product := float64(x[c]) * float64(y[c])
						want += product
						size += math.Abs(product)
					}
					// n/8 roundings of u = 2⁻²⁴ in each of eight sums.
					if got := out[DotsCols*i+j]; math.Abs(got-want) > (float64(n)/8+2)/(1<<24)*size {
						t.Fatalf("n = %d: product of rows %d and %d is %v, want %v", n, i, j, got, want)
					}
				}
			}
		}
	})
}

func TestLengthsAreChecked(t *testing.T) {
	x, y := make([]float32, 16), make([]float32, 15)
	z := make([]float64, 16)
	for name, f := range map[string]func(){
		"MinMax":          func() { MinMax(x, y) },
		"Min":             func() { Min(x, y) },
		"Max":             func() { Max(x, y) },
		"AddScaled":       func() { AddScaled(z, y, 1) },
		"AddPowers":       func() { AddPowers(z, z[:15], x) },
		"SquaredDistance": func() { SquaredDistance(x, y) },
		"AddScaled4":      func() { AddScaled4(z, &[4][]float32{x, x, y, x}, new([4]float64)) },
		"AddPowers4":      func() { AddPowers4(z, z, &[4][]float32{x, x, y, x}) },
		"Pool":            func() { Pool(x, make([]uint8, 16), x, x, y, x, 0) },
		"Dots": func() {
			Dots(new([12]float64), &[4][]float32{x, x, x, x}, &[3][]float32{x, y, x})
		},
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s takes slices of different lengths", name)
				}
			}()
			f()
		}()
	}
}

func BenchmarkPrimitives(b *testing.B) {
	const n = 512
	rng := rand.New(rand.NewPCG(6, 1))
	x, y := values(rng, n), values(rng, n)
	sum, squares := doubles(rng, n), doubles(rng, n)
	rows := func() []float32 { return values(rng, n) }
	a, c := [4][]float32{rows(), rows(), rows(), rows()}, [3][]float32{rows(), rows(), rows()}
	var out [12]float64
	for _, f := range []struct {
		name  string
		bytes int64
		run   func()
	}{
		{"MinMax", 8 * n, func() { MinMax(x, y) }},
		{"Min", 8 * n, func() { Min(x, y) }},
		{"Finite", 4 * n, func() { Finite(x) }},
		{"AddScaled", 4 * n, func() { AddScaled(sum, x, 0.5) }},
		{"AddScaled4", 16 * n, func() { AddScaled4(sum, &a, &[4]float64{1, 2, 3, 4}) }},
		{"AddPowers4", 16 * n, func() { AddPowers4(sum, squares, &a) }},
		{"AddPowers", 4 * n, func() { AddPowers(sum, squares, x) }},
		{"SquaredDistance", 8 * n, func() { SquaredDistance(x, y) }},
		{"Dots", 7 * 4 * n, func() { Dots(&out, &a, &c) }},
	} {
		b.Run(f.name, func(b *testing.B) {
			b.SetBytes(f.bytes)
			for b.Loop() {
				f.run()
			}
		})
	}
}
