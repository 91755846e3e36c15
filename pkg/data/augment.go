package data

import "math/rand/v2"

// Augmentation changes every image of a training batch at random, anew each
// time it is drawn, as torchvision's usual pipeline does before it normalises:
// RandomCrop(height, padding=Crop), then RandomHorizontalFlip(). The zero value
// changes nothing.
type Augmentation struct {
	// Crop moves an image up to so many pixels in each direction, uniformly
	// and by whole pixels: it is padded by Crop black pixels all around, and a
	// part of its own size is cut out. Black is 0 before whitening.
	Crop int
	// Flip mirrors an image left to right with probability 1/2.
	Flip bool
}

// Apply augments the images of b in place, which are not whitened yet, with
// draws from rng, which belongs to this call: for each image in order two
// offsets if there is a crop, and a bit if there is a flip.
func (a Augmentation) Apply(b *Batch, rng *rand.Rand) {
	if a.Crop == 0 && !a.Flip {
		return
	}
	image := make([]float32, b.Shape.Size())
	for i := range b.N {
		down, right, flip := 0, 0, false
		if a.Crop > 0 {
			down, right = rng.IntN(2*a.Crop+1)-a.Crop, rng.IntN(2*a.Crop+1)-a.Crop
		}
		if a.Flip {
			flip = rng.Uint64()&1 == 1
		}
		b.move(i, image, down, right, flip)
	}
}

// move shifts image i so that its pixel (down, right) comes to the upper left corner,
// fills up with black, and mirrors the result if flip is set. image is scratch for one image.
func (b *Batch) move(i int, image []float32, down, right int, flip bool) {
	for p := range image {
		image[p] = b.X[p*b.N+i]
	}
	h, w := b.Shape.H, b.Shape.W
	p := 0
	for c := range b.Shape.C {
		for y := range h {
			from := y + down
			for x := range w {
				if flip {
					x = w - 1 - x
				}
				x += right
				v := float32(0)
				if from >= 0 && from < h && x >= 0 && x < w {
					v = image[(c*h+from)*w+x]
				}
				b.X[p*b.N+i] = v
				p++
			}
		}
	}
}
