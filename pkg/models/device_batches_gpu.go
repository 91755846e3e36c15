//go:build gpu && linux

package models

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"math/rand/v2"

	"github.com/bgmd/bgmd/internal/cuda"
	"github.com/bgmd/bgmd/pkg/data"
	"github.com/bgmd/bgmd/pkg/models/device"
)

// batches are batches in memory that the device copies from by itself, one behind the
// other, with what belongs to each.
type batches struct {
	list   []*data.Batch // windows on x
	x      cuda.Pinned[float32]
	labels cuda.Pinned[int32]
	seeds  cuda.Pinned[uint64] // two words each
}

func newBatches(d *device.Device, o Options, count, n int) (*batches, error) {
	size := o.Shape.Size() * n
	b := &batches{}
	var errs [3]error
	b.x, errs[0] = device.AllocPinned[float32](d, count*size)
	b.labels, errs[1] = device.AllocPinned[int32](d, count*n)
	b.seeds, errs[2] = device.AllocPinned[uint64](d, 2*count)
	if err := cmp.Or(errs[:]...); err != nil {
		return nil, err
	}
	for i := range count {
		b.list = append(b.list, &data.Batch{Shape: o.Shape, N: n, X: b.x.Slice()[i*size : (i+1)*size : (i+1)*size], Labels: make([]int, n)})
	}
	return b, nil
}

// note takes the labels of batch i, which must be below classes.
func (b *batches) note(i, classes int) error {
	batch := b.list[i]
	if err := checkBatch(batch, batch.Shape, batch.N, classes); err != nil {
		return err
	}
	for k, label := range batch.Labels {
		b.labels.Slice()[i*batch.N+k] = int32(label)
	}
	return nil
}

// seed takes the words of a source for batch i.
func (b *batches) seed(i int, source *rand.PCG) error {
	hi, lo, err := words(source)
	b.seeds.Slice()[2*i], b.seeds.Slice()[2*i+1] = hi, lo
	return err
}

// words are the state of a generator.
func words(source *rand.PCG) (hi, lo uint64, err error) {
	const prefix = len("pcg:")
	state, err := source.AppendBinary(make([]byte, 0, prefix+16))
	if err != nil || len(state) != prefix+16 {
		return 0, 0, fmt.Errorf("models: the state of a generator has %d bytes, want %d: %w", len(state), prefix+16, err)
	}
	return binary.BigEndian.Uint64(state[prefix:]), binary.BigEndian.Uint64(state[prefix+8:]), nil
}
