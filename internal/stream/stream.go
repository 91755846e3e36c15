// Package stream derives named random streams from one root seed.
//
// A stream is identified by what it is for and where it is used, never by the
// order in which streams are asked for. A run's randomness therefore does not
// depend on the number of workers, and a resumed run draws what an
// uninterrupted one would have drawn: there is no generator state to save.
package stream

import (
	"crypto/sha256"
	"encoding/binary"
	"math/rand/v2"
)

// Name says what a stream is for.
type Name string

// The streams of a training run.
const (
	Init        Name = "init"         // initial weights
	Synthetic   Name = "synthetic"    // the embedded data set
	Partition   Name = "partition"    // which client owns which sample
	Shuffle     Name = "shuffle"      // the order of samples in an epoch
	Augment     Name = "augment"      // crops and flips of a client's batch
	Members     Name = "members"      // which clients, rows or samples are corrupt
	Corrupt     Name = "corrupt"      // the corruption's own noise
	Dropout     Name = "dropout"      // dropout masks
	EvalDropout Name = "eval-dropout" // dropout masks of an evaluation that keeps them
	Aggregate   Name = "aggregate"    // random choices of an aggregation rule
)

// Root is a run's seed, from which all of its streams derive.
type Root uint64

// At returns the stream called name at the given place, usually a step and a
// client. Two calls with equal arguments return generators in the same state.
func (r Root) At(name Name, place ...int) *rand.Rand { return rand.New(r.Source(name, place...)) }

// Source returns what [Root.At] draws from: a PCG generator seeded with the first
// 16 bytes of
//
//	SHA-256(root ‖ name ‖ 0 ‖ place₀ ‖ place₁ ‖ …)
func (r Root) Source(name Name, place ...int) *rand.PCG {
	var buf [128]byte
	b := binary.LittleEndian.AppendUint64(buf[:0], uint64(r))
	b = append(b, name...)
	b = append(b, 0)
	for _, p := range place {
		b = binary.LittleEndian.AppendUint64(b, uint64(p))
	}
	sum := sha256.Sum256(b)
	return rand.NewPCG(binary.LittleEndian.Uint64(sum[0:8]), binary.LittleEndian.Uint64(sum[8:16]))
}
