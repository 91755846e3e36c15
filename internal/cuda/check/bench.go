//go:build gpu && linux

package main

import (
	"errors"
	"fmt"
	"math/rand/v2"

	"github.com/bgmd/bgmd/internal/cuda"
)

// bench is where a case or a timing runs: it collects memory and errors.
type bench struct {
	*cuda.Stream
	rng  *rand.Rand
	free []func() error
	err  error
}

func newBench(s *cuda.Stream, seed uint64) *bench {
	return &bench{Stream: s, rng: rand.New(rand.NewPCG(seed, 17))}
}

// try keeps the first error.
func (b *bench) try(err error) {
	if b.err == nil {
		b.err = err
	}
}

// close frees the memory and returns all that failed.
func (b *bench) close() error {
	errs := []error{b.err}
	for _, f := range b.free {
		errs = append(errs, f())
	}
	b.free = nil
	return errors.Join(errs...)
}

// room is memory for n values, all 0.
func room[T any](b *bench, n int) cuda.Memory[T] {
	m, err := cuda.Alloc[T](b.Device(), n)
	b.try(err)
	if err == nil {
		b.free = append(b.free, m.Free)
		b.try(cuda.Clear(b.Stream, m))
	}
	return m
}

// up copies x to the device.
func up[T any](b *bench, x []T) cuda.Memory[T] {
	m := room[T](b, len(x))
	if b.err == nil {
		b.try(cuda.Write(b.Stream, m, x))
	}
	return m
}

// floats is memory for n draws of N(0, 1).
func (b *bench) floats(n int) cuda.Memory[float32] {
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(b.rng.NormFloat64())
	}
	return up(b, x)
}

// integers is memory for n draws from [0, below).
func (b *bench) integers(n, below int) cuda.Memory[int32] {
	x := make([]int32, n)
	for i := range x {
		x[i] = int32(b.rng.IntN(below))
	}
	return up(b, x)
}

// words is memory for n random words.
func (b *bench) words(n int) cuda.Memory[uint64] {
	x := make([]uint64, n)
	for i := range x {
		x[i] = b.rng.Uint64()
	}
	return up(b, x)
}

// output condenses what the device has computed.
func output[T float32 | float64 | uint8 | uint32 | int32](b *bench, name string, m cuda.Memory[T]) answer {
	x := make([]T, m.Len())
	if b.err == nil {
		b.try(cuda.Read(b.Stream, x, m))
	}
	return answerOf(name, x)
}

// testCase runs kernels on fixed inputs.
type testCase struct {
	name string
	run  func(b *bench) []answer
}

// answer runs the case.
func (c testCase) answer(s *cuda.Stream) ([]answer, error) {
	b := newBench(s, uint64(len(c.name)))
	got := c.run(b)
	for i := range got {
		got[i].name = c.name + "/" + got[i].name
	}
	if err := b.close(); err != nil {
		return nil, fmt.Errorf("case %s: %w", c.name, err)
	}
	return got, nil
}
