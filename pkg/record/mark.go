package record

import (
	"bytes"
	"errors"
	"fmt"
)

// Mark is the state of a record after one of its epochs. The epoch's checkpoint holds
// it, so that nobody resumes from the checkpoint with another record, or with this one
// after a byte of it has changed.
//
// Its sums are SHA-256, in hexadecimal.
type Mark struct {
	Epoch       int    `json:"epoch"`
	Config      string `json:"config"`      // of config.yaml
	Environment string `json:"environment"` // of environment.json without the sessions, which a resume adds to
	Metrics     string `json:"metrics"`     // of the lines of metrics.jsonl up to the epoch, times included
}

// Mark is that of the last epoch recorded.
func (w *Writer) Mark() Mark {
	return Mark{Epoch: len(w.epochs) - 1, Config: sum(w.config), Environment: w.begun, Metrics: sum(w.lines)}
}

// What to do about a checkpoint that does not fit, and about other damage.
const (
	startOver = "remove the checkpoint, and the run starts over"
	startAnew = "remove the folder, and the run can start over"
)

// sumBegun is a mark's sum of the environment in which a run began.
func sumBegun(env Environment) (string, error) {
	data, err := encode(environmentFile{Environment: env})
	return sum(data), err
}

// kept returns the bytes of metrics.jsonl up to the mark's epoch, or what is wrong
// if the mark is not that of run.
func (m Mark) kept(run *Run) ([]byte, error) {
	if is := sum(run.Config); m.Config != is {
		return nil, fmt.Errorf("the checkpoint is another run's: its configuration has SHA-256 %s, %s has %s: %s", m.Config, configName, is, startOver)
	}
	if m.Epoch < 0 || m.Epoch >= len(run.Epochs) {
		return nil, fmt.Errorf("the checkpoint is of epoch %d, but %s ends with epoch %d: %s", m.Epoch, metricsName, len(run.Epochs)-1, startOver)
	}
	length := 0
	for range m.Epoch + 1 {
		length += bytes.IndexByte(run.metrics[length:], '\n') + 1
	}
	lines := run.metrics[:length]
	if is := sum(lines); m.Metrics != is {
		return nil, fmt.Errorf("the checkpoint is another run's, or %s has changed since: its lines up to epoch %d have SHA-256 %s, and %s when the checkpoint was made: %s",
			metricsName, m.Epoch, is, m.Metrics, startOver)
	}
	if is, err := sumBegun(run.Environment); err != nil || m.Environment != is {
		return nil, errors.Join(err, fmt.Errorf("%s has changed since the checkpoint was made: what it says of the run's beginning has SHA-256 %s, and had %s: %s",
			environmentName, is, m.Environment, startAnew))
	}
	return lines, nil
}
