//go:build gpu && linux

package cuda

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"testing"
)

// rowsOf puts x, n×d, on the device with a gap behind each row.
func rowsOf(b bench, x []float32, n, d int) Rows {
	b.Helper()
	r := Rows{N: n, D: d, Stride: d + 3}
	spread := b.normal(n * r.Stride)
	for i := range n {
		copy(spread[i*r.Stride:], x[i*d:(i+1)*d])
	}
	r.Memory = up(b, spread)
	return r
}

var rowShapes = []struct{ n, d int }{{1, 1}, {2, 31}, {3, 1000}, {11, 70}, {17, 257}, {32, 5000}, {64, 130}, {5, 20000}}

func eachRowShape(t *testing.T, f func(b bench, x []float32, r Rows)) {
	for _, s := range rowShapes {
		t.Run(fmt.Sprintf("%d×%d", s.n, s.d), func(t *testing.T) {
			b := newBench(t)
			x := b.normal(s.n * s.d)
			f(b, x, rowsOf(b, x, s.n, s.d))
		})
	}
}

// A Gram matrix is that of its definition, within 3e-7 (float32 sums over 64 columns) or
// 1e-12 of the rows' norms.
func TestGram(t *testing.T) {
	eachRowShape(t, func(b bench, x []float32, r Rows) {
		K, space := room[float64](b, r.N*r.N), room[float64](b, GramSpace(r.N))
		for _, c := range []struct {
			centre    int
			exact     bool
			tolerance float64
		}{{-1, false, 3e-7}, {-1, true, 1e-12}, {r.N / 2, false, 3e-7}, {r.N / 2, true, 1e-12}} {
			b.ok(b.Gram(K, r, c.centre, c.exact, space))
			got := down(b, K)
			want := gramOf(x, r.N, r.D, c.centre)
			for i := range r.N {
				for j := range r.N {
					scale := math.Sqrt(want[i*r.N+i]*want[j*r.N+j]) + 1e-300
					if !(math.Abs(got[i*r.N+j]-want[i*r.N+j]) <= c.tolerance*scale) {
						b.Fatalf("%+v: K[%d,%d] is %v, want %v", c, i, j, got[i*r.N+j], want[i*r.N+j])
					}
				}
			}
		}
	})
}

func gramOf(x []float32, n, d, centre int) []float64 {
	K := make([]float64, n*n)
	at := func(i, j int) float64 {
		v := float64(x[i*d+j])
		if centre >= 0 {
			v -= float64(x[centre*d+j])
		}
		return v
	}
	for i := range n {
		for k := range n {
			for j := range d {
				K[i*n+k] += at(i, j) * at(k, j)
			}
		}
	}
	return K
}

// Weighted sums are those of their definition, and a row without weight does not count.
func TestCombine(t *testing.T) {
	eachRowShape(t, func(b bench, x []float32, r Rows) {
		w := make([]float64, r.N)
		for i := range w {
			w[i] = b.rng.Float64()
		}
		w[r.N/2] = 0
		dst, bad := room[float32](b, r.D), up(b, []uint32{0})
		b.ok(b.Combine(dst, bad, r, up(b, w)))
		want := make([]float32, r.D)
		for j := range want {
			var s float64
			for i, wi := range w {
				s += wi * float64(x[i*r.D+j])
			}
			want[j] = float32(s)
		}
		near(b, "sum", down(b, dst), want, 1e-7)
		same(b, "bad", down(b, bad), []uint32{0})
	})
}

// An infinity or a NaN in a row with weight is noticed.
func TestNotFiniteIsNoticed(t *testing.T) {
	for _, v := range []float32{float32(math.Inf(1)), float32(math.Inf(-1)), float32(math.NaN())} {
		b := newBench(t)
		x := b.normal(5 * 100)
		x[3*100+50] = v
		r, dst := rowsOf(b, x, 5, 100), room[float32](b, 100)
		for name, call := range map[string]func(bad Memory[uint32]) error{
			"Combine":    func(bad Memory[uint32]) error { return b.Combine(dst, bad, r, up(b, []float64{1, 1, 1, 1, 1})) },
			"SortedMean": func(bad Memory[uint32]) error { return b.SortedMean(dst, bad, r, 2, 3) },
		} {
			bad := up(b, []uint32{0})
			b.ok(call(bad))
			if down(b, bad)[0] == 0 {
				t.Errorf("%s: %v in a row is not noticed", name, v)
			}
		}
		squares := room[float64](b, 5)
		b.ok(b.RowSquares(squares, r, room[float64](b, RowSquaresSpace(5))))
		for i, s := range down(b, squares) {
			if finite := !math.IsInf(s, 0) && s == s; finite != (i != 3) {
				t.Errorf("RowSquares: row %d has %v for %v in row 3", i, s, v)
			}
		}
	}
}

