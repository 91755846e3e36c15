package record

import (
	"fmt"
	"math"
	"slices"
)

// Status says how a run ended.
type Status string

// The ways a run ends, and none.
const (
	Finished    Status = "finished"    // trained to the last epoch
	Diverged    Status = "diverged"    // the loss left all bounds: a result, not an accident
	Interrupted Status = "interrupted" // stopped by the user; can be resumed
	Failed      Status = "failed"      // stopped by an error; can be resumed

	// Unfinished is the status of a run without a summary: one that goes on,
	// or whose process was killed and which can be resumed. It is never
	// written.
	Unfinished Status = "unfinished"
)

// written lists the statuses that summary.json may hold.
var written = []Status{Finished, Diverged, Interrupted, Failed}

// Final tells whether a run with status s has nothing left to train.
func (s Status) Final() bool { return s == Finished || s == Diverged }

// Outcome is the part of the summary that does not follow from the metrics.
type Outcome struct {
	Status Status `json:"status"`
	// DivergedAtStep is the step, counted from 1, that could not be taken or
	// after which the test loss was out of bounds; zero unless the run
	// diverged.
	DivergedAtStep int `json:"diverged_at_step,omitempty"`
	// Reason says how the run diverged; empty otherwise.
	Reason string `json:"reason,omitempty"`
	// Error is the text of what stopped a failed run; empty otherwise.
	Error              string     `json:"error,omitempty"`
	RealisedCorruption Corruption `json:"realised_corruption,omitzero"`
}

// Corruption holds the fractions that were in fact corrupt, averaged over the
// run, for each kind of corruption; nil where that kind was not configured.
type Corruption struct {
	Feature  *float64 `json:"feature,omitempty"`  // of the training samples
	Label    *float64 `json:"label,omitempty"`    // of the training samples
	Gradient *float64 `json:"gradient,omitempty"` // of the clients' gradients
}

// Summary is summary.json: an [Outcome] and what follows from the metrics.
type Summary struct {
	Outcome
	FinalTestAccuracy Float   `json:"final_test_accuracy"` // percent, the last epoch's; NaN without one
	BestTestAccuracy  Float   `json:"best_test_accuracy"`  // percent, the largest of any epoch; NaN without one
	Epochs            int     `json:"epochs"`              // whole epochs trained: neither epoch 0 nor the one of a divergence counts
	Seconds           Seconds `json:"seconds"`             // sums over the epochs
	ConfigHash        string  `json:"config_hash"`         // as ConfigHash(config.yaml)
	Digest            string  `json:"digest"`              // as Digest(epochs)
	Seal              *Seal   `json:"sha256,omitempty"`    // nil in records of versions that had none
}

// ConfigHash is the SHA-256 of a configuration's bytes in hexadecimal.
func ConfigHash(config []byte) string { return sum(config) }

// check refuses unknown statuses and fields that do not go with the status.
func (o Outcome) check() error {
	if !slices.Contains(written, o.Status) {
		return fmt.Errorf("status is %q, want one of %q", o.Status, written)
	}
	if (o.Status == Diverged) != (o.DivergedAtStep != 0) || o.DivergedAtStep < 0 {
		return fmt.Errorf("diverged_at_step is %d in a run with status %q, want a step of at least 1 if it diverged, else 0", o.DivergedAtStep, o.Status)
	}
	if o.Status != Diverged && o.Reason != "" {
		return fmt.Errorf("reason is %q in a run with status %q, want none", o.Reason, o.Status)
	}
	if (o.Status == Failed) != (o.Error != "") {
		return fmt.Errorf("error is %q in a run with status %q, want a text if it failed, else none", o.Error, o.Status)
	}
	for _, f := range []*float64{o.RealisedCorruption.Feature, o.RealisedCorruption.Label, o.RealisedCorruption.Gradient} {
		if f != nil && !(0 <= *f && *f <= 1) {
			return fmt.Errorf("realised_corruption holds %v, want fractions in [0, 1]", *f)
		}
	}
	return nil
}

// summarise completes an outcome by what the run's configuration and epochs
// determine.
func summarise(o Outcome, config []byte, epochs []Epoch) Summary {
	s := Summary{
		Outcome:           o,
		FinalTestAccuracy: Float(math.NaN()),
		BestTestAccuracy:  Float(math.NaN()),
		Epochs:            max(0, len(epochs)-1),
		ConfigHash:        ConfigHash(config),
		Digest:            Digest(epochs),
	}
	if s.Epochs > 0 && math.IsNaN(float64(epochs[s.Epochs].TrainLoss)) {
		s.Epochs-- // diverged half-way
	}
	for _, e := range epochs {
		s.FinalTestAccuracy = e.TestAccuracy
		if !(e.TestAccuracy <= s.BestTestAccuracy) && !math.IsNaN(float64(e.TestAccuracy)) {
			s.BestTestAccuracy = e.TestAccuracy
		}
		s.Seconds = s.Seconds.Add(e.Seconds)
	}
	return s
}

// matches compares a summary that was read with what it should be.
func (s Summary) matches(want Summary) error {
	for _, c := range []struct {
		key         string
		found, want any
	}{
		{"config_hash", s.ConfigHash, want.ConfigHash},
		{"epochs", s.Epochs, want.Epochs},
		{"final_test_accuracy", s.FinalTestAccuracy, want.FinalTestAccuracy},
		{"best_test_accuracy", s.BestTestAccuracy, want.BestTestAccuracy},
		{"digest", s.Digest, want.Digest},
	} {
		// As text, since NaN is not equal to itself.
		if found, want := fmt.Sprint(c.found), fmt.Sprint(c.want); found != want {
			return fmt.Errorf("%s is %s, but %s and %s give %s", c.key, found, configName, metricsName, want)
		}
	}
	return nil
}
