package corrupt

import (
	"fmt"
	"math"
	"runtime"
	"slices"
	"testing"

	"github.com/bgmd/bgmd/pkg/agg"
)

// everyGradient returns a gradient corruption of every kind but none.
func everyGradient() []Gradient {
	var all []Gradient
	for _, kind := range GradientNames() {
		if kind == none {
			continue
		}
		g, err := NewGradient(kind, GradientOptions{Std: 10, Scale: 5, Epsilon: 0.5})
		if err != nil {
			panic(err)
		}
		all = append(all, g)
	}
	return all
}

// noisy returns a matrix of values from N(0, 1).
func noisy(n, d int) agg.Matrix {
	G := agg.NewMatrix(n, d)
	newGaussian(3, 4).addTo(G.Data, 1)
	return G
}

func clone(G agg.Matrix) agg.Matrix {
	G.Data = slices.Clone(G.Data)
	return G
}

// bits returns values such that equal ones are equal, NaN included.
func bits(xs []float32) []uint32 {
	out := make([]uint32, len(xs))
	for i, x := range xs {
		out[i] = math.Float32bits(x)
	}
	return out
}

func sameBits(a, b []float32) bool { return slices.Equal(bits(a), bits(b)) }

// TestGradientContract runs every gradient corruption through what [Gradient]
// promises.
func TestGradientContract(t *testing.T) {
	const d = 2*rowGrain + blockCols + 5
	before := noisy(7, d)
	for _, corruption := range everyGradient() {
		t.Run(corruption.String(), func(t *testing.T) {
			apply := func(cores int, rows []int) agg.Matrix {
				defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(cores))
				G := clone(before)
				corruption.Apply(G, rows, newRand())
				return G
			}
			one := apply(1, []int{1, 4, 5})
			for i := range before.Rows {
				changed := !sameBits(one.Row(i), before.Row(i))
				if want := i == 1 || i == 4 || i == 5; changed != want {
					t.Errorf("row %d: changed is %v, want %v", i, changed, want)
				}
			}
			if !sameBits(one.Data, apply(5, []int{1, 4, 5}).Data) {
				t.Error("1 and 5 cores differ")
			}
			if !sameBits(apply(2, nil).Data, before.Data) {
				t.Error("something changed without a corrupt row")
			}
			all := apply(1, []int{0, 1, 2, 3, 4, 5, 6})
			if sameBits(all.Data, before.Data) {
				t.Error("nothing changed where all rows are corrupt")
			}
			if !sameBits(all.Data, apply(5, []int{0, 1, 2, 3, 4, 5, 6}).Data) {
				t.Error("1 and 5 cores differ where all rows are corrupt")
			}
		})
	}
}

