package simd

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// both runs f with the assembly, where there is any, for AVX2 alone too, and
// without.
func both(t *testing.T, f func(t *testing.T)) {
	t.Helper()
	if accelerated {
		t.Run("assembly", f)
	}
	if accelerated512 {
		t.Run("AVX2", func(t *testing.T) {
			defer func() { accelerated512 = true }()
			accelerated512 = false
			f(t)
		})
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

func TestLoadColumns(t *testing.T) {
	both(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(1, 2))
		for n := range 40 {
			rows := make([][]float32, n)
			for i := range rows {
				rows[i] = values(rng, 200)
			}
			block := make([]float32, n*Lanes)
			for _, cols := range []int{1, 63, Lanes} {
				for _, at := range []int{0, 7, 200 - cols} {
					if !LoadColumns(block, rows, at, cols) {
						t.Fatalf("%d rows from %d: finite values are not", n, at)
					}
					for i, row := range rows {
						if !slices.Equal(block[i*Lanes:][:cols], row[at:at+cols]) {
							t.Fatalf("row %d of %d from %d differs", i, n, at)
						}
					}
					for _, bad := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
						if n == 0 {
							break
						}
						x := &rows[rng.IntN(n)][at+rng.IntN(cols)]
						kept := *x
						if *x = float32(bad); LoadColumns(block, rows, at, cols) {
							t.Fatalf("%d rows from %d: %v is finite", n, at, bad)
						}
						*x = kept
					}
				}
			}
		}
	})
}

// TestNetwork sorts by a network that is bubble sort.
func TestNetwork(t *testing.T) {
	both(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(1, 1))
		for n := range 12 {
			var pairs [][2]int32
			for last := n - 1; last > 0; last-- {
				for i := range last {
					pairs = append(pairs, [2]int32{int32(i), int32(i + 1)})
				}
			}
			block := values(rng, n*Lanes)
			want := slices.Clone(block)
			NewNetwork(n, pairs).Sort(block)
			for j := range Lanes {
				column := make([]float32, n)
				for i := range n {
					column[i] = want[i*Lanes+j]
				}
				slices.Sort(column)
				for i, v := range column {
					if block[i*Lanes+j] != v {
						t.Fatalf("%d rows: row %d of column %d is %v, want %v", n, i, j, block[i*Lanes+j], v)
					}
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
			next := &[4][]float32{x[1], nil, x[0], x[3]}
			AddScaled4(scaled, &x, &w, next)
			AddPowers4(added, squared, &x, next)
			for k, row := range x {
				AddScaled(wantScaled, row, w[k])
				AddPowers(wantAdded, wantSquared, row)
			}
			if !slices.Equal(scaled, wantScaled) || !slices.Equal(added, wantAdded) || !slices.Equal(squared, wantSquared) {
				t.Fatalf("n = %d: four rows at once differ from one after another", n)
			}
		}
	})
}

