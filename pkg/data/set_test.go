package data

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// twoByTwo holds three 2×1×2 images: channel 0 is the first two bytes of an
// image, channel 1 the last two.
var twoByTwo = Split{
	Pixels: []uint8{
		0, 51, 102, 153,
		255, 204, 153, 102,
		51, 51, 0, 255,
	},
	Labels: []uint8{7, 8, 9},
}

func TestFillByHand(t *testing.T) {
	b := NewBatch(Shape{2, 1, 2}, 3)
	for i := range b.X {
		b.X[i] = -1
	}
	b.Labels[2] = 5
	twoByTwo.Fill(b, []int{2, 0}) // the third column becomes blank
	want := []float32{
		0.2, 0, 0, // channel 0, column 0: 51/255 of image 2, 0 of image 0
		0.2, 0.2, 0,
		0, 0.4, 0, // channel 1
		1, 0.6, 0,
	}
	for i := range want {
		if b.X[i] != want[i] {
			t.Fatalf("values are %v, want %v", b.X, want)
		}
	}
	if got, want := fmt.Sprint(b.Labels), "[9 7 0]"; got != want {
		t.Errorf("labels are %s, want %s", got, want)
	}
}

func TestFillMatchesItsFormula(t *testing.T) {
	for _, c := range []struct{ size, n, filled int }{
		{1, 1, 1}, {784, 64, 64}, {784, 16, 16}, {784, 13, 13}, {784, 20, 11}, {3072, 9, 9}, {100, 8, 0}, {63, 8, 8}, {65, 24, 24},
	} {
		t.Run(fmt.Sprintf("%dx%d of %d", c.size, c.filled, c.n), func(t *testing.T) {
			split := randomSplit(70, c.size)
			b := NewBatch(Shape{1, 1, c.size}, c.n)
			for i := range b.X {
				b.X[i] = -1
			}
			indices := rand.New(rand.NewPCG(1, 2)).Perm(70)[:c.filled]
			split.Fill(b, indices)
			for p := range c.size {
				for i := range c.n {
					want := float32(0)
					if i < c.filled {
						want = float32(split.Pixels[indices[i]*c.size+p]) / 255
					}
					if got := b.X[p*c.n+i]; got != want {
						t.Fatalf("pixel %d of image %d is %v, want %v", p, i, got, want)
					}
				}
			}
			for i, label := range b.Labels {
				want := 0
				if i < c.filled {
					want = int(split.Labels[indices[i]])
				}
				if label != want {
					t.Fatalf("label %d is %d, want %d", i, label, want)
				}
			}
		})
	}
}

func TestFillPanics(t *testing.T) {
	for name, fill := range map[string]func(){
		"too many indices": func() { twoByTwo.Fill(NewBatch(Shape{2, 1, 2}, 1), []int{0, 1}) },
		"other shape":      func() { twoByTwo.Fill(NewBatch(Shape{1, 1, 2}, 1), []int{0}) },
		"index too large":  func() { twoByTwo.Fill(NewBatch(Shape{2, 1, 2}, 1), []int{3}) },
		"negative index":   func() { twoByTwo.Fill(NewBatch(Shape{2, 1, 2}, 1), []int{-1}) },
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if recover() == nil {
					t.Error("did not panic")
				}
			}()
			fill()
		})
	}
}

func TestFillDoesNotAllocate(t *testing.T) {
	split, b := randomSplit(64, 784), NewBatch(Shape{1, 28, 28}, 20)
	indices := rand.New(rand.NewPCG(1, 2)).Perm(64)[:20]
	if n := testing.AllocsPerRun(10, func() { split.Fill(b, indices) }); n != 0 {
		t.Errorf("allocates %v times", n)
	}
}

func TestWhiten(t *testing.T) {
	b := NewBatch(Shape{2, 1, 2}, 1)
	copy(b.X, []float32{0, 1, 0.25, 0.5})
	b.Whiten([]float32{0.5, 0.25}, []float32{0.5, 0.125})
	if got, want := fmt.Sprint(b.X), "[-1 1 0 2]"; got != want {
		t.Errorf("whitened values are %s, want %s", got, want)
	}
}

// BenchmarkFill draws from as many images as Fashion-MNIST has, so that they
// come from memory as in training.
func BenchmarkFill(b *testing.B) {
	split := randomSplit(60_000, 784)
	order := rand.New(rand.NewPCG(1, 2)).Perm(split.Len())
	for _, n := range []int{16, 64} {
		b.Run(fmt.Sprintf("n=%d", n), func(b *testing.B) {
			batch := NewBatch(Shape{1, 28, 28}, n)
			b.SetBytes(int64(784 * n))
			at := 0
			for b.Loop() {
				if at += n; at+n > len(order) {
					at = 0
				}
				split.Fill(batch, order[at:at+n])
			}
		})
	}
}

func randomSplit(n, size int) Split {
	rng := rand.New(rand.NewPCG(3, 4))
	s := Split{Pixels: make([]uint8, n*size), Labels: make([]uint8, n)}
	for i := range s.Pixels {
		s.Pixels[i] = uint8(rng.Uint32())
	}
	for i := range s.Labels {
		s.Labels[i] = uint8(rng.IntN(10))
	}
	return s
}