// TestGradientsByHand has a case for everything that can be worked out by hand.
func TestGradientsByHand(t *testing.T) {
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	tests := []struct {
		name       string
		corruption Gradient
		G          []float32 // rows of two columns
		rows       []int
		want       []float32
	}{
		{"−100·g", BitFlip{Scale: 100}, []float32{1, -2, 3, -4, 5, -6}, []int{0, 2},
			[]float32{-100, 200, 3, -4, -500, 600}},
		{"−g", SignFlip{}, []float32{1, -2, 3, -4, 5, -6}, []int{0, 2}, []float32{-1, 2, 3, -4, -5, 6}},

		// Columns 1, 5, 3 and 7, 7, 7: means 3, 7, variances (4 + 4 + 0)/3, 0.
		{"μ − z·σ", ALIE{Z: math.Sqrt(6)}, []float32{1, 7, 99, 99, 5, 7, 99, -99, 3, 7}, []int{1, 3},
			[]float32{1, 7, -1, 7, 5, 7, -1, 7, 3, 7}},
		// n = 7 and f = 3: s = 1, z = Φ⁻¹(3/4) = 0.67449. Means 2, 0, deviations 2, 0.
		{"μ − z_max·σ", ALIE{}, []float32{0, 0, 9, 9, 4, 0, 9, 9, 0, 0, 9, 9, 4, 0}, []int{1, 3, 5},
			[]float32{0, 0, 0.6510205, 0, 4, 0, 0.6510205, 0, 0, 0, 0.6510205, 0, 4, 0}},
		{"no z_max: μ", ALIE{}, []float32{0, 0, 9, 9, 4, 2}, []int{1}, []float32{0, 0, 2, 1, 4, 2}},
		{"one honest row has no spread", ALIE{Z: 2}, []float32{9, 9, 4, 2}, []int{0}, []float32{4, 2, 4, 2}},
		{"all of all: μ − z·σ of what they were", ALIE{Z: 2}, []float32{0, 1, 4, 3}, []int{0, 1}, []float32{-2, 0, -2, 0}},

		// Means 3, −6.
		{"−ε·μ", IPM{Epsilon: 0.5}, []float32{1, -7, 99, 99, 5, -5}, []int{1}, []float32{1, -7, -1.5, 3, 5, -5}},
		{"of all where none is honest", IPM{Epsilon: 2}, []float32{1, -7, 5, -5}, []int{0, 1}, []float32{-6, 12, -6, 12}},

		// Less the mean (2, 0): −2, −1, 3 along the first axis, where the spread is.
		{"the farthest out", Mimic{}, []float32{0, 0, 1, 1, 99, 99, 5, -1}, []int{2}, []float32{0, 0, 1, 1, 5, -1, 5, -1}},
		// What all have in common is not counted: the row of the largest norm is
		// the first.
		{"whatever they share", Mimic{}, []float32{-100, 0, -99, 1, 99, 99, -95, -1}, []int{2},
			[]float32{-100, 0, -99, 1, -95, -1, -95, -1}},
		{"along one direction, not in norm", Mimic{}, []float32{-4, 0, -4, 0, 4, 0, 4, 0, 0, 4.5, 99, 99}, []int{5},
			[]float32{-4, 0, -4, 0, 4, 0, 4, 0, 0, 4.5, -4, 0}},
		{"the first of equals", Mimic{}, []float32{99, 99, 3, 3, -3, -3}, []int{0}, []float32{3, 3, 3, 3, -3, -3}},
		{"one honest row", Mimic{}, []float32{99, 99, 3, 4}, []int{0}, []float32{3, 4, 3, 4}},
		{"the first if one is not finite", Mimic{}, []float32{99, 99, 1, 1, nan, 2, 7, 7}, []int{0},
			[]float32{1, 1, 1, 1, nan, 2, 7, 7}},
		{"among themselves", Mimic{}, []float32{0, 0, 1, 0, 5, 0}, []int{0, 1, 2}, []float32{5, 0, 5, 0, 5, 0}},

		{"in turn", NotFinite{}, []float32{1, 2, 1, 2, 1, 2, 1, 2, 1, 2}, []int{0, 1, 3, 4},
			[]float32{nan, nan, inf, inf, 1, 2, -inf, -inf, nan, nan}},
	}
	for _, test := range tests {
		t.Run(fmt.Sprintf("%v, %s", test.corruption, test.name), func(t *testing.T) {
			G := agg.Matrix{Rows: len(test.G) / 2, Cols: 2, Data: slices.Clone(test.G)}
			test.corruption.Apply(G, test.rows, nil)
			for j, want := range test.want {
				if got := G.Data[j]; !(math.Abs(float64(got-want)) <= 1e-6) && !sameBits([]float32{got}, []float32{want}) {
					t.Fatalf("G = %v, want %v", G.Data, test.want)
				}
			}
		})
	}
}

// The values of Φ⁻¹ are those of a table of the normal distribution.
func TestMaxZ(t *testing.T) {
	for _, test := range []struct {
		n, f int
		want float64
	}{
		{50, 24, 1.42608}, // 2 of the 26 honest rows are lacking: Φ⁻¹(24/26)
		{32, 12, 0.67449}, // 5 of 20: Φ⁻¹(0.75)
		{32, 6, 0.19403},  // 11 of 26: Φ⁻¹(15/26)
		{10, 4, 0.43073},  // 2 of 6: Φ⁻¹(2/3)
		{11, 2, 0.13971},  // 4 of 9: Φ⁻¹(5/9)

		{32, 2, 0}, // 15 of 30: Φ⁻¹(0.5)
		{32, 1, 0}, // 16 of 31: below 0
		{11, 1, 0}, // 5 of 10
		{32, 0, 0},
		{32, 32, 0},
		{1, 0, 0},
		{0, 0, 0},

		{32, 16, 1.53412}, // 1 of 16: Φ⁻¹(15/16)
		{32, 17, 1.50109}, // a majority, 1 of 15 as if it were needed: Φ⁻¹(14/15)
		{32, 29, 0.43073}, // 1 of 3
		{32, 30, 0},       // 1 of 2
		{32, 31, 0},       // 1 of 1: −∞
	} {
		if got := MaxZ(test.n, test.f); math.Abs(got-test.want) > 5e-6 {
			t.Errorf("z_max of %d of %d is %.5f, want %.5f", test.f, test.n, got, test.want)
		}
	}
}

