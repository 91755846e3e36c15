// Package par runs loops on several cores in chunks of a fixed size.
//
// Chunk borders depend on the loop's length and the grain only, never on the
// number of cores, so that a caller who sums each chunk on its own and then
// adds the chunks in order gets the same bits on every machine.
package par

import (
	"runtime"
	"sync"
	"sync/atomic"
)

// Chunks returns the number of chunks of size grain that cover [0, n).
func Chunks(n, grain int) int { return (n + grain - 1) / grain }

// For calls f once for each chunk [lo, hi) of [0, n), from up to GOMAXPROCS
// goroutines; chunk counts from 0 and all chunks but the last are grain long.
// It returns when every call has returned. With one chunk or one core it starts no
// goroutine.
func For(n, grain int, f func(chunk, lo, hi int)) {
	chunks := Chunks(n, grain)
	workers := min(runtime.GOMAXPROCS(0), chunks)
	if workers <= 1 {
		for c := range chunks {
			f(c, c*grain, min(n, (c+1)*grain))
		}
		return
	}
	var next atomic.Int64
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			for c := int(next.Add(1)) - 1; c < chunks; c = int(next.Add(1)) - 1 {
				f(c, c*grain, min(n, (c+1)*grain))
			}
		})
	}
	wg.Wait()
}
