package train

import (
	"errors"
	"fmt"
	"math"

	"github.com/bgmd/bgmd/pkg/record"
)

// stopped is the outcome of a run whose round failed by err. Where training diverged,
// the epoch is recorded as far as it went.
func (t *trainer) stopped(err error) (record.Outcome, error) {
	diverged, ok := errors.AsType[*divergence](err)
	if !ok {
		return failed(fmt.Errorf("train: step %d: %w", t.steps+1, err))
	}
	if err := t.recordPart(t.epoch); err != nil {
		return failed(err)
	}
	return diverged.outcome(t.steps + 1), nil
}

func failed(err error) (record.Outcome, error) {
	return record.Outcome{Status: record.Failed, Error: err.Error()}, err
}

// ended returns how training diverged, going by the record's line of a whole epoch, and
// nil if training goes on. Epoch 0 has no step that could have diverged.
func (t *trainer) ended(e record.Epoch) *divergence {
	if loss := float64(e.TestLoss); e.Epoch > 0 && (!finite(loss) || loss > t.DivergedLoss) {
		return t.beyond("test", loss)
	}
	return nil
}

// divergence is the error of a round whose loss, gradients or aggregate are out of
// bounds.
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

func finite(x float64) bool { return !math.IsInf(x, 0) && !math.IsNaN(x) }