// TestAccumulate compares with the sum and its square written out, to the bit.
func TestAccumulate(t *testing.T) {
	both(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(9, 1))
		for _, n := range lengths() {
			memory, x, keep, scores := values(rng, n), values(rng, n), make([]float32, n), doubles(rng, n)
			for i := range keep {
				keep[i] = float32(rng.IntN(2))
			}
			gamma := rng.Float64()
			sum, scored := make([]float32, n), slices.Clone(scores)
			Accumulate(sum, memory, keep, x, scored, gamma, memory, nil)
			for i, v := range x {
				product := gamma * float64(v)
				want := float32(product + float64(keep[i]*memory[i]))
				square := float64(want) * float64(want)
				if sum[i] != want || scored[i] != scores[i]+square {
					t.Fatalf("n = %d: element %d is off", n, i)
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

func TestScore(t *testing.T) {
	near := func(got, want, tolerance float64) bool {
		return math.Abs(got-want) <= tolerance*(1+math.Abs(want)) || math.IsNaN(got) && math.IsNaN(want)
	}
	both(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(7, 1))
		for _, n := range lengths() {
			scores, s, m, next := doubles(rng, n), doubles(rng, n), values(rng, n), make([]float32, n)
			if n > 0 {
				scores[0], s[n/2] = -1e9, math.NaN()
			}
			before := slices.Clone(scores)
			generic, follows := slices.Clone(scores), make([]float32, n)
			Score(scores, next, s, m, 0.3, 7)
			without(func() { Score(generic, follows, s, m, 0.3, 7) })
			same := func(a, b float64) bool {
				return math.Float64bits(a) == math.Float64bits(b) || math.IsNaN(a) && math.IsNaN(b)
			}
			for j := range n {
				if !same(scores[j], generic[j]) || !same(float64(next[j]), float64(follows[j])) {
					t.Fatalf("n = %d: element %d is %v and %v in assembly, %v and %v in Go", n, j, scores[j], next[j], generic[j], follows[j])
				}
			}
			for j := range n {
				w := float64(m[j])
				if want := math.Max(0, 0.3*0.3*before[j]+w*(2*0.3*s[j]+7*w)); !near(scores[j], want, 1e-12) {
					t.Fatalf("n = %d: score %d is %v, want %v", n, j, scores[j], want)
				}
				if want := 0.3/7*s[j] + w; !near(float64(next[j]), want, 1e-6) {
					t.Fatalf("n = %d: next %d is %v, want %v", n, j, next[j], want)
				}
			}
		}
	})
}

// TestAbove: by integers, and NaN is above all.
func TestAbove(t *testing.T) {
	both(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(14, 1))
		for _, n := range lengths() {
			x := doubles(rng, n)
			for i := range x {
				x[i] = math.Abs(x[i])
			}
			if n > 2 {
				x[rng.IntN(n)], x[rng.IntN(n)] = math.NaN(), math.Inf(1)
				x[rng.IntN(n)] = 0.5
			}
			for _, least := range []float64{0, 0.5, 1, 9, math.Inf(1)} {
				var want []uint16
				for i, v := range x {
					if !(v < least) {
						want = append(want, uint16(i))
					}
				}
				found := make([]uint16, n)
				if count := Above(found, x, int64(math.Float64bits(least))); !slices.Equal(found[:count], want) {
					t.Fatalf("n = %d: at least %v are %v, want %v", n, least, found[:count], want)
				}
			}
		}
	})
}

func TestPick(t *testing.T) {
	both(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(15, 1))
		for _, n := range lengths() {
			src := values(rng, 2*n)
			at, want := make([]uint16, n), make([]float32, n)
			for q := range at {
				at[q] = uint16(2*q + rng.IntN(2))
				want[q] = src[at[q]]
			}
			dst := values(rng, n)
			if Pick(dst, src, at); !slices.Equal(dst, want) {
				t.Fatalf("n = %d: picked %v, want %v", n, dst, want)
			}
		}
	})
}

func TestGram(t *testing.T) {
	both(t, testGram)
}

func testGram(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 1))
	for _, n := range []int{1, 2, 3, 5, 8, 9, 32} {
		g := NewGram(n)
		for _, cols := range append(lengths(), GramChunk, 2*GramChunk+33) {
			stride := cols + n
			data := values(rng, n*stride)
			rows := make([][]float32, n)
			for i := range rows {
				rows[i] = data[i*stride:][:cols]
			}
			sums, K := make([]float64, g.Sums()), make([]float64, n*n)
			g.Add(sums, data, stride, cols)
			g.Add(sums, data[:(n-1)*stride+cols], stride, cols)
			g.Fill(K, sums)
			checkGram(t, K, rows)
		}
	}
}

// checkGram holds K to twice the rows' Gram matrix: n/8 roundings of u = 2⁻²⁴ in
// each of eight sums, and those of the sums.
func checkGram(t *testing.T, K []float64, rows [][]float32) {
	t.Helper()
	for i, x := range rows {
		for j, y := range rows {
			want, size := 0.0, 0.0
			for c := range x {
				product := 2 * float64(x[c]) * float64(y[c])
				want += product
				size += math.Abs(product)
			}
			if j > i {
				want, size = 0, 0
			}
			if got := K[i*len(rows)+j]; math.Abs(got-want) > (float64(len(x))/8+5)/(1<<24)*size {
				t.Fatalf("%d rows of %d: product of rows %d and %d is %v, want %v", len(rows), len(x), i, j, got, want)
			}
		}
	}
}

