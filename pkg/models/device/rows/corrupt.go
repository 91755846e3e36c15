//go:build gpu && linux

package rows

import (
	"cmp"
	"fmt"

	"github.com/bgmd/bgmd/internal/cuda"
	"github.com/bgmd/bgmd/pkg/agg"
	"github.com/bgmd/bgmd/pkg/models/device"
)

// Scale multiplies rows by a factor.
func (s *Space) Scale(rows []int, factor float32) error {
	stream := s.work.dev.Stream
	for _, i := range rows {
		if err := stream.ScaleRow(s.rows.Row(i), factor); err != nil {
			return err
		}
	}
	return stream.Wait()
}

// Noise returns memory of the host for so many rows, which [Space.Add] and
// [Space.Replace] take. Every call returns the same memory.
func (s *Space) Noise(n int) (agg.Matrix, error) {
	size := n * s.rows.D
	if s.noise.Len() < size {
		var err error
		if s.noise, err = device.AllocPinned[float32](s.work.dev, size); err != nil {
			return agg.Matrix{}, err
		}
	}
	return agg.Matrix{Data: s.noise.Slice()[:size], Rows: n, Cols: s.rows.D}, nil
}

// Add adds row k of noise to row rows[k].
func (s *Space) Add(rows []int, noise agg.Matrix) error {
	if s.staging.Len() == 0 {
		var err error
		if s.staging, err = device.Alloc[float32](s.work.dev, s.rows.D); err != nil {
			return err
		}
	}
	stream := s.work.dev.Stream
	return s.eachNoise(rows, noise, func(i int, z cuda.Pinned[float32]) error {
		return cmp.Or(cuda.Upload(stream, s.staging, z), stream.AddRow(s.rows.Row(i), s.staging))
	})
}

// Replace sets row rows[k] to row k of noise.
func (s *Space) Replace(rows []int, noise agg.Matrix) error {
	return s.eachNoise(rows, noise, func(i int, z cuda.Pinned[float32]) error {
		return cuda.Upload(s.work.dev.Stream, s.rows.Row(i), z)
	})
}

// eachNoise calls f for each row and its noise, and waits for what f queues.
func (s *Space) eachNoise(rows []int, noise agg.Matrix, f func(i int, z cuda.Pinned[float32]) error) error {
	d := s.rows.D
	if size := len(rows) * d; noise.Rows != len(rows) || noise.Cols != d || s.noise.Len() < size || &noise.Data[0] != &s.noise.Slice()[0] {
		return fmt.Errorf("rows: noise of %d×%d for %d rows of %d, want one of Noise", noise.Rows, noise.Cols, len(rows), d)
	}
	for k, i := range rows {
		if err := f(i, s.noise.Part(k*d, (k+1)*d)); err != nil {
			return err
		}
	}
	return s.work.dev.Stream.Wait()
}

// Return sets rows to what they are now in the copy of [Space.Host].
func (s *Space) Return(rows []int) error {
	stream, d := s.work.dev.Stream, s.rows.D
	for _, i := range rows {
		if err := cuda.Upload(stream, s.rows.Row(i), s.hostRows.Part(i*d, (i+1)*d)); err != nil {
			return err
		}
	}
	return stream.Wait()
}
