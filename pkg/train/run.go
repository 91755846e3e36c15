// Package train runs experiments: it trains a model on the gradients of many
// clients, some of them corrupt, and leaves a complete record.
//
// [Run] is the paper's Algorithm 1 around any aggregation rule; [config.Config] is
// what it is told. Everything random derives from the config's seed by name
// and place (package stream), so a run does not depend on the number of
// workers, and a resumed one ends as an undisturbed one.
package train

import (
	"context"
	"errors"
	"fmt"
	"math"

	"github.com/bgmd/bgmd/internal/stream"
	"github.com/bgmd/bgmd/pkg/agg"
	"github.com/bgmd/bgmd/pkg/config"
	"github.com/bgmd/bgmd/pkg/data"
	"github.com/bgmd/bgmd/pkg/record"
)

// Options says how to run, as opposed to what.
type Options struct {
	// Resume goes on with the unfinished run in the folder; one that has
	// finished or diverged is left as it is.
	Resume bool
	// Device is the name of the device to compute gradients and evaluations on: gpu,
	// or gpu:1 and so on; empty or cpu for none. It is no part of a record's
	// configuration, but results differ by roundings, so that a run goes on only on
	// one of the kind that it was begun on.
	Device string
	// Begin, if not nil, is called once the data is there, before the record is, with
	// what computes ([models.Net.Backend]).
	Begin func(set *data.Set, backend string)
	// Note, if not nil, is told, once for each, what a run on a device does in memory.
	Note func(text string)
	// Observe, if not nil, is called after every step and every epoch.
	Observe func(Progress)
}

// Progress is what an observer sees.
type Progress struct {
	Epoch, Epochs int           // current, from 0 for the evaluation before training; and all
	Step, Steps   int           // in this epoch: done, and all
	Loss          float64       // training loss of the last step
	Done          *record.Epoch // the epoch just finished and recorded, else nil
	Seconds       record.Seconds
	Elapsed       float64 // seconds since the run's start, without the gaps between sessions
}

// Run trains as c says, records the run in the folder dir, and returns its
// summary. A run that diverged is a result and no error: see the summary's
// status. When ctx ends, the run stops after the current step, as interrupted,
// and Resume goes on from its last whole epoch.
//
// While it runs, the garbage collector of the whole process works more often than
// usual: have one call at a time.
//
// It fails on an invalid config, on data that is missing or damaged
// ([data.ErrData]), on a folder that holds another run, on one whose files it cannot
// go on from ([*record.DamageError]), and when the record cannot be written.
func Run(ctx context.Context, c config.Config, dir string, o Options) (summary *record.Summary, err error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	if o.Resume {
		if ended, err := record.Ended(dir, c.Recorded().YAML()); ended != nil || err != nil {
			return ended, err
		}
	}
	clock := newClock()
	defer clock.watch()()
	defer lean()()
	t, err := newTrainer(c, o, clock)
	if err != nil {
		return nil, err
	}
	defer func() {
		if closed := t.close(); err == nil {
			err = closed
		}
	}()
	if o.Begin != nil {
		o.Begin(t.set, t.net.Backend())
	}
	epoch, err := t.open(dir, o)
	if err != nil {
		return nil, err
	}
	outcome, err := t.train(ctx, epoch)
	outcome.RealisedCorruption = t.realised()
	if err := errors.Join(err, t.record.Close(outcome)); err != nil {
		return nil, err
	}
	run, err := record.Read(dir)
	if err != nil {
		return nil, err
	}
	return run.Summary, nil
}

// train goes on from the state after the given epoch, -1 for none, to the end.
func (t *trainer) train(ctx context.Context, epoch int) (record.Outcome, error) {
	fail := func(err error) (record.Outcome, error) {
		return record.Outcome{Status: record.Failed, Error: err.Error()}, err
	}
	var last record.Epoch
	var err error
	if epoch < 0 {
		if last, err = t.finishEpoch(0); err != nil {
			return fail(err)
		}
	} else {
		last = t.record.Epochs()[epoch]
	}
	for {
		// Asked of a resumed run too: its process may have been killed after
		// the checkpoint and before the summary.
		if diverged := t.ended(last); diverged != nil {
			return diverged.outcome(t.steps), nil
		}
		if last.Epoch >= t.Epochs {
			return record.Outcome{Status: record.Finished}, nil
		}
		t.startEpoch(last.Epoch + 1)
		for s := range t.sampler.Steps() {
			if ctx.Err() != nil {
				return record.Outcome{Status: record.Interrupted}, nil
			}
			err := t.step(s)
			if diverged, ok := errors.AsType[*divergence](err); ok {
				if err := t.recordPart(t.epoch); err != nil {
					return fail(err)
				}
				return diverged.outcome(t.steps + 1), nil
			}
			if err != nil {
				return fail(fmt.Errorf("train: step %d: %w", t.steps+1, err))
			}
		}
		if last, err = t.finishEpoch(t.epoch); err != nil {
			return fail(err)
		}
	}
}

// ended returns how training diverged, as a whole epoch's line of the record
// says, nil if it goes on. Epoch 0 has no step that could have diverged.
func (t *trainer) ended(e record.Epoch) *divergence {
	if loss := float64(e.TestLoss); e.Epoch > 0 && (!finite(loss) || loss > t.DivergedLoss) {
		return t.beyond("test", loss)
	}
	return nil
}

