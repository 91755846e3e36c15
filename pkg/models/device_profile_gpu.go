//go:build gpu && linux

package models

import (
	"os"
	"time"

	"github.com/bgmd/bgmd/internal/cuda"
)

// profile implements [runner].
func (r *onDevice) profile(seconds map[string]float64) error {
	if os.Getenv(cuda.SyncVariable) == "1" {
		r.train.pass.Seconds = seconds
		return nil
	}
	p := &phases{seconds: seconds}
	for i := range p.marks {
		var err error
		if p.marks[i], err = r.dev.NewEvent(); err != nil {
			return err
		}
	}
	r.phases = p
	return nil
}

// phases adds up the seconds of a step's phases, by the device's clock. Methods of nil do
// nothing.
type phases struct {
	seconds map[string]float64
	marks   [1 + len(phaseNames)]*cuda.Event
}

// Phases of a step on the device, in order.
const (
	uploading = iota
	computing
	downloading
)

var phaseNames = [...]string{uploading: "upload", computing: "compute", downloading: "download"}

// begin is called behind the drawing of batches, which took so long.
func (p *phases) begin(s *cuda.Stream, drawing time.Duration) error {
	if p == nil {
		return nil
	}
	p.seconds["draw"] += drawing.Seconds()
	return p.marks[0].Record(s)
}

// end marks the end of a phase.
func (p *phases) end(s *cuda.Stream, phase int) error {
	if p == nil {
		return nil
	}
	return p.marks[phase+1].Record(s)
}

// add adds the last step's, once the stream was waited for.
func (p *phases) add() error {
	if p == nil {
		return nil
	}
	for i, name := range phaseNames {
		d, err := p.marks[i+1].Since(p.marks[i])
		if err != nil {
			return err
		}
		p.seconds[name] += d.Seconds()
	}
	return nil
}
