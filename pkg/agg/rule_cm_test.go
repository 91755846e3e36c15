package agg

import (
	"math"
	"slices"
	"testing"
)

// TestCMMatchesSort compares all widths of the network with sorting.
func TestCMMatchesSort(t *testing.T) {
	r := newRand(3)
	for n := 1; n <= 70; n++ {
		G := NewMatrix(n, 3*lanes/2)
		for i := range G.Data {
			switch r.IntN(4) {
			case 0:
				G.Data[i] = float32(r.IntN(5) - 2) // ties and zeros
			case 1:
				G.Data[i] = float32(math.Copysign(0, -1))
			case 2:
				G.Data[i] = math.Float32frombits(r.Uint32() &^ (1 << 30)) // any size, not an infinity
			default:
				G.Data[i] = float32(r.NormFloat64())
			}
		}
		dst := make([]float32, G.Cols)
		if _, err := must(New("cm", Options{})).Aggregate(dst, G, Step{}); err != nil {
			t.Fatal(err)
		}
		column := make([]float32, n)
		for j, got := range dst {
			for i := range n {
				column[i] = G.Row(i)[j]
			}
			slices.Sort(column)
			if want := float32((float64(column[(n-1)/2]) + float64(column[n/2])) / 2); got != want {
				t.Fatalf("n = %d: median of %v is %v, want %v", n, column, got, want)
			}
		}
	}
}

func TestCMDoesNotOverflow(t *testing.T) {
	const big = math.MaxFloat32
	G := Matrix{Data: []float32{big, -big, big, -big, 1, big, -1, big}, Rows: 4, Cols: 2}
	dst := make([]float32, 2)
	if _, err := must(New("cm", Options{})).Aggregate(dst, G, Step{}); err != nil {
		t.Fatal(err)
	}
	if want := []float32{big/2 + 0.5, 0}; !slices.Equal(dst, want) {
		t.Errorf("medians of columns (big, big, 1, −1) and (−big, −big, big, big) are %v, want %v", dst, want)
	}
}

// TestMeanOfCancellingRows needs more than float32 sums: the corrupt rows cancel.
func TestMeanOfCancellingRows(t *testing.T) {
	G := Matrix{Data: []float32{1e8, 1e-3, -1e8, 3e-3}, Rows: 4, Cols: 1}
	dst := make([]float32, 1)
	if _, err := must(New("mean", Options{})).Aggregate(dst, G, Step{}); err != nil {
		t.Fatal(err)
	}
	if math.Abs(float64(dst[0])-1e-3) > 1e-8 {
		t.Errorf("mean is %v, want 0.001", dst[0])
	}
}
