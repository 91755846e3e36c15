package main

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
)

// damages are the ways to damage a file, by name. Each says where it did so.
var damages = []struct {
	name string
	do   func(data []byte, rng *rand.Rand) (damaged []byte, where string)
}{
	{"a bit", flipBit},
	{"a piece", damagePiece},
}

// place draws a byte of data, in half of the cases one of the first, where headers
// are.
func place(data []byte, rng *rand.Rand) int {
	const head = 2048
	if rng.IntN(2) == 0 {
		return rng.IntN(min(len(data), head))
	}
	return rng.IntN(len(data))
}

func flipBit(data []byte, rng *rand.Rand) ([]byte, string) {
	at, bit := place(data, rng), rng.IntN(8)
	data = bytes.Clone(data)
	data[at] ^= 1 << bit
	return data, fmt.Sprintf("bit %d of byte %d, now %q", bit, at, data[max(0, at-12):min(len(data), at+4)])
}

// damagePiece cuts a file short, doubles, removes or clears a piece of it, or swaps
// two lines.
func damagePiece(data []byte, rng *rand.Rand) ([]byte, string) {
	from := place(data, rng)
	to := min(len(data), from+1+rng.IntN(64))
	where := fmt.Sprintf("bytes %d to %d", from, to)
	switch rng.IntN(5) {
	case 0:
		return data[:from:from], fmt.Sprintf("cut to %d bytes", from)
	case 1:
		return slices.Concat(data[:to], data[from:]), where + " doubled"
	case 2:
		return slices.Concat(data[:from], data[to:]), where + " removed"
	case 3:
		return slices.Concat(data[:from], make([]byte, to-from), data[to:]), where + " cleared"
	default:
		lines := bytes.SplitAfter(data, []byte("\n"))
		i, j := rng.IntN(len(lines)), rng.IntN(len(lines))
		lines[i], lines[j] = lines[j], lines[i]
		return slices.Concat(lines...), fmt.Sprintf("lines %d and %d swapped", i+1, j+1)
	}
}
