package models

import (
	"math/rand/v2"

	"github.com/bgmd/bgmd/internal/huge"
	"github.com/bgmd/bgmd/pkg/data"
)

// Clients are whose gradients [Net.Grads] computes, and what becomes of them. Its
// functions are called from several goroutines at once.
type Clients struct {
	Count int
	// Draw fills b, which has the size given in [Options.Batch], with client i's
	// samples. No other call has the same worker, below [Net.Workers], meanwhile.
	Draw func(worker, i int, b *data.Batch)
	// Dropout is the source of client i's dropout masks; nil drops nothing.
	Dropout func(i int) *rand.PCG
	// Row is where client i's gradient goes, one element a parameter; nil on a
	// device leaves the gradients there, for [Net.Resident].
	Row func(i int) []float32
	// Done is called when client i's gradient is in its row, with its loss, and
	// with what [Replica.Statistics] returns, valid during the call.
	Done func(i int, loss float64, statistics []float32)
}

// Batches are what [Net.Predict] computes the logits of. Its functions are called
// from several goroutines at once.
type Batches struct {
	Count int
	// Fill fills b, which has the size given in [Options.EvalBatch], with batch i,
	// the same in every call of a net. No other call has the same worker, below
	// [Net.Workers], meanwhile.
	Fill func(worker, i int, b *data.Batch)
	// Dropout is the source of batch i's dropout masks; nil drops nothing.
	Dropout func(i int) *rand.PCG
	// Done gets the logits of batch i, classes×N, and its labels, valid during the
	// call.
	Done func(i int, logits []float32, labels []int)
}

// Rows returns memory for the gradients of so many clients, one behind the other,
// which Grads fills faster than other memory.
func (n *Net) Rows(clients int) ([]float32, error) {
	if n.device != nil {
		return n.device.rows()
	}
	return huge.Make[float32](clients * len(n.params)), nil
}

// Grads computes the gradient of the mean cross-entropy of every client's batch.
// After an error, the gradients of some clients may be missing.
func (n *Net) Grads(c Clients) error {
	if n.device != nil {
		return n.device.grads(c)
	}
	return n.Each(c.Count, func(r *Replica, i int) error {
		if r.batch == nil {
			r.batch = data.NewBatch(r.train.shape, len(r.train.labels))
		}
		c.Draw(r.ID, i, r.batch)
		loss, err := r.Grad(c.Row(i), r.batch, generator(c.Dropout, i))
		if err == nil {
			c.Done(i, loss, r.Statistics())
		}
		return err
	})
}

// Predict computes the logits of all batches.
func (n *Net) Predict(b Batches) error {
	if n.device != nil {
		return n.device.predict(b)
	}
	return n.Each(b.Count, func(r *Replica, i int) error {
		if r.seen == nil {
			r.seen = data.NewBatch(r.eval.shape, len(r.eval.labels))
		}
		b.Fill(r.ID, i, r.seen)
		logits, err := r.Predict(r.seen, generator(b.Dropout, i))
		if err == nil {
			b.Done(i, logits, r.seen.Labels)
		}
		return err
	})
}

// Flops counts the multiplications and additions of the matrix products of one
// client's gradient; see [Replica.Flops].
func (n *Net) Flops() (done, byDefinition int) {
	if n.device != nil {
		return n.device.flops()
	}
	return n.replicas[0].Flops()
}

// Profile has every later Grads add up the seconds that each op takes, as
// [Replica.Profile] does, and returns where: a map for each graph. On a device, which
// computes while the host goes on, they are those of its drawing, uploading, computing
// and downloading, or of the ops if BGMD_CUDA_SYNC=1 has it wait for each.
func (n *Net) Profile() ([]map[string]float64, error) {
	if n.device != nil {
		seconds := map[string]float64{}
		return []map[string]float64{seconds}, n.device.profile(seconds)
	}
	profiles := make([]map[string]float64, len(n.replicas))
	for i, r := range n.replicas {
		profiles[i] = map[string]float64{}
		r.Profile(profiles[i])
	}
	return profiles, nil
}

// generator draws from the source of i, if there are sources.
func generator(source func(i int) *rand.PCG, i int) *rand.Rand {
	if source == nil {
		return nil
	}
	return rand.New(source(i))
}
