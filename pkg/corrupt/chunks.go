package corrupt

import (
	"math/rand/v2"

	"github.com/bgmd/bgmd/internal/par"
	"github.com/bgmd/bgmd/pkg/agg"
)

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

// eachSeeded calls f in parallel for every chunk of every one of the rows, with
// seeds for a generator of the chunk's own, which are drawn from rng in order
// before the chunks are visited.
func eachSeeded(G agg.Matrix, rows []int, rng *rand.Rand, f func(seed1, seed2 uint64, g []float32)) {
	seeds := make([][2]uint64, len(rows)*par.Chunks(G.Cols, rowGrain))
	for i := range seeds {
		seeds[i] = [2]uint64{rng.Uint64(), rng.Uint64()}
	}
	eachChunk(G, rows, func(i, _, _ int, g []float32) {
		f(seeds[i][0], seeds[i][1], g)
	})
}
