package train

import (
	"errors"
	"math/rand/v2"

	"github.com/bgmd/bgmd/internal/stream"
	"github.com/bgmd/bgmd/pkg/agg"
	"github.com/bgmd/bgmd/pkg/data"
	"github.com/bgmd/bgmd/pkg/models"
	"github.com/bgmd/bgmd/pkg/record"
)

// gradients fills G, a row a client, from batches that prepare fills, and returns the
// training loss: the mean over the clients whose samples are all uncorrupted, or over
// all if there is none. A corrupt client's loss says nothing about the model: noise far
// outside the images' range can bring it above any bound.
//
// prepare returns how many of the batch's samples it corrupted, and adds the time that
// it took. Workers call it side by side.
//
// A loss out of bounds is a [divergence]. With any other, the running averages of batch
// norm are updated.
func (t *trainer) gradients(prepare func(b *data.Batch, client int, took *record.Seconds) (corrupted int)) (float64, error) {
	start := t.clock.now()
	clear(t.workers)
	err := t.net.Grads(models.Clients{
		Count: t.Data.Clients,
		Draw: func(worker, client int, b *data.Batch) {
			t.clean[client] = prepare(b, client, &t.workers[worker]) == 0
		},
		Dropout: func(client int) *rand.PCG { return t.streams.Source(stream.Dropout, t.steps, client) },
		Row:     t.place.row(),
		Done: func(client int, loss float64, statistics []float32) {
			t.losses[client] = loss
			t.buffers.note(client, statistics)
		},
	})
	t.share((t.clock.now() - start).Seconds())
	if err != nil {
		return 0, err
	}
	loss := t.loss()
	if !finite(loss) || t.DivergedAt == "step" && loss > t.DivergedLoss {
		return 0, t.beyond("training", loss)
	}
	return loss, t.buffers.update(t.net)
}

// share splits the wall-clock time of a round's gradients. What the workers did not
// spend on batches counts as gradients.
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

// attack has the corrupt clients' rows of G corrupted.
func (t *trainer) attack() error {
	start := t.clock.now()
	defer t.clock.lap(&start, &t.seconds.Corrupt)
	return t.place.attack(t.rows, t.steps)
}

// aggregate sets u to what the rule makes of G, for a step of size γ.
func (t *trainer) aggregate(γ float64) error {
	start := t.clock.now()
	defer t.clock.lap(&start, &t.seconds.Aggregate)
	stats, err := t.place.aggregate(t.rule, agg.Step{Gamma: γ, Rand: t.streams.At(stream.Aggregate, t.steps)})
	if errors.Is(err, agg.ErrNotFinite) {
		return &divergence{err.Error()}
	}
	if err != nil {
		return err
	}
	t.stats.add(stats)
	return nil
}

// step moves the parameters x along −u: x ← x − γ·u, with momentum and weight decay,
// or as the optimiser has it.
func (t *trainer) step(γ float64) error {
	start := t.clock.now()
	defer t.clock.lap(&start, &t.seconds.Update)
	t.updates++
	return t.optimizer.step(t.place, γ, t.updates)
}

// finishRound counts round s of the epoch and reports it.
func (t *trainer) finishRound(s int, loss float64) {
	t.steps++
	t.lossSum += loss
	t.report(Progress{Step: s + 1, Loss: loss})
}
