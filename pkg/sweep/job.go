package sweep

import (
	"fmt"
	"math"
	"time"

	"github.com/bgmd/bgmd/pkg/config"
	"github.com/bgmd/bgmd/pkg/record"
)

// Run is one run of a sweep.
type Run struct {
	Config config.Config // with the name and the seed of the run
	Dir    string        // the record's folder
}

func (r Run) String() string { return fmt.Sprintf("%s seed %d", r.Config.Name, r.Config.Seed) }

// kind is what the time of an epoch depends on.
func (r Run) kind() string {
	c := r.Config
	name := c.Aggregator.Rule
	if rule, err := c.Rule(); err == nil {
		name = rule.String()
	}
	return fmt.Sprint(c.Data.Set, c.Model.Name, c.Data.Clients, "×", c.Data.Batch, name)
}

// State says how far a run is.
type State string

// The states of a run. Finished and diverged ones are done.
const (
	Todo       State = "to do"
	Unfinished State = "unfinished" // interrupted, failed or killed in an earlier call
	Running    State = "running"
	Finished   State = "finished"
	Diverged   State = "diverged"
	Failed     State = "failed"
)

// Job is a run and how far it is.
type Job struct {
	Run
	State    State
	Epochs   int     // recorded, without that before training
	Accuracy float64 // on the test set, percent; NaN before the first epoch
	Left     time.Duration
	Err      error  // why it failed
	Retried  string // how it ended before it was started again; empty if it was not

	seconds float64   // of the Epochs
	workers int       // of the last session
	changed time.Time // when Epochs changed last, while it is running
}

// Done tells whether there is nothing left to train.
func (j Job) Done() bool { return j.State == Finished || j.State == Diverged }

// Look reads from a run's record how far the run is. A run whose record is damaged, or
// belongs to another run, has failed.
func Look(r Run) Job {
	j := Job{Run: r, State: Todo, Accuracy: math.NaN()}
	if !record.Begun(r.Dir) {
		return j
	}
	run, err := record.Read(r.Dir)
	if err != nil {
		j.State, j.Err = Failed, fmt.Errorf("its record is damaged, move it away to train anew: %w", err)
		return j
	}
	if found, want := record.ConfigHash(run.Config), r.Config.Hash(); found != want {
		j.State, j.Err = Failed, fmt.Errorf("its folder %s holds the record of another run, whose configuration has the hash %.8s and not %.8s: move it away", r.Dir, found, want)
		return j
	}
	switch run.Status() {
	case record.Finished:
		j.State = Finished
	case record.Diverged:
		j.State = Diverged
	default:
		j.State = Unfinished
	}
	j.workers = run.Environment.Workers
	if n := len(run.Sessions); n > 0 {
		j.workers = run.Sessions[n-1].Workers
	}
	for _, e := range run.Epochs {
		j.Accuracy = float64(e.TestAccuracy)
		if !math.IsNaN(float64(e.TrainLoss)) { // neither before training nor cut short
			j.Epochs++
			j.seconds += e.Seconds.Total
		}
	}
	return j
}
