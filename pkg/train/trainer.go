package train

import (
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/bgmd/bgmd/internal/stream"
	"github.com/bgmd/bgmd/pkg/agg"
	"github.com/bgmd/bgmd/pkg/config"
	"github.com/bgmd/bgmd/pkg/corrupt"
	"github.com/bgmd/bgmd/pkg/models"
	"github.com/bgmd/bgmd/pkg/models/device"
	"github.com/bgmd/bgmd/pkg/record"
)

// trainer is the state of one run.
type trainer struct {
	config.Config
	*source
	device  *device.Device // nil for none
	net     *models.Net
	workers []record.Seconds // of this step, one a worker of net
	batch   int              // samples of an evaluation's batch
	inOrder []int            // the test set's samples

	rows      *corrupt.GradientPlan
	rule      agg.Aggregator
	optimizer optimizer

	place  place     // of the clients' gradients and the parameters
	losses []float64 // a client's loss of this step
	clean  []bool    // whether a client's samples are all uncorrupted

	buffers *buffers // of batch norm; nil without

	record  *record.Writer
	dir     string
	observe func(Progress)
	note    func(string)

	epoch   int // current, from 1; 0 before training
	steps   int // done since the run's start
	updates int // of them, those whose step size was not 0
	elapsed float64

	// Of the current epoch.
	started time.Duration // on the clock
	seconds record.Seconds
	lossSum float64
	stats   stats
}

// newTrainer makes the trainer of c on the device that o names. The caller closes it.
func newTrainer(c config.Config, o Options, clock *clock) (*trainer, error) {
	t := &trainer{Config: c, started: clock.now(), observe: o.Observe, note: o.Note}
	err := checkMemory(c)
	if err != nil {
		return nil, err
	}
	if t.device, err = device.Open(o.Device); err != nil {
		return nil, fmt.Errorf("train: %w", err)
	}
	if err := t.prepare(clock); err != nil {
		return nil, errors.Join(err, t.close())
	}
	return t, nil
}

// close releases the device.
func (t *trainer) close() error {
	t.rows.Settle() // it may still be drawing noise into the device's memory
	return t.device.Close()
}

// prepare loads the set and makes everything that the first step needs.
func (t *trainer) prepare(clock *clock) (err error) {
	c := t.Config
	if t.source, err = newSource(c, clock); err != nil {
		return err
	}
	debug.FreeOSMemory() // what reading the set took
	n := c.Data.Clients
	t.batch = min(c.Model.EvalBatch, t.set.Test.Len())
	if err := t.build(); err != nil {
		return err
	}
	t.workers = make([]record.Seconds, t.net.Workers())
	for i := range t.set.Test.Len() + t.batch { // the last batch is filled up with the first images
		t.inOrder = append(t.inOrder, i%t.set.Test.Len())
	}
	t.optimizer = newOptimizer(c.Optimizer, len(t.net.Params()))
	if t.place, err = newPlace(t.net, n, t.note); err != nil {
		return smaller(c, err)
	}
	t.losses, t.clean = make([]float64, n), make([]bool, n)
	t.buffers, err = newBuffers(c.Model.Buffers, n, t.net)
	return err
}

// build makes the model, the corruption of its gradients and the rule.
func (t *trainer) build() error {
	var errs [3]error
	o := t.Model.Options()
	o.Shape, o.Classes, o.Batch, o.EvalBatch = t.set.Shape, t.set.Classes, t.Data.Batch, t.batch
	o.Replicas, o.Rand = replicas(t.Config), t.streams.At(stream.Init)
	o.Device, o.Clients = t.device, t.Data.Clients
	if t.net, errs[0] = models.New(t.Model.Name, o); errs[0] != nil {
		errs[0] = smaller(t.Config, errs[0])
	}
	g := t.Corruption.Gradient
	t.rows, errs[1] = corrupt.NewGradientPlan(g.Kind, g.GradientOptions, g.RowMemberOptions, t.streams)
	t.rule, errs[2] = t.Rule()
	return errors.Join(errs[:]...)
}

// realised returns the fractions that were corrupt so far.
func (t *trainer) realised() record.Corruption {
	fraction := func(tally corrupt.Tally) *float64 {
		if tally.Total == 0 {
			return nil
		}
		f := tally.Fraction()
		return &f
	}
	return record.Corruption{
		Feature:  fraction(t.features.Tally()),
		Label:    fraction(t.labels.Tally()),
		Gradient: fraction(t.rows.Tally()),
	}
}