// Means of order statistics equal those of slices.Sort to the bit.
func TestSortedMean(t *testing.T) {
	eachRowShape(t, func(b bench, x []float32, r Rows) {
		for _, c := range [][2]int{{(r.N - 1) / 2, r.N/2 + 1}, {0, r.N}, {r.N - 1, r.N}, {r.N / 4, r.N - r.N/4}} {
			dst, bad := room[float32](b, r.D), up(b, []uint32{0})
			b.ok(b.SortedMean(dst, bad, r, c[0], c[1]))
			want, column := make([]float32, r.D), make([]float32, r.N)
			for j := range want {
				for i := range column {
					column[i] = x[i*r.D+j]
				}
				slices.Sort(column)
				var s float64
				for _, v := range column[c[0]:c[1]] {
					s += float64(v)
				}
				want[j] = float32(s / float64(c[1]-c[0]))
			}
			same(b, fmt.Sprint("order statistics ", c), down(b, dst), want)
		}
	})
}

func TestRowSquares(t *testing.T) {
	eachRowShape(t, func(b bench, x []float32, r Rows) {
		squares := room[float64](b, r.N)
		b.ok(b.RowSquares(squares, r, room[float64](b, RowSquaresSpace(r.N))))
		for i, got := range down(b, squares) {
			var want float64
			for _, v := range x[i*r.D : (i+1)*r.D] {
				want += float64(v) * float64(v)
			}
			if math.Abs(got-want) > 1e-12*want {
				b.Errorf("row %d: %v, want %v", i, got, want)
			}
		}
	})
}

func TestRowsAreScaledAndAdded(t *testing.T) {
	b := newBench(t)
	x, y := b.normal(300), b.normal(300)
	m := up(b, x)
	b.ok(b.ScaleRow(m, -3))
	b.ok(b.AddRow(m, up(b, y)))
	for i := range x {
		x[i] = x[i]*-3 + y[i]
	}
	same(t, "row", down(b, m), x)
}

// The largest scores are those of a stable sort.
func TestLargest(t *testing.T) {
	for _, c := range []struct{ d, k, values int }{{1, 1, 9}, {1000, 1, 9}, {1000, 1000, 9}, {5000, 500, 1 << 30}, {3000, 1500, 2}, {2049, 7, 1}} {
		t.Run(fmt.Sprintf("%+v", c), func(t *testing.T) {
			b := newBench(t)
			scores, order := make([]float64, c.d), make([]uint32, c.d)
			for i := range scores {
				order[i] = uint32(i)
				scores[i] = math.Exp(40 * float64(b.rng.IntN(c.values)) / float64(c.values))
				if b.rng.IntN(3) == 0 {
					scores[i] = 0
				}
			}
			slices.SortStableFunc(order, func(i, j uint32) int { return cmp.Compare(scores[j], scores[i]) })
			want := order[:c.k]
			slices.Sort(want)
			sel, err := NewSelection(b.Device(), c.d)
			b.ok(err)
			index, dScores := room[uint32](b, c.k), up(b, scores)
			for range 2 { // a selection can be used again
				b.ok(b.Largest(index, dScores, sel))
				same(t, "numbers", down(b, index), want)
			}
		})
	}
}

