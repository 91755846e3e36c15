package main

import (
	"math"
	"math/rand/v2"

	"github.com/bgmd/bgmd/pkg/agg"
)

// hostile is a matrix that no training meets on a good day.
type hostile struct {
	kind    string
	G       agg.Matrix
	corrupt int     // the first rows, which are far away; 0 where nothing is known
	honest  float64 // the largest norm of the others
	far     float64 // the largest entry of the first
	gamma   float64 // the step size that it comes with
}

// hostiles change a matrix of standard normal entries.
var hostiles = []struct {
	name   string
	change func(G agg.Matrix, rng *rand.Rand)
}{
	{"normal", func(agg.Matrix, *rand.Rand) {}},
	{"of one scale", func(G agg.Matrix, rng *rand.Rand) {
		scale(G.Data, powerOfTen(rng, 30))
	}},
	{"of many scales", func(G agg.Matrix, rng *rand.Rand) {
		for i := range G.Rows {
			scale(G.Row(i), powerOfTen(rng, 30))
		}
	}},
	{"denormal", func(G agg.Matrix, _ *rand.Rand) { scale(G.Data, 1e-42) }},
	{"zero", func(G agg.Matrix, _ *rand.Rand) { scale(G.Data, 0) }},
	{"with rows of zeros", func(G agg.Matrix, rng *rand.Rand) {
		for i := range G.Rows {
			scale(G.Row(i), float64(rng.IntN(2)))
		}
	}},
	{"with equal rows", func(G agg.Matrix, rng *rand.Rand) {
		for i := range G.Rows {
			copy(G.Row(i), G.Row(rng.IntN(G.Rows)))
		}
	}},
	{"of one row", func(G agg.Matrix, rng *rand.Rand) {
		scale(G.Row(0), powerOfTen(rng, 30))
		for i := range G.Rows {
			copy(G.Row(i), G.Row(0))
		}
	}},
	{"on a line", func(G agg.Matrix, rng *rand.Rand) {
		for i := range G.Rows {
			copy(G.Row(i), G.Row(0))
			scale(G.Row(i), rng.NormFloat64())
		}
	}},
	{"far from zero", func(G agg.Matrix, rng *rand.Rand) {
		offset := powerOfTen(rng, 30)
		for i := range G.Data {
			G.Data[i] = float32(float64(G.Data[i]) + offset)
		}
	}},
	{"of ones and minus ones", func(G agg.Matrix, _ *rand.Rand) {
		for i, v := range G.Data {
			G.Data[i] = float32(math.Copysign(1, float64(v)))
		}
	}},
	{"with not a number", func(G agg.Matrix, rng *rand.Rand) { sprinkle(G, rng, float32(math.NaN())) }},
	{"with infinities", func(G agg.Matrix, rng *rand.Rand) {
		sprinkle(G, rng, float32(math.Inf(1-2*rng.IntN(2))))
	}},
	{"with the largest number", func(G agg.Matrix, rng *rand.Rand) { sprinkle(G, rng, math.MaxFloat32) }},
	{"of the largest numbers", func(G agg.Matrix, _ *rand.Rand) {
		for i, v := range G.Data {
			G.Data[i] = float32(math.Copysign(math.MaxFloat32, float64(v)))
		}
	}},
	{"with the smallest number", func(G agg.Matrix, rng *rand.Rand) {
		scale(G.Data, 0)
		sprinkle(G, rng, math.SmallestNonzeroFloat32)
	}},
}

// drawHostile draws an n×d matrix. In a third of the cases its first rows, up to f,
// are far from the others.
func drawHostile(n, d, f int, rng *rand.Rand) hostile {
	h := hostile{G: agg.NewMatrix(n, d)}
	for i := range h.G.Data {
		h.G.Data[i] = float32(rng.NormFloat64())
	}
	if rng.IntN(3) > 0 || f == 0 {
		kind := hostiles[rng.IntN(len(hostiles))]
		kind.change(h.G, rng)
		h.kind = kind.name
		return h
	}
	h.kind, h.corrupt = "with corrupt rows", min(n, 1+rng.IntN(f))
	size := powerOfTen(rng, 15)
	h.far = min(math.MaxFloat32, size*max(1e3, powerOfTen(rng, 38)))
	for i := range n {
		row := h.G.Row(i)
		if i >= h.corrupt {
			scale(row, size)
			h.honest = max(h.honest, norm(row))
			continue
		}
		for j, v := range row {
			row[j] = float32(math.Copysign(h.far, float64(v)))
			if i%2 == 0 {
				row[j] = float32(math.Abs(float64(row[j])))
			}
		}
	}
	return h
}

// scale multiplies, and stops at the largest numbers.
func scale(x []float32, by float64) {
	for i, v := range x {
		x[i] = float32(max(-math.MaxFloat32, min(math.MaxFloat32, float64(v)*by)))
	}
}

// sprinkle puts v in one place or several.
func sprinkle(G agg.Matrix, rng *rand.Rand, v float32) {
	for range 1 + rng.IntN(3) {
		G.Data[rng.IntN(len(G.Data))] = v
	}
}
