package train

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/bgmd/bgmd/pkg/config"
	"github.com/bgmd/bgmd/pkg/data"
)

// Cost is what a config costs on the machine it was measured on.
type Cost struct {
	Step       time.Duration // the median step
	Evaluation time.Duration // one pass over the test set
	Steps      int           // of an epoch
}

// Epochs is the time that n epochs take. The evaluation before training is left
// out, and so are records and checkpoints.
func (c Cost) Epochs(n int) time.Duration {
	return time.Duration(n) * (time.Duration(c.Steps)*c.Step + c.Evaluation)
}

// How much of a run Measure does. The first step and the first batches, which
// build what later ones use again, are not timed.
const (
	measuredSteps   = 3
	measuredBatches = 8 // of the test set, a worker
)

// Measure trains a few steps as c says, evaluates on a part of the test set, and
// returns what that took, on the device of the given name (see [Options]). Nothing is
// recorded. It fails as [Run] does, and with ctx's error once that ends.
func Measure(ctx context.Context, c config.Config, device string) (cost Cost, err error) {
	if err := c.Validate(); err != nil {
		return Cost{}, err
	}
	defer lean()()
	t, err := newTrainer(c, Options{Device: device}, newClock())
	if err != nil {
		return Cost{}, err
	}
	defer func() {
		if closed := t.close(); err == nil {
			err = closed
		}
	}()
	t.startEpoch(1)
	cost.Steps = t.sampler.Steps()
	var times []time.Duration
	for s := range min(1+measuredSteps, cost.Steps) {
		if err := ctx.Err(); err != nil {
			return Cost{}, err
		}
		start := time.Now()
		err := t.round(s)
		times = append(times, time.Since(start))
		if _, diverged := errors.AsType[*divergence](err); diverged {
			break // the steps before are all there is to measure
		}
		if err != nil {
			return Cost{}, err
		}
	}
	if len(times) > 1 {
		times = times[1:]
	}
	slices.Sort(times)
	cost.Step = times[len(times)/2]
	cost.Evaluation, err = t.measureEvaluation()
	return cost, err
}

// measureEvaluation estimates the time of an evaluation from a part of it.
func (t *trainer) measureEvaluation() (time.Duration, error) {
	all := t.set.Test.Len()
	part := min(all, t.net.Workers()*measuredBatches*t.batch)
	set := *t.set
	set.Test = data.Split{Pixels: set.Test.Pixels[:part*set.Shape.Size()], Labels: set.Test.Labels[:part]}
	t.set = &set
	if _, err := t.evaluate(0); err != nil {
		return 0, err
	}
	start := time.Now()
	_, err := t.evaluate(0)
	return time.Since(start) * time.Duration(all) / time.Duration(part), err
}
