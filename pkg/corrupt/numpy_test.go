package corrupt

import (
	"math"
	"slices"
	"testing"

	"github.com/bgmd/bgmd/pkg/agg"
)

// resnet18 is the number of parameters of the ResNet-18 that [code] trains on
// CIFAR-10, its last layer having ten classes.
const resnet18 = 11_173_962

// The reference values of this file come from NumPy 1.24.2:
//
//	np.random.seed(1); np.random.random_sample(); …; np.random.normal(); …
func TestNumPyRandIsNumPys(t *testing.T) {
	src := newNumPyRand(1)
	for i, want := range []float64{0.417022004702574, 0.7203244934421581, 0.00011437481734488664, 0.30233257263183977} {
		if got := src.sample(); got != want {
			t.Errorf("random_sample() number %d is %v, want %v", i, got, want)
		}
	}
	src = newNumPyRand(1)
	got := []float64{src.gauss(), src.gauss(), src.gauss(), src.sample(), src.gauss()}
	// The last normal is the second of the pair begun before the sample.
	want := []float64{1.6243453636632417, -0.6117564136500754, -0.5281717522634557, 0.39676747423066994, -1.0729686221561705}
	for i := range want {
		if math.Abs(got[i]-want[i]) > 1e-15 {
			t.Errorf("normal() ×3, random_sample(), normal(): number %d is %v, want %v", i, got[i], want[i])
		}
	}
}

// TestNumPyMembers checks which rows the authors' code corrupts, against that
// code run in NumPy 1.24.2: 6 and 12 of 32 rows at 20 and 40 per cent; with
// additive noise on LeNet's gradients (the MNIST runs) 1 and 3 of 10. With the
// ResNet's d (the CIFAR-10 runs) 20 per cent of 10 are 2 after all. The 12 with
// additive noise are in TestNumPyNoiseOfLeNet.
func TestNumPyMembers(t *testing.T) {
	additive, bitflip := AdditiveGradient{Std: 10}, BitFlip{Scale: 5}
	tests := []struct {
		corruption Gradient
		n, d       int
		fraction   float64
		want       []int
	}{
		{bitflip, 32, lenet, 0.1, []int{2, 5, 14}},
		{bitflip, 32, lenet, 0.2, []int{2, 4, 5, 6, 14, 18}},
		{bitflip, 32, lenet, 0.4, []int{2, 3, 4, 5, 6, 7, 8, 12, 14, 18, 19, 22}},
		{bitflip, 10, 1, 0.4, []int{2, 3, 4, 5}},
		{additive, 32, lenet, 0.2, []int{2, 13, 19, 20, 24, 26}},
		{additive, 10, lenet, 0.2, []int{2}},
		{additive, 10, lenet, 0.4, []int{2, 5, 6}},
		{additive, 10, resnet18, 0.2, []int{2, 4}},
		{additive, 10, resnet18, 0.4, []int{2, 4, 5, 7}},
		{additive, 10, 2, 0.4, []int{2, 3, 4, 6}},
		{additive, 4, 3, 0.2, nil}, // ⌊ψn⌋ = 0: none, even where a toss hits
		{additive, 4, 3, 0, nil},
	}
	for _, test := range tests {
		if testing.Short() && test.d >= lenet && test.corruption == Gradient(additive) {
			continue
		}
		got := newReplay(test.corruption, test.fraction, test.n, test.d).rows
		if !slices.Equal(got, test.want) {
			t.Errorf("%v, n = %d, d = %d, ψ = %v: rows %v, want %v",
				test.corruption, test.n, test.d, test.fraction, got, test.want)
		}
	}
}

// TestNumPyNoise compares a plan's noise with NumPy's, for ψ = 0.5, n = 4 and
// d = 3, where the second row's toss and noise come after the first row's.
func TestNumPyNoise(t *testing.T) {
	plan, err := NewGradientPlan("additive", GradientOptions{Std: 10}, RowMemberOptions{Fraction: 0.5, Members: "numpy", Count: "floor"}, 7)
	if err != nil {
		t.Fatal(err)
	}
	want := map[int][]float32{
		0: {-8.021728515625, -4.488778114318848, -11.059350967407227},
		2: {-16.545154571533203, -10.170141220092773, 6.373618125915527},
	}
	for step := range 2 {
		G := agg.NewMatrix(4, 3)
		if rows := plan.Apply(G, step); !slices.Equal(rows, []int{0, 2}) {
			t.Fatalf("step %d: rows %v, want [0 2]", step, rows)
		}
		for i := range G.Rows {
			expected := want[i]
			if expected == nil {
				expected = make([]float32, 3)
			}
			if !slices.Equal(G.Row(i), expected) {
				t.Errorf("step %d: row %d is %v, want %v", step, i, G.Row(i), expected)
			}
		}
	}
	if got, want := plan.Tally(), (Tally{Corrupt: 4, Total: 8}); got != want {
		t.Errorf("tally %v, want %v", got, want)
	}
	// Another d is another experiment: here the tosses fall differently.
	if rows := plan.Apply(agg.NewMatrix(10, 2), 2); !slices.Equal(rows, newReplay(AdditiveGradient{10}, 0.5, 10, 2).rows) {
		t.Errorf("after a change of size: rows %v", rows)
	}
}

// TestNumPyNoiseOfLeNet compares the sums and ends of NumPy's noise vectors at
// n = 32, ψ = 0.4, d = 1,163,978.
func TestNumPyNoiseOfLeNet(t *testing.T) {
	if testing.Short() {
		t.Skip("draws 14 million values")
	}
	want := []struct {
		last float32
		sum  float64
	}{
		{-6.451603889465332, -7948.692183927476},
		{3.156174898147583, -7845.947836785046},
		{4.39846658706665, 1330.1609541784746},
		{7.329226493835449, -2678.373447664828},
		{-1.0164433717727661, 3556.351935058665},
		{17.24993133544922, -8069.19471953814},
		{3.5066494941711426, -1936.5423834272551},
		{-8.706925392150879, 7240.883036033021},
		{-5.959506034851074, 22707.5466706143},
		{-17.50179672241211, 8549.299836881404},
		{12.254875183105469, 10737.500279458405},
		{-8.823227882385254, 8522.18332380342},
	}
	replay := newReplay(AdditiveGradient{Std: 10}, 0.4, 32, lenet)
	if rows := []int{2, 5, 6, 12, 15, 16, 17, 18, 24, 27, 30, 31}; !slices.Equal(replay.rows, rows) {
		t.Errorf("rows %v, want %v", replay.rows, rows)
	}
	noise := replay.noise
	if len(noise) != len(want) {
		t.Fatalf("%d noise vectors, want %d", len(noise), len(want))
	}
	for k, row := range noise {
		var sum float64
		for _, z := range row {
			sum += float64(z)
		}
		// The libraries' logarithms may differ in the last bit.
		if math.Abs(sum-want[k].sum) > 1e-3 || row[lenet-1] != want[k].last {
			t.Errorf("vector %d: sum %v, last %v, want %v", k, sum, row[lenet-1], want[k])
		}
	}
}
