// Package data reads or generates labelled image sets, shares their samples
// among clients, and lays batches out as the kernels want them.
//
// Chosen: images stay bytes and become floats, transposed, as a batch is filled.
// Rejected: converting a set once, when it is loaded. Why: that takes four times
// the memory, and the transposition, which no set-wide layout spares, costs as
// much on floats; it is under half a per cent of a LeNet step.
package data

import "fmt"

// Set is a labelled image set, split into images to train on and to test on.
type Set struct {
	Name       string
	Shape      Shape
	Classes    int
	ClassNames []string
	Mean, Std  []float32 // what [Batch.Whiten] takes: Shape.C values each
	Train      Split
	Test       Split
	Files      []FileSum // what was read; nil for a generated set
}

// FileSum identifies the contents of a file that was read.
type FileSum struct {
	Name     string `json:"name"`     // without folder and without .gz
	MD5      string `json:"md5"`      // of the unzipped bytes, in hexadecimal
	Official bool   `json:"official"` // whether it is the sum its publisher's file has
}

// Split is one part of a [Set]. Image i is the bytes of Pixels from i·size to
// (i+1)·size in the order C×H×W, where size is the set's Shape.Size; its class
// is Labels[i].
type Split struct {
	Pixels []uint8
	Labels []uint8
}

// Len is the number of images.
func (s Split) Len() int { return len(s.Labels) }

// unit maps a byte v to v/255, correctly rounded.
var unit = func() (table [256]float32) {
	for v := range table {
		table[v] = float32(v) / 255
	}
	return table
}()

// Tiles of the transposition in [Split.Fill]. The 64 pixels of a tile are one
// cache line or two of an image, and the 64 rows of the batch that they go to
// stay in the first-level cache until all images have been written there. Eight
// images at a time write half a cache line of a row; that makes Fill about 1.5
// times as fast as copying image by image.
const (
	tilePixels = 64
	tileImages = 8
)

// Fill copies the images and labels at indices into b, as values in [0, 1]:
//
//	b.X[p*b.N + i] = Pixels[indices[i]*size + p] / 255    p < size, i < len(indices)
//	b.Labels[i]    = Labels[indices[i]]
//
// Where indices are fewer than b.N, the rest of b becomes blank images with
// label 0. It does not allocate and may be called concurrently for different
// batches. It panics when indices are more than b.N or out of range, and when
// b's shape is not the set's.
func (s Split) Fill(b *Batch, indices []int) {
	size := b.Shape.Size()
	if len(indices) > b.N || len(s.Pixels) != size*len(s.Labels) {
		panic(fmt.Sprintf("data: fill a batch of %d images of %v with %d out of %d images of %d bytes in all",
			b.N, b.Shape, len(indices), len(s.Labels), len(s.Pixels)))
	}
	for p := 0; p < size; p += tilePixels {
		end := min(p+tilePixels, size)
		i := 0
		for ; i+tileImages <= len(indices); i += tileImages {
			s.fill8(b.X[p*b.N+i:], b.N, (*[tileImages]int)(indices[i:]), size, p, end)
		}
		for ; i < len(indices); i++ {
			for q, v := range s.Pixels[indices[i]*size+p : indices[i]*size+end] {
				b.X[(p+q)*b.N+i] = unit[v]
			}
		}
		if i < b.N {
			for q := p; q < end; q++ {
				clear(b.X[q*b.N+i : (q+1)*b.N])
			}
		}
	}
	for i, index := range indices {
		b.Labels[i] = int(s.Labels[index])
	}
	clear(b.Labels[len(indices):])
}

// fill8 writes pixels p to end of eight images into eight neighbouring columns
// of dst, whose rows are stride values apart.
func (s Split) fill8(dst []float32, stride int, index *[tileImages]int, size, p, end int) {
	n := end - p
	image := func(i int) []uint8 { return s.Pixels[index[i]*size+p:][:n] }
	a0, a1, a2, a3 := image(0), image(1), image(2), image(3)
	a4, a5, a6, a7 := image(4), image(5), image(6), image(7)
	for q := range n {
		row := (*[tileImages]float32)(dst[q*stride:])
		row[0], row[1], row[2], row[3] = unit[a0[q]], unit[a1[q]], unit[a2[q]], unit[a3[q]]
		row[4], row[5], row[6], row[7] = unit[a4[q]], unit[a5[q]], unit[a6[q]], unit[a7[q]]
	}
}
