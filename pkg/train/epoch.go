package train

import (
	"math"

	"github.com/bgmd/bgmd/pkg/agg"
	"github.com/bgmd/bgmd/pkg/record"
)

// begin returns the line of the given epoch, which the record has, or evaluates and
// records the model before training where it is -1.
func (t *trainer) begin(epoch int) (record.Epoch, error) {
	if epoch < 0 {
		return t.finishEpoch(0)
	}
	return t.record.Epochs()[epoch], nil
}

// startEpoch prepares the given epoch, counted from 1.
func (t *trainer) startEpoch(epoch int) {
	t.epoch = epoch
	t.sampler.Epoch(epoch - 1)
	t.lossSum, t.stats, t.seconds = 0, stats{}, record.Seconds{}
}

// finishEpoch evaluates, records and then checkpoints an epoch: the line is on
// disk before the checkpoint that says the epoch is done. The time that writing
// them takes counts for the next epoch.
func (t *trainer) finishEpoch(epoch int) (record.Epoch, error) {
	e, err := t.sumUp(epoch)
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

// sumUp evaluates the model and sums up the epoch.
func (t *trainer) sumUp(epoch int) (record.Epoch, error) {
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
	e, err := t.sumUp(epoch)
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

// stats sums up what a rule reports over the steps of an epoch.
type stats struct {
	dropped  int
	medians  record.GM
	blocks   int
	size     int
	residual float64
}

func (s *stats) add(a agg.Stats) {
	s.dropped += a.Dropped
	if c := a.GM; c != nil {
		s.medians.Runs++
		s.medians.Iterations += c.Iterations
		s.medians.MaxResidual = max(s.medians.MaxResidual, record.Float(c.Residual))
		if !c.Converged {
			s.medians.Unconverged++
		}
	}
	if b := a.Block; b != nil {
		s.blocks++
		s.size = b.Size
		s.residual += b.Residual
	}
}

func (s stats) gm() *record.GM {
	if s.medians.Runs == 0 {
		return nil
	}
	return &s.medians
}

func (s stats) block() *record.Block {
	if s.blocks == 0 {
		return nil
	}
	return &record.Block{Size: s.size, Residual: record.Float(s.residual / float64(s.blocks))}
}
