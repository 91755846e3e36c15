package train

import (
	"math"
	"math/rand/v2"

	"github.com/bgmd/bgmd/internal/stream"
	"github.com/bgmd/bgmd/pkg/data"
	"github.com/bgmd/bgmd/pkg/models"
	"github.com/bgmd/bgmd/pkg/record"
)

// gradients fills G, a row a client, and returns the training loss: the mean
// over the clients whose samples are all uncorrupted, or over all if there is
// none. What a corrupt client's loss is says nothing about the model: noise
// that is far outside the images' range alone can bring it above any bound.
func (t *trainer) gradients(s int) (float64, error) {
	start := t.clock.now()
	clear(t.workers)
	err := t.net.Grads(models.Clients{
		Count: t.Data.Clients,
		Draw: func(worker, client int, b *data.Batch) {
			t.clean[client] = t.draw(b, s, t.steps, client, &t.workers[worker]) == 0
		},
		Dropout: func(client int) *rand.PCG { return t.streams.Source(stream.Dropout, t.steps, client) },
		Row:     t.place.row(),
		Done: func(client int, loss float64, statistics []float32) {
			t.losses[client] = loss
			t.buffers.note(client, statistics)
		},
	})
	t.share((t.clock.now() - start).Seconds())
	return t.loss(), err
}

// share splits the wall-clock time of a step's gradients: what the workers did not
// spend on batches went into gradients.
func (t *trainer) share(wall float64) {
	var sum record.Seconds
	for _, w := range t.workers {
		sum = sum.Add(w)
	}
	workers := float64(len(t.workers))
	t.seconds.Data += sum.Data / workers
	t.seconds.Corrupt += sum.Corrupt / workers
	t.seconds.Gradient += max(0, wall-(sum.Data+sum.Corrupt)/workers)
}

// loss is the mean of the clean clients' losses, or of all if none is clean.
func (t *trainer) loss() float64 {
	var clean, all float64
	n := 0
	for i, l := range t.losses {
		all += l
		if t.clean[i] {
			clean += l
			n++
		}
	}
	if n == 0 {
		return all / float64(len(t.losses))
	}
	return clean / float64(n)
}

// evaluation is what the test set says of the model.
type evaluation struct {
	loss     float64 // mean cross-entropy
	accuracy float64 // percent
	// attackSuccess is the percentage of the images outside the backdoor's
	// target class that are taken for the target; only if attacked.
	attackSuccess float64
	attacked      bool
}

// tally counts what one batch of the test set gives.
type tally struct {
	loss                     float64
	correct, outside, fooled int
}

// evaluate runs the model over the test set. Batches are counted apart and
// added in order, so that the sums do not depend on the workers.
func (t *trainer) evaluate(epoch int) (evaluation, error) {
	test := t.set.Test
	batches := models.Batches{
		Count: (test.Len() + t.batch - 1) / t.batch,
		Fill: func(_, i int, b *data.Batch) {
			test.Fill(b, t.inOrder[i*t.batch:(i+1)*t.batch])
			b.Whiten(t.set.Mean, t.set.Std)
		},
	}
	if t.Model.EvalDropout {
		batches.Dropout = func(i int) *rand.PCG { return t.streams.Source(stream.EvalDropout, epoch, i) }
	}
	tallies := make([]tally, batches.Count)
	batches.Done = func(i int, logits []float32, labels []int) {
		tallies[i] = t.count(logits, labels, min(t.batch, test.Len()-i*t.batch))
	}
	if err := t.net.Predict(batches); err != nil {
		return evaluation{}, err
	}
	var sum tally
	for _, c := range tallies {
		sum.loss += c.loss
		sum.correct += c.correct
		sum.outside += c.outside
		sum.fooled += c.fooled
	}
	n := float64(test.Len())
	return evaluation{
		loss:          sum.loss / n,
		accuracy:      100 * float64(sum.correct) / n,
		attacked:      t.Corruption.Label.Kind == "backdoor",
		attackSuccess: 100 * float64(sum.fooled) / float64(max(1, sum.outside)),
	}, nil
}

// count judges the first n images of a batch by their logits, classes×N.
func (t *trainer) count(logits []float32, labels []int, n int) tally {
	var c tally
	stride := len(labels)
	for i, label := range labels[:n] {
		best := 0
		for k := 1; k < t.set.Classes; k++ {
			if logits[k*stride+i] > logits[best*stride+i] {
				best = k
			}
		}
		top := float64(logits[best*stride+i])
		var sum float64
		for k := range t.set.Classes {
			sum += math.Exp(float64(logits[k*stride+i]) - top)
		}
		c.loss += math.Log(sum) + top - float64(logits[label*stride+i])
		if best == label {
			c.correct++
		}
		if target := t.Corruption.Label.Target; label != target {
			c.outside++
			if best == target && top == top { // logits of NaN fool nobody
				c.fooled++
			}
		}
	}
	return c
}
