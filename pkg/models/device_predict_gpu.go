//go:build gpu && linux

package models

import (
	"cmp"

	"github.com/bgmd/bgmd/internal/cuda"
	"github.com/bgmd/bgmd/pkg/models/device"
)

// chunkSamples is about how many samples are handed over at a time.
const chunkSamples = 4096

// testSet is what a device needs to predict the logits of many batches. They come a
// chunk at a time, and stay where they were if there is memory for all: batches are
// the same in every call of [Net.Predict].
type testSet struct {
	chunk  *batches
	x      cuda.Memory[float32] // a chunk's batches, or all
	seeds  cuda.Memory[uint64]  // a chunk's
	logits cuda.Memory[float32]
	result cuda.Pinned[float32]
	labels [][]int // of the batches that x holds since an earlier call
	room   int     // batches that x has room for
}

// reserve takes the memory of a chunk.
func (t *testSet) reserve(r *onDevice) error {
	o := r.options
	count := max(1, chunkSamples/o.EvalBatch)
	t.room = count
	var errs [5]error
	t.chunk, errs[0] = newBatches(r.dev, o, count, o.EvalBatch)
	t.x, errs[1] = device.Alloc[float32](r.dev, count*o.EvalBatch*o.Shape.Size())
	t.seeds, errs[2] = device.Alloc[uint64](r.dev, 2*count)
	t.logits, errs[3] = device.Alloc[float32](r.dev, count*o.EvalBatch*o.Classes)
	t.result, errs[4] = device.AllocPinned[float32](r.dev, count*o.EvalBatch*o.Classes)
	return cmp.Or(errs[:]...)
}

// enlarge takes memory for so many batches, if half of what is left suffices.
func (t *testSet) enlarge(r *onDevice, count int) error {
	chunk := len(t.chunk.list)
	if count <= t.room {
		return nil
	}
	free, err := r.dev.Free()
	rounded := (count + chunk - 1) / chunk * chunk
	elements := rounded * r.options.EvalBatch * r.options.Shape.Size()
	if err != nil || 4*elements > free/2 {
		return err
	}
	if t.x, err = device.Alloc[float32](r.dev, elements); err == nil {
		t.room, t.labels = rounded, nil
	}
	return err
}

func (r *onDevice) predict(b Batches) error {
	t := &r.test
	if err := cmp.Or(r.upload(), t.enlarge(r, b.Count)); err != nil {
		return err
	}
	chunk := len(t.chunk.list)
	for from := 0; from < b.Count; from += chunk {
		count := min(chunk, b.Count-from)
		at, err := t.bring(r, b, from, count)
		if err == nil {
			err = r.predictChunk(b, from, count, at)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// bring copies batches [from, from+count) to the device, unless they are there, and
// returns their place in x.
func (t *testSet) bring(r *onDevice, b Batches, from, count int) (at int, err error) {
	if b.Count <= t.room {
		at = from
	} else {
		t.labels = nil
	}
	if at+count <= len(t.labels) {
		return at, nil
	}
	err = share(r.net.workers, count, func(worker, i int) error {
		b.Fill(worker, from+i, t.chunk.list[i])
		return t.chunk.note(i, r.options.Classes)
	})
	if err != nil {
		return 0, err
	}
	t.labels = t.labels[:at]
	for _, batch := range t.chunk.list[:count] {
		t.labels = append(t.labels, append([]int(nil), batch.Labels...))
	}
	size := r.eval.images.Size()
	return at, cuda.Upload(r.dev.Stream, t.x.Slice(at*size, (at+len(t.chunk.list))*size), t.chunk.x)
}

// predictChunk computes the logits of count batches. They begin at batch at of x and at
// batch from of b.
func (r *onDevice) predictChunk(b Batches, from, count, at int) error {
	t, g, s := &r.test, r.eval, r.dev.Stream
	if b.Dropout != nil {
		for i := range count {
			if err := t.chunk.seed(i, b.Dropout(from+i)); err != nil {
				return err
			}
		}
		if err := cuda.Upload(s, t.seeds, t.chunk.seeds); err != nil {
			return err
		}
	}
	g.engine.Drop = b.Dropout != nil
	size, outputs := g.images.Size(), r.options.EvalBatch*r.options.Classes
	for i := range count {
		g.images.Memory = t.x.Slice((at+i)*size, (at+i+1)*size)
		g.engine.Seeds = t.seeds.Slice(2*i, 2*i+2)
		if err := g.run(); err != nil {
			return err
		}
		logits := g.logits.Value().(*device.Array).Memory
		if err := cuda.Copy(s, t.logits.Slice(i*outputs, (i+1)*outputs), logits); err != nil {
			return err
		}
	}
	if err := cmp.Or(cuda.Download(s, t.result, t.logits), s.Wait()); err != nil {
		return err
	}
	for i := range count {
		b.Done(from+i, t.result.Slice()[i*outputs:(i+1)*outputs], t.labels[at+i])
	}
	return nil
}