// TestForgeSumsInFloat64: in float32 the mean of a large common part and a
// small spread would be off by hundredths, and the deviation lost.
func TestForgeSumsInFloat64(t *testing.T) {
	const d = rowGrain + blockCols + 1
	G := agg.NewMatrix(5, d)
	for i := range G.Rows {
		for j := range d {
			G.Row(i)[j] = 1e6 + float32(i%2*2) // 1e6 and 1e6 + 2 in turn
		}
	}
	ALIE{Z: 3}.Apply(G, []int{4}, nil)
	if got := share(G.Row(4), 1e6-2); got != 1 { // 1e6 + 1 − 3·1
		t.Errorf("%.4f of the values are 1e6 − 2, want all; the first is %v", got, G.Row(4)[0])
	}
}

// TestMimicOverManyColumns hides the direction of largest spread in a part of
// the columns, in the last chunk but one.
func TestMimicOverManyColumns(t *testing.T) {
	const d = 3*rowGrain + 17
	G := noisy(6, d)
	for j := 2 * rowGrain; j < 2*rowGrain+1000; j++ {
		G.Row(3)[j] += 10
	}
	want := slices.Clone(G.Row(3))
	Mimic{}.Apply(G, []int{0, 5}, nil)
	if !slices.Equal(G.Row(0), want) || !slices.Equal(G.Row(5), want) {
		t.Error("the corrupt rows are no copies of row 3")
	}
}

func TestRandomSignFlip(t *testing.T) {
	const d = 3*rowGrain + 17
	G := agg.NewMatrix(3, d)
	for j := range G.Data {
		G.Data[j] = float32(j + 1)
	}
	before := clone(G)
	RandomSignFlip{}.Apply(G, []int{0, 2}, newRand())
	flipped := func(i, j int) bool { return G.Row(i)[j] < 0 }
	for _, i := range []int{0, 2} {
		var n, runs int
		for j := range d {
			if a, b := G.Row(i)[j], before.Row(i)[j]; a != b && a != -b {
				t.Fatalf("row %d, column %d: %v became %v", i, j, b, a)
			}
			if flipped(i, j) {
				n++
			}
			if j > 0 && flipped(i, j) == flipped(i, j-1) {
				runs++
			}
		}
		near(t, "share of signs flipped", float64(n)/d, 0.5, d)
		near(t, "share of flips equal to the one before", float64(runs)/(d-1), 0.5, d-1)
	}
	var rows, chunks int
	for j := range rowGrain {
		if flipped(0, j) == flipped(2, j) {
			rows++
		}
		if flipped(0, j) == flipped(0, rowGrain+j) {
			chunks++
		}
	}
	near(t, "share of flips that two rows have in common", float64(rows)/rowGrain, 0.5, rowGrain)
	near(t, "share of flips that two chunks have in common", float64(chunks)/rowGrain, 0.5, rowGrain)
}

func TestGaussianGradient(t *testing.T) {
	const d = 3*rowGrain + 17
	G := agg.NewMatrix(4, d)
	for i := range G.Data {
		G.Data[i] = 1e6
	}
	G.Row(1)[7], G.Row(3)[9] = float32(math.NaN()), float32(math.Inf(1)) // nothing is left of them
	GaussianGradient{Std: 10}.Apply(G, []int{1, 3}, newRand())
	stderr := 10 / math.Sqrt(d)
	for _, i := range []int{1, 3} {
		mean, std := moments(G.Row(i))
		if !(math.Abs(mean) <= 5*stderr) || !(math.Abs(std-10) <= 5*stderr) {
			t.Errorf("row %d: mean %.3f, deviation %.3f, want 0, 10", i, mean, std)
		}
	}
}

func TestAdditiveGradient(t *testing.T) {
	const d = 3*rowGrain + 17
	G := agg.NewMatrix(4, d)
	for i := range G.Data {
		G.Data[i] = 5
	}
	AdditiveGradient{Std: 10}.Apply(G, []int{1, 3}, newRand())
	for _, i := range []int{0, 2} {
		if share(G.Row(i), 5) != 1 {
			t.Errorf("row %d, which is not corrupt, has changed", i)
		}
	}
	stderr := 10 / math.Sqrt(d)
	for _, i := range []int{1, 3} {
		mean, std := moments(G.Row(i))
		if math.Abs(mean-5) > 5*stderr || math.Abs(std-10) > 5*stderr {
			t.Errorf("row %d: mean %.3f, deviation %.3f, want 5, 10", i, mean, std)
		}
	}
	// Rows and chunks are independent of each other.
	for name, pair := range map[string][2][]float32{
		"rows":   {G.Row(1), G.Row(3)},
		"chunks": {G.Row(1)[:rowGrain], G.Row(1)[rowGrain : 2*rowGrain]},
	} {
		var product float64
		for j := range pair[0] {
			product += float64(pair[0][j]-5) * float64(pair[1][j]-5)
		}
		n := float64(len(pair[0]))
		if r := product / n / 100; math.Abs(r) > 5/math.Sqrt(n) {
			t.Errorf("two %s have correlation %.4f", name, r)
		}
	}
}
