package data

import (
	"math/rand/v2"

	"github.com/bgmd/bgmd/internal/stream"
)

// The synthetic set. Chosen: ten figures whose place, size and polarity are
// random, drawn in integer arithmetic, so that a seed gives the same bytes on
// every machine. Rejected: Gaussian blobs around class means, which a linear
// model already separates, so that no aggregation rule has anything to lose.
const (
	syntheticTrain = 12_800
	syntheticTest  = 2_000
	syntheticSide  = 28

	// Mean and standard deviation of the pixels in [0, 1], measured over the
	// training images of seeds 1 to 20.
	syntheticMean = 0.4980
	syntheticStd  = 0.2018
)

// A figure is a class of the synthetic set: a region of the square
// |x|, |y| ≤ r around the figure's centre, x to the right and y downwards.
type figure struct {
	name   string
	inside func(x, y, r int) bool
}

var figures = []figure{
	{"disc", func(x, y, r int) bool { return x*x+y*y <= r*r }},
	{"ring", func(x, y, r int) bool { d := x*x + y*y; return d <= r*r && 9*d >= 4*r*r }},
	{"square", func(_, _, _ int) bool { return true }},
	{"frame", func(x, y, r int) bool { return 3*max(abs(x), abs(y)) >= 2*r }},
	{"triangle", func(x, y, r int) bool { return 2*abs(x) <= y+r }},
	{"plus", func(x, y, r int) bool { return 4*min(abs(x), abs(y)) <= r }},
	{"cross", func(x, y, r int) bool { return 3*abs(abs(x)-abs(y)) <= r }},
	{"rows", func(_, y, r int) bool { return striped(y+r, r) }},
	{"columns", func(x, _, r int) bool { return striped(x+r, r) }},
	{"diagonals", func(x, y, r int) bool { return striped(x+y+2*r, r) }},
}

// striped reports whether t lies on a stripe, of which five, light and dark in
// turn, fill the width 2r+1 of a figure.
func striped(t, r int) bool { return t*5/(2*r+1)%2 == 0 }

func abs(x int) int { return max(x, -x) }

// loadSynthetic draws the set "synthetic" from seed: 12,800 training and 2,000
// test images, 1×28×28, ten classes in equal parts (image i has class i mod
// 10). The same seed gives the same bytes. It takes about 0.1 s and reads no
// file.
//
// A pixel tells nothing about the class by itself: the figure is light on dark
// as often as dark on light and may lie anywhere. What separates the classes
// are edges and how they lie to each other, what a convolution sees.
func loadSynthetic(_ string, seed uint64) (*Set, error) {
	root := stream.Root(seed)
	names := make([]string, len(figures))
	for class, f := range figures {
		names[class] = f.name
	}
	return &Set{
		Name:       "synthetic",
		Shape:      Shape{1, syntheticSide, syntheticSide},
		Classes:    len(figures),
		ClassNames: names,
		Mean:       []float32{syntheticMean},
		Std:        []float32{syntheticStd},
		Train:      drawSplit(root, 0, syntheticTrain),
		Test:       drawSplit(root, 1, syntheticTest),
	}, nil
}

// drawSplit draws n images of the given part of the set, 0 to train on and 1
// to test on, each from a stream of its own.
func drawSplit(root stream.Root, part, n int) Split {
	const size = syntheticSide * syntheticSide
	s := Split{Pixels: make([]uint8, n*size), Labels: make([]uint8, n)}
	for i := range n {
		class := i % len(figures)
		s.Labels[i] = uint8(class)
		drawImage((*[size]uint8)(s.Pixels[i*size:]), figures[class], root.At(stream.Synthetic, part, i))
	}
	return s
}

// drawImage draws f on a grey ground with four specks of clutter and noise
// over everything. In grey levels of 255, each uniform:
//
//	ground    64 … 191
//	contrast  ±(64 … 127) for the figure, −64 … 64 for a speck
//	radius r  5 … 8, the figure wholly inside the image
//	speck     1 to 3 wide and high
//	noise     −16 … 15 a pixel
func drawImage(dst *[syntheticSide * syntheticSide]uint8, f figure, rng *rand.Rand) {
	const side = syntheticSide
	var level [side * side]int
	for range 4 {
		left, top := rng.IntN(side), rng.IntN(side)
		right, bottom := min(left+1+rng.IntN(3), side), min(top+1+rng.IntN(3), side)
		contrast := rng.IntN(129) - 64
		for y := top; y < bottom; y++ {
			for x := left; x < right; x++ {
				level[y*side+x] = contrast
			}
		}
	}
	contrast := 64 + rng.IntN(64)
	if rng.IntN(2) == 0 {
		contrast = -contrast
	}
	r := 5 + rng.IntN(4)
	cx, cy := r+rng.IntN(side-2*r), r+rng.IntN(side-2*r)
	for y := -r; y <= r; y++ {
		for x := -r; x <= r; x++ {
			if f.inside(x, y, r) {
				level[(cy+y)*side+cx+x] = contrast
			}
		}
	}
	ground := 64 + rng.IntN(128)
	for p := 0; p < len(dst); p += 8 { // a random number has noise for 8 pixels
		bits := rng.Uint64()
		for q := p; q < p+8; q++ {
			noise := int(bits&31) - 16
			bits >>= 8
			dst[q] = uint8(min(max(ground+level[q]+noise, 0), 255))
		}
	}
}