// A block's scores, memory, gathered and scattered columns are those of package agg's
// definitions.
func TestBlockSteps(t *testing.T) {
	eachRowShape(t, func(b bench, x []float32, r Rows) {
		const gamma = 0.1
		n, d := r.N, r.D
		memory := b.normal(d)
		scores, total, next, bad := room[float64](b, d), room[float64](b, 1), room[float32](b, d), up(b, []uint32{0})
		space, dMemory := room[float64](b, ScoreSpace(d)), up(b, memory)
		b.ok(b.ScoreColumns(scores, total, next, bad, r, dMemory, gamma, space))
		wantScores, wantNext, sum := make([]float64, d), make([]float32, d), 0.0
		for j := range d {
			mean := 0.0
			for i := range n {
				p := gamma*float64(x[i*d+j]) + float64(memory[j])
				wantScores[j] += p * p
				mean += p / float64(n)
			}
			wantNext[j] = float32(mean)
			sum += wantScores[j]
		}
		for j, got := range down(b, scores) {
			if math.Abs(got-wantScores[j]) > 1e-12*(1+wantScores[j]) {
				b.Fatalf("score %d is %v, want %v", j, got, wantScores[j])
			}
		}
		if got := down(b, total)[0]; math.Abs(got-sum) > 1e-12*sum {
			b.Errorf("sum of scores is %v, want %v", got, sum)
		}
		near(b, "memory", down(b, next), wantNext, 1e-7)

		index := []uint32{}
		for j := 0; j < d; j += 3 {
			index = append(index, uint32(j))
		}
		k := len(index)
		dIndex, block, dst := up(b, index), room[float32](b, n*k), room[float32](b, d)
		b.ok(b.Gather(block, r, dIndex, dMemory, gamma))
		gathered := down(b, block)
		for i := range n {
			for p, j := range index {
				if want := float32(gamma*float64(x[i*d+int(j)]) + float64(memory[j])); math.Abs(float64(gathered[i*k+p]-want)) > 1e-6 {
					b.Fatalf("block[%d,%d] is %v, want %v", i, p, gathered[i*k+p], want)
				}
			}
		}
		b.ok(b.Gather(block, r, dIndex, Memory[float32]{}, 0))
		if got := down(b, block); got[n*k-1] != x[(n-1)*d+int(index[k-1])] {
			b.Errorf("the last of the block is %v", got[n*k-1])
		}
		b.ok(b.Scatter(dst, bad, block.Slice(0, k), dIndex, dMemory, 0, gamma))
		b.ok(b.ClearColumns(next, dIndex))
		got, kept := down(b, dst), down(b, next)
		for j := range d {
			var want float32
			if j%3 == 0 {
				want, wantNext[j] = float32(float64(x[j])+float64(memory[j])/gamma), 0
			}
			if got[j] != want || j%3 == 0 && kept[j] != 0 {
				b.Fatalf("column %d: scattered %v, want %v; kept %v", j, got[j], want, kept[j])
			}
		}
		b.ok(b.Carry(next, bad, dst, dMemory, gamma))
		same(b, "bad", down(b, bad), []uint32{0})
	})
}

// The memory of a row each becomes P.
func TestScoreRows(t *testing.T) {
	eachRowShape(t, func(b bench, x []float32, r Rows) {
		const gamma = 0.5
		memory := b.normal(r.N * r.D)
		scores, total, next := room[float64](b, r.D), room[float64](b, 1), room[float32](b, r.N*r.D)
		b.ok(b.ScoreRows(scores, total, next, r, up(b, memory), gamma, room[float64](b, ScoreSpace(r.D))))
		want, wantScores := make([]float32, r.N*r.D), make([]float64, r.D)
		for i := range want {
			want[i] = float32(gamma*float64(x[i]) + float64(memory[i]))
			wantScores[i%r.D] += float64(want[i]) * float64(want[i])
		}
		same(b, "P", down(b, next), want)
		for j, got := range down(b, scores) {
			if math.Abs(got-wantScores[j]) > 1e-12*(1+wantScores[j]) {
				b.Fatalf("score %d is %v, want %v", j, got, wantScores[j])
			}
		}
	})
}

// Steps of the optimisers are rounded as Go rounds them without fused operations.
func TestSteps(t *testing.T) {
	b := newBench(t)
	const n = 1000
	x, u, v, m := b.normal(n), b.normal(n), b.normal(n), b.normal(n)
	for i := range v {
		v[i] *= v[i]
	}
	const rate, momentum, decay = float32(0.1), float32(0.9), float32(1e-3)
	plain, heavy, nesterov, velocity, velocity2 := up(b, x), up(b, x), up(b, x), up(b, m), up(b, m)
	du := up(b, u)
	b.ok(b.SGD(plain, Memory[float32]{}, du, rate, 0, decay, false))
	b.ok(b.SGD(heavy, velocity, du, rate, momentum, decay, false))
	b.ok(b.SGD(nesterov, velocity2, du, rate, momentum, decay, true))
	a := Adam{Beta1: 0.9, Rest1: 0.1, Beta2: 0.999, Rest2: 0.001, Decay: decay, Rate: rate, Scale: 3, Epsilon: 1e-8}
	adam, dm, dv := up(b, x), up(b, m), up(b, v)
	b.ok(b.Adam(a, adam, dm, dv, du))
	want := [5][]float32{}
	for i := range x {
		g := u[i] + float32(decay*x[i])
		w := float32(momentum*m[i]) + g
		first, second := float32(a.Beta1*m[i])+float32(a.Rest1*g), float32(a.Beta2*v[i])+float32(float32(a.Rest2*g)*g)
		for k, value := range []float32{
			x[i] - float32(rate*g), x[i] - float32(rate*w), x[i] - float32(rate*(g+float32(momentum*w))), w,
			x[i] - float32(a.Rate*first)/(float32(float32(math.Sqrt(float64(second)))*a.Scale)+a.Epsilon),
		} {
			want[k] = append(want[k], value)
		}
	}
	for k, m := range []Memory[float32]{plain, heavy, nesterov, velocity, adam} {
		same(t, fmt.Sprint("step ", k), down(b, m), want[k])
	}
}