func TestLengthsAreChecked(t *testing.T) {
	x, y := make([]float32, 16), make([]float32, 15)
	z := make([]float64, 16)
	for name, f := range map[string]func(){
		"LoadColumns":     func() { LoadColumns(make([]float32, 2*Lanes), [][]float32{x, y}, 0, 16) },
		"Sort":            func() { NewNetwork(2, nil).Sort(x) },
		"NewNetwork":      func() { NewNetwork(2, [][2]int32{{0, 2}}) },
		"AddScaled":       func() { AddScaled(z, y, 1) },
		"AddPowers":       func() { AddPowers(z, z[:15], x) },
		"SquaredDistance": func() { SquaredDistance(x, y) },
		"AddScaled4":      func() { AddScaled4(z, &[4][]float32{x, x, y, x}, new([4]float64), nil) },
		"AddPowers4":      func() { AddPowers4(z, z, &[4][]float32{x, x, y, x}, nil) },
		"Pool":            func() { Pool(x, make([]uint8, 16), x, y, 0, Pools{1, 8, 8, 8}) },
		"Above":           func() { Above(make([]uint16, 15), z, 0) },
		"Pick":            func() { Pick(x, x, make([]uint16, 15)) },
		"Pick's last":     func() { Pick(x[:2], x, []uint16{3, 16}) },
		"Unpool":          func() { Unpool(x, x, y, make([]uint8, 16), new([8]float32), Pools{2, 8, 8, 8}) },
		"MaxPool":         func() { MaxPool(x, make([]uint8, 16), x, []Tap{{0, 0}, {1, 1}}) },
		"MaxPoolGrad":     func() { MaxPoolGrad(y, x, make([]uint8, 15), []Tap{{0, 0}, {1, 1}}) },
		"MaskSums":        func() { MaskSums(x, x, y, x) },
		"AffineReLU":      func() { AffineReLU(x, y, 1, 1) },
		"AffineAddReLU":   func() { AffineAddReLU(x, x, y, 1, 1, 1) },
		"AffineAdd":       func() { AffineAdd(x, y, x, 1, 1, 1) },
		"Accumulate":      func() { Accumulate(x, x, x, y, z, 1, nil, nil) },
		"Score":           func() { Score(z, x, z, y, 1, 1) },
		"Gram": func() {
			g := NewGram(4)
			g.Add(make([]float64, g.Sums()), x[:15], 4, 4)
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
	a := [4][]float32{rows(), rows(), rows(), rows()}
	gram, many := NewGram(32), values(rng, 32*n)
	sums := make([]float64, gram.Sums())
	block, net := values(rng, 4*Lanes), NewNetwork(4, [][2]int32{{0, 1}})
	for _, f := range []struct {
		name  string
		bytes int64
		run   func()
	}{
		{"LoadColumns", 16 * Lanes, func() { LoadColumns(block, a[:], 64, Lanes) }},
		{"Sort", 8 * Lanes, func() { net.Sort(block) }},
		{"Finite", 4 * n, func() { Finite(x) }},
		{"AddScaled", 4 * n, func() { AddScaled(sum, x, 0.5) }},
		{"AddScaled4", 16 * n, func() { AddScaled4(sum, &a, &[4]float64{1, 2, 3, 4}, nil) }},
		{"AddPowers4", 16 * n, func() { AddPowers4(sum, squares, &a, nil) }},
		{"AddPowers", 4 * n, func() { AddPowers(sum, squares, x) }},
		{"SquaredDistance", 8 * n, func() { SquaredDistance(x, y) }},
		{"Gram", 32 * 4 * n, func() { gram.Add(sums, many, n, n) }},
	} {
		b.Run(f.name, func(b *testing.B) {
			b.SetBytes(f.bytes)
			for b.Loop() {
				f.run()
			}
		})
	}
}
