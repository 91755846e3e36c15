package train

import (
	"math"

	"github.com/bgmd/bgmd/internal/stream"
	"github.com/bgmd/bgmd/pkg/models"
	"github.com/bgmd/bgmd/pkg/record"
)

// gradients fills G, a row a client, and returns the training loss: the mean
// over the clients whose samples are all uncorrupted, or over all if there is
// none. What a corrupt client's loss is says nothing about the model: noise
// that is far outside the images' range alone can bring it above any bound.
func (t *trainer) gradients(s int) (float64, error) {
	start := t.clock.now()
	for w := range t.workers {
		t.workers[w].seconds = record.Seconds{}
	}
	err := t.net.Each(t.Data.Clients, func(r *models.Replica, client int) error {
		w := &t.workers[r.ID]
		t.clean[client] = t.draw(w.batch, s, t.steps, client, &w.seconds) == 0
		mark := t.clock.now()
		loss, err := r.Grad(t.G.Row(client), w.batch, t.streams.At(stream.Dropout, t.steps, client))
		t.losses[client] = loss
		t.buffers.note(client, r.Statistics())
		t.clock.lap(&mark, &w.seconds.Gradient)
		return err
	})
	t.share((t.clock.now() - start).Seconds())
	return t.loss(), err
}

// share splits the wall-clock time of a step's gradients in the proportions in
// which the workers spent theirs.
func (t *trainer) share(wall float64) {
	var sum record.Seconds
	for _, w := range t.workers {
		sum = sum.Add(w.seconds)
	}
	if all := sum.Data + sum.Corrupt + sum.Gradient; all > 0 {
		t.seconds.Data += wall * sum.Data / all
		t.seconds.Corrupt += wall * sum.Corrupt / all
		t.seconds.Gradient += wall * sum.Gradient / all
	}
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
	size := t.workers[0].eval.N
	batches := (test.Len() + size - 1) / size
	tallies := make([]tally, batches)
	err := t.net.Each(batches, func(r *models.Replica, b int) error {
		batch := t.workers[r.ID].eval
		n := min(size, test.Len()-b*size)
		test.Fill(batch, t.inOrder[b*size:(b+1)*size])
		batch.Whiten(t.set.Mean, t.set.Std)
		rng := t.streams.At(stream.EvalDropout, epoch, b)
		if !t.Model.EvalDropout {
			rng = nil
		}
		logits, err := r.Predict(batch, rng)
		if err == nil {
			tallies[b] = t.count(logits, batch.Labels, n)
		}
		return err
	})
	if err != nil {
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