// divergence is the error of a step that cannot be taken because training has
// left all bounds.
type divergence struct{ reason string }

func (d *divergence) Error() string { return "training diverged: " + d.reason }

func (d *divergence) outcome(step int) record.Outcome {
	return record.Outcome{Status: record.Diverged, DivergedAtStep: step, Reason: d.reason}
}

// beyond is the divergence of a loss.
func (t *trainer) beyond(what string, loss float64) *divergence {
	if !finite(loss) {
		return &divergence{fmt.Sprintf("the %s loss is %v", what, loss)}
	}
	return &divergence{fmt.Sprintf("the %s loss is %.4g, above %g", what, loss, t.DivergedLoss)}
}

// step is one round of [bgmd, Alg. 1]; s counts the steps of the epoch.
//
//	draw each client's batch, corrupt features and labels
//	G[i,:] = gradient of client i
//	corrupt rows of G
//	u = Aggregate(G)
//	x ← x − γ·u, with momentum and weight decay
func (t *trainer) step(s int) error {
	lr := t.StepSize(t.epoch - 1)
	loss, err := t.gradients(s)
	if err != nil {
		return err
	}
	if !finite(loss) || t.DivergedAt == "step" && loss > t.DivergedLoss {
		return t.beyond("training", loss)
	}
	if err := t.buffers.update(t.net); err != nil {
		return err
	}
	start := t.clock.now()
	if err := t.place.corrupt(t.rows, t.steps); err != nil {
		return err
	}
	t.clock.lap(&start, &t.seconds.Corrupt)

	if lr > 0 { // a step of size 0 has no direction: γ divides the block's memory
		stats, err := t.place.aggregate(t.rule, agg.Step{Gamma: lr, Rand: t.streams.At(stream.Aggregate, t.steps)})
		if errors.Is(err, agg.ErrNotFinite) {
			return &divergence{err.Error()}
		}
		if err != nil {
			return err
		}
		t.stats.add(stats)
		t.clock.lap(&start, &t.seconds.Aggregate)
		t.updates++
		if err := t.optimizer.step(t.place, lr, t.updates); err != nil {
			return err
		}
		t.clock.lap(&start, &t.seconds.Update)
	}
	t.steps++
	t.lossSum += loss
	t.report(Progress{Step: s + 1, Loss: loss})
	return nil
}

// startEpoch prepares the given epoch, counted from 1.
func (t *trainer) startEpoch(epoch int) {
	t.epoch = epoch
	t.sampler.Epoch(epoch - 1)
	t.lossSum, t.stats, t.seconds = 0, stats{}, record.Seconds{}
}

// finishEpoch evaluates, records and then checkpoints an epoch: the line is on
// disk before the checkpoint that says the epoch is done. The time that both
// take is the next epoch's.
func (t *trainer) finishEpoch(epoch int) (record.Epoch, error) {
	e, err := t.measure(epoch)
	if err != nil {
		return e, err
	}
	if err := t.record.Epoch(e); err != nil {
		return e, err
	}
	if err := t.save(); err != nil {
		return e, err
	}
	t.elapsed = e.Elapsed
	t.report(Progress{Step: t.sampler.Steps(), Loss: float64(e.TrainLoss), Done: &e})
	return e, nil
}

// measure evaluates the model and sums up the epoch.
func (t *trainer) measure(epoch int) (record.Epoch, error) {
	start := t.clock.now()
	test, err := t.evaluate(epoch)
	if err != nil {
		return record.Epoch{}, err
	}
	t.clock.lap(&start, &t.seconds.Evaluate)
	t.clock.lap(&t.started, &t.seconds.Total)
	e := record.Epoch{
		Epoch: epoch, Step: t.steps, LR: record.Float(t.StepSize(max(0, epoch-1))),
		TrainLoss:    record.Float(t.lossSum / float64(t.sampler.Steps())),
		TestLoss:     record.Float(test.loss),
		TestAccuracy: record.Float(test.accuracy),
		Dropped:      t.stats.dropped,
		GM:           t.stats.gm(), Block: t.stats.block(),
		Seconds: t.seconds, Elapsed: t.elapsed + t.seconds.Total,
	}
	if epoch == 0 {
		e.TrainLoss = record.Float(math.NaN())
	}
	if test.attacked {
		success := record.Float(test.attackSuccess)
		e.AttackSuccess = &success
	}
	return e, nil
}

// recordPart records the epoch in which training diverged, as far as it went.
func (t *trainer) recordPart(epoch int) error {
	t.lossSum = math.NaN() // no mean of a whole epoch
	e, err := t.measure(epoch)
	if err != nil {
		return err
	}
	return t.record.Epoch(e)
}

func (t *trainer) report(p Progress) {
	if t.observe == nil {
		return
	}
	p.Epoch, p.Epochs, p.Steps = t.epoch, t.Epochs, t.sampler.Steps()
	p.Seconds = t.seconds
	p.Elapsed = t.elapsed
	if p.Done == nil {
		p.Elapsed += (t.clock.now() - t.started).Seconds()
	}
	t.observe(p)
}

func finite(x float64) bool { return !math.IsInf(x, 0) && !math.IsNaN(x) }
