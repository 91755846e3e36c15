package train

import (
	"math"
	"math/rand/v2"

	"github.com/bgmd/bgmd/internal/stream"
	"github.com/bgmd/bgmd/pkg/data"
	"github.com/bgmd/bgmd/pkg/models"
)

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
