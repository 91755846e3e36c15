// Package train runs experiments: it trains a model on the gradients of many
// clients, some of them corrupt, and leaves a complete record.
//
// [Run] is the paper's Algorithm 1 around any aggregation rule; a [config.Config] says
// what to run. Everything random derives from the config's seed by name
// and place (package stream), so a run does not depend on the number of
// workers, and a resumed one ends as an undisturbed one.
package train

import (
	"context"
	"errors"

	"github.com/bgmd/bgmd/pkg/config"
	"github.com/bgmd/bgmd/pkg/data"
	"github.com/bgmd/bgmd/pkg/record"
)

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
	last, err := t.begin(epoch)
	for err == nil {
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
			if err := t.round(s); err != nil {
				return t.stopped(err)
			}
		}
		last, err = t.finishEpoch(t.epoch)
	}
	return failed(err)
}

// round is one round of [bgmd, Alg. 1]; s counts the rounds of the epoch.
//
//	each client draws a batch; corrupt clients corrupt its features and labels
//	G[i,:] = gradient of client i
//	corrupt clients attack their rows of G
//	u = Aggregate(G)
//	x ← x − γ·u, with momentum and weight decay
//
// With γ = 0 the parameters stay, and nothing is aggregated: γ divides the block's memory.
func (t *trainer) round(s int) error {
	loss, err := t.gradients(func(b *data.Batch, client int, took *record.Seconds) (corrupted int) {
		t.draw(b, s, t.steps, client, took)
		return t.corrupt(b, t.steps, client, took)
	})
	if err != nil {
		return err
	}
	if err := t.attack(); err != nil {
		return err
	}
	if γ := t.StepSize(t.epoch - 1); γ > 0 {
		if err := t.aggregate(γ); err != nil {
			return err
		}
		if err := t.step(γ); err != nil {
			return err
		}
	}
	t.finishRound(s, loss)
	return nil
}
