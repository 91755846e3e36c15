package data

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// Two images of two channels, 2×3, worked by hand.
func TestMoveByHand(t *testing.T) {
	fill := func() *Batch {
		b := NewBatch(Shape{2, 2, 3}, 2)
		for p := range 12 {
			b.X[2*p], b.X[2*p+1] = float32(p+1), -1
		}
		return b
	}
	for _, c := range []struct {
		down, right int
		flip        bool
		want        string // of image 0, which is 1 2 3 / 4 5 6 and 7 8 9 / 10 11 12
	}{
		{0, 0, false, "[1 2 3 4 5 6 7 8 9 10 11 12]"},
		{0, 0, true, "[3 2 1 6 5 4 9 8 7 12 11 10]"},
		{1, 0, false, "[4 5 6 0 0 0 10 11 12 0 0 0]"},
		{-1, 1, false, "[0 0 0 2 3 0 0 0 0 8 9 0]"},
		{0, -2, false, "[0 0 1 0 0 4 0 0 7 0 0 10]"},
		{0, 1, true, "[0 3 2 0 6 5 0 9 8 0 12 11]"}, // cropped, then mirrored
		{2, 0, false, "[0 0 0 0 0 0 0 0 0 0 0 0]"},
	} {
		b := fill()
		b.move(0, make([]float32, 12), c.down, c.right, c.flip)
		var got, other []float32
		for p := range 12 {
			got, other = append(got, b.X[2*p]), append(other, b.X[2*p+1])
		}
		if fmt.Sprint(got) != c.want {
			t.Errorf("%d down, %d right, flip %v: %v, want %s", c.down, c.right, c.flip, got, c.want)
		}
		if fmt.Sprint(other) != "[-1 -1 -1 -1 -1 -1 -1 -1 -1 -1 -1 -1]" {
			t.Errorf("the other image became %v", other)
		}
	}
}

// Where a single bright pixel goes tells every image's draws: all offsets come
// equally often, flips half of the time, and images are drawn independently.
func TestAugmentationDistribution(t *testing.T) {
	const n, crop, side = 20_000, 1, 5
	b := NewBatch(Shape{1, side, side}, n)
	for i := range n {
		b.X[(2*side+1)*n+i] = 1 // row 2, column 1; mirrored, column 3
	}
	Augmentation{Crop: crop, Flip: true}.Apply(b, rand.New(rand.NewPCG(1, 2)))
	count := map[[2]int]int{}
	same := 0 // neighbours with the same draws
	last := -1
	for i := range n {
		for p := range side * side {
			if b.X[p*n+i] == 1 {
				count[[2]int{p / side, p % side}]++
				if p == last {
					same++
				}
				last = p
			}
		}
	}
	// Columns 0 to 2 without a flip and 2 to 4 with one: column 2 counts twice.
	for y := 1; y <= 3; y++ {
		for x := range side {
			want := n / 18.
			if x == 2 {
				want *= 2
			}
			if got := float64(count[[2]int{y, x}]); got < 0.85*want || got > 1.15*want {
				t.Errorf("row %d, column %d: %v times, want about %.0f", y, x, got, want)
			}
		}
	}
	// Equal places of two independent images: 3·(4·(1/18)² + (2/18)²) = 2/27.
	if got := float64(same) / n; got < 0.064 || got > 0.084 {
		t.Errorf("neighbours are equal in %.3f of the cases, want about 0.074", got)
	}
}

func TestNoAugmentationDrawsNothing(t *testing.T) {
	b := NewBatch(Shape{1, 2, 2}, 1)
	b.X[1] = 1
	Augmentation{}.Apply(b, nil)
	if fmt.Sprint(b.X) != "[0 1 0 0]" {
		t.Errorf("image is %v", b.X)
	}
}

func BenchmarkAugmentation(b *testing.B) {
	batch := NewBatch(Shape{3, 32, 32}, 128)
	rng := rand.New(rand.NewPCG(1, 2))
	for b.Loop() {
		Augmentation{Crop: 4, Flip: true}.Apply(batch, rng)
	}
}
