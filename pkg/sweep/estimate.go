package sweep

import (
	"context"
	"runtime/debug"
	"slices"
	"time"

	"github.com/bgmd/bgmd/pkg/train"
)

// estimateFor is how long Estimate measures at most, give or take a kind of run.
const estimateFor = 25 * time.Second

// Estimate measures a few steps of each kind of run that is left and returns how
// long all that is left takes on the given number of cores, however many
// processes share them. A run that is unlike all that were measured in time
// counts as the mean of those. Device is as in [train.Options]. It fails as [train.Measure] does, with a [*RunError].
func Estimate(ctx context.Context, jobs []Job, device string, cores int) (time.Duration, error) {
	defer debug.FreeOSMemory() // of the model and its clients' gradients
	pace := paces{}
	start := time.Now()
	for _, j := range jobs {
		if _, known := pace[j.kind()]; known || !j.left() || len(pace) > 0 && time.Since(start) > estimateFor {
			continue
		}
		c := j.Config
		c.Workers = cores
		cost, err := train.Measure(ctx, c, device)
		if err != nil {
			return 0, &RunError{j.Run, err}
		}
		pace.add(j.kind(), cost.Epochs(1), 1)
	}
	var sum time.Duration
	for _, j := range jobs {
		if j.left() {
			sum += time.Duration(j.Config.Epochs-j.Epochs) * pace.of(j.kind())
		}
	}
	return sum, nil
}

// RunError is an error of one run. Its text is that of the error.
type RunError struct {
	Run
	Err error
}

func (e *RunError) Error() string { return e.Err.Error() }
func (e *RunError) Unwrap() error { return e.Err }

// Memory returns how many bytes the largest of the runs that are left takes, and how
// many the atOnce largest take together when they are trained at once, each on its
// share of the cores.
func Memory(jobs []Job, atOnce, cores int) (largest, together float64) {
	var all []float64
	for _, j := range jobs {
		c := j.Config
		c.Workers = share(cores, atOnce)
		if m, err := train.MemoryOf(c); err == nil && j.left() { // otherwise the run says what is wrong
			all = append(all, m.Total())
		}
	}
	slices.Sort(all)
	for _, bytes := range all[max(0, len(all)-atOnce):] {
		together += bytes
		largest = bytes
	}
	return largest, together
}

// left tells whether the run is being trained or still has to be.
func (j Job) left() bool { return j.State == Todo || j.State == Unfinished || j.State == Running }

// paces holds what epochs took, by kind of run.
type paces map[string]pace

type pace struct {
	sum time.Duration
	n   int // epochs
}

func (p paces) add(kind string, sum time.Duration, epochs int) {
	p[kind] = pace{p[kind].sum + sum, p[kind].n + epochs}
}

// of is the mean of the kind's epochs, or of all kinds where there are none; 0
// without any epochs.
func (p paces) of(kind string) time.Duration {
	if k := p[kind]; k.n > 0 {
		return k.sum / time.Duration(k.n)
	}
	var sum time.Duration
	for _, k := range p {
		sum += k.sum / time.Duration(k.n)
	}
	return sum / time.Duration(max(1, len(p)))
}

// remaining sets Left of every running job and returns the time until all are done; 0
// where no epoch has been recorded yet. Both follow from epochs that were recorded with
// as many workers as runs have now. A run that diverges ends sooner.
func (l *Launcher) remaining(jobs []Job) time.Duration {
	pace := paces{}
	for _, j := range jobs {
		if j.Epochs > 0 && j.workers == min(l.workers(), j.Config.Data.Clients) {
			pace.add(j.kind(), time.Duration(j.seconds*float64(time.Second)), j.Epochs)
		}
	}
	var sum, longest time.Duration
	for i := range jobs {
		j := &jobs[i]
		if !j.left() {
			continue
		}
		left := time.Duration(j.Config.Epochs-j.Epochs) * pace.of(j.kind())
		if j.State == Running {
			left = max(0, left-time.Since(j.changed))
			j.Left = left
		}
		sum += left
		longest = max(longest, left)
	}
	return max(longest, sum/time.Duration(l.Jobs))
}
