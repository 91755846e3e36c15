package train

import (
	"github.com/bgmd/bgmd/pkg/data"
	"github.com/bgmd/bgmd/pkg/record"
)

// Options says how to run, as opposed to what.
type Options struct {
	// Resume goes on with the unfinished run in the folder; one that has
	// finished or diverged is left as it is.
	Resume bool
	// Device is the name of the device to compute gradients and evaluations on: gpu,
	// or gpu:1 and so on; empty or cpu for none. It is no part of a record's
	// configuration, but results differ by roundings, so that a run goes on only on
	// one of the kind that it was begun on.
	Device string
	// Begin, if not nil, is called when the data is loaded and before the record is
	// begun. backend is what computes ([models.Net.Backend]).
	Begin func(set *data.Set, backend string)
	// Note, if not nil, is called with a sentence about each thing that a run on a
	// device has to do in memory.
	Note func(text string)
	// Observe, if not nil, is called after every step and every epoch.
	Observe func(Progress)
}

// Progress is what an observer sees.
type Progress struct {
	Epoch, Epochs int           // current, from 0 for the evaluation before training; and all
	Step, Steps   int           // in this epoch: done, and all
	Loss          float64       // training loss of the last step
	Done          *record.Epoch // the epoch just finished and recorded, else nil
	Seconds       record.Seconds
	Elapsed       float64 // seconds since the run's start, without the gaps between sessions
}
