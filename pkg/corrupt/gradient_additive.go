package corrupt

import (
	"fmt"
	"math/rand/v2"

	"github.com/bgmd/bgmd/internal/par"
	"github.com/bgmd/bgmd/pkg/agg"
)

// AdditiveGradient adds Gaussian noise to every coordinate of a gradient,
//
//	g ← g + z,  z ~ N(0, Std²).
//
// [bgmd] has N(0, 100), Std = 10.
type AdditiveGradient struct{ Std float64 }

func newAdditiveGradient(o GradientOptions) (Gradient, error) {
	if err := positive("additive", "std", o.Std); err != nil {
		return nil, err
	}
	return AdditiveGradient{Std: o.Std}, nil
}

// Apply implements [Gradient]. Every chunk of every row has a generator of its
// own, seeded from rng in order before the chunks are filled in parallel.
func (a AdditiveGradient) Apply(G agg.Matrix, rows []int, rng *rand.Rand) {
	seeds := make([][2]uint64, len(rows)*par.Chunks(G.Cols, rowGrain))
	for i := range seeds {
		seeds[i] = [2]uint64{rng.Uint64(), rng.Uint64()}
	}
	std := float32(a.Std)
	eachChunk(G, rows, func(i, _, _ int, g []float32) {
		noise := newGaussian(seeds[i][0], seeds[i][1])
		noise.addTo(g, std)
	})
}

func (a AdditiveGradient) String() string { return fmt.Sprintf("additive(%v)", a.Std) }

// numpyNoise draws one row's noise as [code] does: numpy.random.normal in
// float64, rounded to the gradient's float32 before it is added.
func (a AdditiveGradient) numpyNoise(src *numpyRand, d int) []float32 {
	noise := make([]float32, d)
	for j := range noise {
		noise[j] = float32(a.Std * src.gauss())
	}
	return noise
}

// rowGrain is the number of coordinates in a chunk of a row. Noise depends on
// it: another value gives other draws from the same seed.
const rowGrain = 1 << 15

// eachChunk calls f in parallel for every chunk of every one of the rows: i
// counts the calls, k is the row's place in rows, lo the chunk's first column,
// and g its values.
func eachChunk(G agg.Matrix, rows []int, f func(i, k, lo int, g []float32)) {
	chunks := par.Chunks(G.Cols, rowGrain)
	par.For(len(rows)*chunks, 1, func(i, _, _ int) {
		k, lo := i/chunks, i%chunks*rowGrain
		f(i, k, lo, G.Row(rows[k])[lo:min(G.Cols, lo+rowGrain)])
	})
}
