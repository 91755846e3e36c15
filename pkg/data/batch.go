package data

import "fmt"

// Shape is the size of one image: channels, height, width.
type Shape struct{ C, H, W int }

// Size is the number of values in one image.
func (s Shape) Size() int { return s.C * s.H * s.W }

func (s Shape) String() string { return fmt.Sprintf("%d×%d×%d", s.C, s.H, s.W) }

// Batch is N labelled images in the layout of the project's kernels, C×H×W×N:
// value (c, y, x) of image i is X[((c*H+y)*W+x)*N+i]. One pixel of all images
// is contiguous, which makes every layer a matrix product on slices in place.
type Batch struct {
	Shape  Shape
	N      int
	X      []float32 // Shape.Size()*N values
	Labels []int     // N class numbers
}

// NewBatch returns a batch of n blank images with label 0.
func NewBatch(shape Shape, n int) *Batch {
	return &Batch{Shape: shape, N: n, X: make([]float32, shape.Size()*n), Labels: make([]int, n)}
}

// Channel returns channel c of all images: H×W×N values.
func (b *Batch) Channel(c int) []float32 {
	size := b.Shape.H * b.Shape.W * b.N
	return b.X[c*size : (c+1)*size]
}

// Whiten maps every value x of channel c to (x − mean[c])/std[c], in place.
func (b *Batch) Whiten(mean, std []float32) {
	for c := range b.Shape.C {
		scale := 1 / std[c]
		shift := -mean[c] * scale
		channel := b.Channel(c)
		for i, x := range channel {
			channel[i] = x*scale + shift
		}
	}
}
