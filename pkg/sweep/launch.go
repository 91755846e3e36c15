package sweep

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/bgmd/bgmd/internal/lockfile"
	"github.com/bgmd/bgmd/internal/safefile"
)

// Launcher trains the runs of a sweep, each in a process of its own, so that a
// run that crashes takes no other with it.
//
// What a run is and how far it is stands in its record alone: a launcher that
// was killed at any moment, or one on another grid with runs in common, goes on
// from there. Beside the records, in the folder .sweep, it keeps each run's
// resolved configuration and the log of its processes.
type Launcher struct {
	Out     string   // the sweep's folder
	Program []string // trains when "run" and its flags are added
	Device  string   // to compute on, as in the program's --device; empty for what it takes without
	File    string   // what is executed as the program, if not what Program names

	Diverged int // the program's exit code where training diverged, which is no failure
	Jobs     int // processes at a time, at least 1
	Cores    int // shared by the processes

	// Observe, if not nil, is called when a run starts, is started again and
	// ends, and about every second.
	Observe func(Event)
}

// Event is what an observer sees. It may keep it.
type Event struct {
	Job  *Job // the one that started, was started again or ended; nil for none
	Jobs []Job
	Left time.Duration // until all is done; 0: not known yet
}

const tick = time.Second

// Folder is the name of the folder beside the records. No run has such a name.
const Folder = ".sweep"

// Launch trains what is left of jobs, as [Look] returned them, and returns how
// far they are then. A run that fails stops no other: see [Job.Err]. When ctx
// ends, Launch tells the processes to stop after their current step, and waits
// for them. Launch itself fails, and returns no jobs, only when another sweep is at
// work in the folder, or when the folder cannot be written. An error that comes with
// jobs is about harmless files that this sweep, or an earlier one, left behind.
func (l *Launcher) Launch(ctx context.Context, jobs []Job) ([]Job, error) {
	folder := filepath.Join(l.Out, Folder)
	if err := safefile.MkdirAll(folder); err != nil {
		return nil, fmt.Errorf("sweep: %w", err)
	}
	lock, err := lockfile.Acquire(filepath.Join(folder, "lock"))
	if held, ok := errors.AsType[*lockfile.HeldError](err); ok {
		return nil, fmt.Errorf("sweep: process %s is sweeping in %s already: wait for it, or choose another folder", held.Holder, l.Out)
	}
	if err != nil {
		return nil, fmt.Errorf("sweep: %w", err)
	}
	err = safefile.RemoveTemporary(folder) // a killed sweep's
	jobs = l.loop(ctx, append([]Job{}, jobs...))
	if err = errors.Join(err, lock.Release()); err != nil {
		err = fmt.Errorf("sweep: tidy up: %w", err)
	}
	return jobs, err
}

// news is what a job's goroutine says: that the process is started again, or,
// in the end, how the run went.
type news struct {
	index   int
	retried string
	ended   bool
	err     error
}

// loop alone changes jobs.
func (l *Launcher) loop(ctx context.Context, jobs []Job) []Job {
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	said := make(chan news)
	running := 0
	next := 0
	for {
		for ; next < len(jobs) && running < l.Jobs && ctx.Err() == nil; next++ {
			if jobs[next].State == Failed { // its record is damaged
				l.observe(jobs, next)
			}
			if !jobs[next].left() {
				continue
			}
			running++
			jobs[next].State, jobs[next].changed = Running, time.Now()
			l.observe(jobs, next)
			go func(index int, r Run) {
				err := l.train(ctx, r, func(how string) { said <- news{index: index, retried: how} })
				said <- news{index: index, ended: true, err: err}
			}(next, jobs[next].Run)
		}
		if running == 0 {
			return jobs
		}
		select {
		case n := <-said:
			j := &jobs[n.index]
			if !n.ended {
				j.Retried = n.retried
			} else {
				running--
				*j = ended(*j, n.err)
			}
			l.observe(jobs, n.index)
		case <-ticker.C:
			for i := range jobs {
				jobs[i].refresh()
			}
			l.observe(jobs, -1)
		}
	}
}

// ended returns a job whose last process ended with err.
func ended(j Job, err error) Job {
	now := Look(j.Run)
	now.Retried = j.Retried
	if err != nil { // even if the record is complete: its plots may be missing
		now.State, now.Err = Failed, err
	}
	return now
}

// refresh reads how far a running job is. It changes nothing as long as the record
// cannot be read.
func (j *Job) refresh() {
	if j.State != Running {
		return
	}
	now := Look(j.Run)
	if now.Err != nil {
		return
	}
	if now.Epochs != j.Epochs {
		j.changed = time.Now()
	}
	j.Epochs, j.Accuracy, j.seconds, j.workers = now.Epochs, now.Accuracy, now.seconds, now.workers
}

func (l *Launcher) observe(jobs []Job, index int) {
	if l.Observe == nil {
		return
	}
	e := Event{Left: l.remaining(jobs)}
	e.Jobs = append(e.Jobs, jobs...)
	if index >= 0 {
		e.Job = &e.Jobs[index]
	}
	l.Observe(e)
}

// workers is the number of cores that each process may keep busy.
func (l *Launcher) workers() int { return share(l.Cores, l.Jobs) }

// share is the number of cores for each of so many processes.
func share(cores, processes int) int { return max(1, cores/processes) }
