package record

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
)

// Epoch is one line of metrics.jsonl.
//
// To record something new, add a field here with the option omitempty or
// omitzero: lines written before it stay readable, and digests of runs that
// do not use it stay as they are.
type Epoch struct {
	Epoch int   `json:"epoch"` // 0 is before training
	Step  int   `json:"step"`  // optimiser steps done so far
	LR    Float `json:"lr"`    // γ of the epoch's last step; at epoch 0, of the first to come

	// TrainLoss is the mean over the epoch's steps of the mean loss of the
	// clients whose samples are uncorrupted, of all where none is; NaN at
	// epoch 0 and in an epoch that ended half-way, diverged.
	TrainLoss    Float `json:"train_loss"`
	TestLoss     Float `json:"test_loss"`     // mean over the test set
	TestAccuracy Float `json:"test_accuracy"` // percent of the test set

	// AttackSuccess is the percentage of the test images outside the
	// backdoor's target class that are classified as the target; nil without
	// a backdoor.
	AttackSuccess *Float `json:"attack_success,omitempty"`
	Dropped       int    `json:"dropped,omitempty"` // rows left out over the epoch because they were not finite
	GM            *GM    `json:"gm,omitempty"`      // nil if no geometric median was computed
	Block         *Block `json:"block,omitempty"`   // nil without block selection

	// Seconds and Elapsed are the only fields that differ between two runs of
	// one configuration; they do not enter the digest. Zero is not written.
	Seconds Seconds `json:"seconds,omitzero"`
	// Elapsed is the time in seconds from the run's start to the end of this
	// epoch's evaluation. In a resumed run it goes on from the last epoch kept, so that
	// neither the gap between sessions nor work that was lost counts; nor does
	// the time for which the process was stopped (SIGSTOP, Ctrl-Z).
	Elapsed float64 `json:"elapsed,omitzero"`
}

// GM sums up the geometric medians computed in an epoch.
type GM struct {
	Iterations  int   `json:"iterations"` // sum over the epoch
	Runs        int   `json:"runs"`
	Unconverged int   `json:"unconverged"`  // runs that stopped before converging
	MaxResidual Float `json:"max_residual"` // largest optimality residual, in [0, 1]
}

// Block describes an epoch's block coordinate selection.
type Block struct {
	Size int `json:"size"` // k, the number of coordinates aggregated
	// Residual is the mean over the epoch's steps of the relative residual
	//
	//	r_t = ‖P − C_k(P)‖² / ‖P‖²
	//
	// the share of the squared norm that lies outside the block.
	Residual Float `json:"residual"`
}

// Seconds says where time went.
type Seconds struct {
	Data      float64 `json:"data"`
	Gradient  float64 `json:"gradient"`
	Corrupt   float64 `json:"corrupt"`
	Aggregate float64 `json:"aggregate"`
	Update    float64 `json:"update"`
	Evaluate  float64 `json:"evaluate"`
	Total     float64 `json:"total"` // everything since the last evaluation, its record and checkpoint included
}

// Add returns the sum of s and t, field by field.
func (s Seconds) Add(t Seconds) Seconds {
	return Seconds{
		Data:      s.Data + t.Data,
		Gradient:  s.Gradient + t.Gradient,
		Corrupt:   s.Corrupt + t.Corrupt,
		Aggregate: s.Aggregate + t.Aggregate,
		Update:    s.Update + t.Update,
		Evaluate:  s.Evaluate + t.Evaluate,
		Total:     s.Total + t.Total,
	}
}

// check refuses times that are negative or no numbers.
func (s Seconds) check() error {
	for _, x := range []float64{s.Data, s.Gradient, s.Corrupt, s.Aggregate, s.Update, s.Evaluate, s.Total} {
		if !(x >= 0) || math.IsInf(x, 1) {
			return fmt.Errorf("seconds hold %v, want finite times of at least 0", x)
		}
	}
	return nil
}

// Float is a measured number. A diverged run measures NaN and infinities,
// which JSON numbers cannot express: they are written as the strings "NaN",
// "Infinity" and "-Infinity", which most languages parse as they stand.
// Every other value is a JSON number that reads back to the same bits.
type Float float64

// MarshalJSON implements [json.Marshaler].
func (f Float) MarshalJSON() ([]byte, error) {
	switch x := float64(f); {
	case math.IsNaN(x):
		return []byte(`"NaN"`), nil
	case math.IsInf(x, 1):
		return []byte(`"Infinity"`), nil
	case math.IsInf(x, -1):
		return []byte(`"-Infinity"`), nil
	default:
		return json.Marshal(x)
	}
}

// UnmarshalJSON implements [json.Unmarshaler].
func (f *Float) UnmarshalJSON(data []byte) error {
	switch string(data) {
	case `"NaN"`:
		*f = Float(math.NaN())
	case `"Infinity"`:
		*f = Float(math.Inf(1))
	case `"-Infinity"`:
		*f = Float(math.Inf(-1))
	default:
		var x *float64
		if err := json.Unmarshal(data, &x); err != nil || x == nil {
			return fmt.Errorf(`found %s, want a number, "NaN", "Infinity" or "-Infinity"`, data)
		}
		*f = Float(*x)
	}
	return nil
}

// line encodes e as its line of metrics.jsonl, newline included.
func (e Epoch) line() ([]byte, error) {
	b, err := json.Marshal(e)
	return append(b, '\n'), err
}

// encode checks e, which comes after the epochs before it, and returns its line
// and what a reader of that line gets, which shares no memory with e.
func (e Epoch) encode(before []Epoch) (line []byte, kept Epoch, err error) {
	if err := e.follows(before); err != nil {
		return nil, kept, err
	}
	if line, err = e.line(); err != nil {
		return nil, kept, err
	}
	return line, kept, decode(line, &kept)
}

// parseLine decodes a line that comes after the epochs before it.
func parseLine(line []byte, before []Epoch) (Epoch, error) {
	var e Epoch
	if err := decode(line, &e); err != nil {
		return e, err
	}
	return e, e.follows(before)
}

// follows checks e's values, and that e comes next after the epochs before it.
func (e Epoch) follows(before []Epoch) error {
	if e.Epoch != len(before) {
		return fmt.Errorf("found epoch %d, want %d", e.Epoch, len(before))
	}
	var last Epoch
	if len(before) > 0 {
		last = before[len(before)-1]
	}
	if e.Step < last.Step {
		return fmt.Errorf("step is %d, want at least %d, that of the epoch before", e.Step, last.Step)
	}
	if !(e.Elapsed >= last.Elapsed) || math.IsInf(e.Elapsed, 1) {
		return fmt.Errorf("elapsed is %v, want a time of at least %v, that of the epoch before", e.Elapsed, last.Elapsed)
	}
	if !percentage(e.TestAccuracy) {
		return fmt.Errorf("test_accuracy is %v, want a percentage in [0, 100] or NaN", e.TestAccuracy)
	}
	if a := e.AttackSuccess; a != nil && !percentage(*a) {
		return fmt.Errorf("attack_success is %v, want a percentage in [0, 100] or NaN", *a)
	}
	return e.Seconds.check()
}

// percentage tells whether p is a percentage or NaN, which is "not measured".
func percentage(p Float) bool {
	return math.IsNaN(float64(p)) || (0 <= p && p <= 100)
}

// Digest is the SHA-256, in hexadecimal, of the lines of metrics.jsonl for the
// given epochs in order, each with a newline and without the keys seconds and
// elapsed. Equal training gives equal digests, however long it took.
func Digest(epochs []Epoch) string {
	h := sha256.New()
	for _, e := range epochs {
		e.Seconds, e.Elapsed = Seconds{}, 0
		line, _ := e.line() // only times can fail to encode, and there are none
		h.Write(line)
	}
	return hex.EncodeToString(h.Sum(nil))
}
