package main

import (
	"fmt"
	"io"
	"os"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"

	"github.com/bgmd/bgmd/internal/gemm"
	"github.com/bgmd/bgmd/pkg/train"
)

// progress shows how a run goes: a line an epoch on out, and while it goes on
// a bar on err if that is a terminal.
type progress struct {
	out, err io.Writer
	bar      *progressbar.ProgressBar // nil off a terminal or before the first step
	terminal bool
	accuracy float64
}

func newProgress(out, err io.Writer) *progress {
	f, ok := err.(*os.File)
	return &progress{out: out, err: err, terminal: ok && term.IsTerminal(int(f.Fd()))}
}

func (p *progress) begin(c train.Config, dir string) {
	fmt.Fprintf(p.out, "%s: %s on %s, %d clients × %d samples, seed %d, backend %s\n%s\n\n",
		c.Name, c.Model.Name, c.Data.Set, c.Data.Clients, c.Data.Batch, c.Seed, gemm.Backend(), dir)
	fmt.Fprintln(p.out, " epoch    step        lr  train loss   test loss  accuracy %       time  aggregate")
}

func (p *progress) observe(e train.Progress) {
	if e.Done != nil {
		p.epoch(e)
		return
	}
	if !p.terminal {
		return
	}
	if p.bar == nil {
		p.bar = progressbar.NewOptions((e.Epochs-e.Epoch+1)*e.Steps,
			progressbar.OptionSetWriter(p.err),
			progressbar.OptionSetWidth(24),
			progressbar.OptionSetPredictTime(true),
			progressbar.OptionThrottle(100*time.Millisecond),
			progressbar.OptionClearOnFinish())
	}
	p.bar.Describe(fmt.Sprintf("epoch %d/%d, step %d/%d, loss %.3f, accuracy %.2f %%, aggregation %.0f %% of the time",
		e.Epoch, e.Epochs, e.Step, e.Steps, e.Loss, p.accuracy, share(e)))
	_ = p.bar.Add(1) // fails only past its end, which costs a picture
}

// epoch prints an epoch's line above the bar.
func (p *progress) epoch(e train.Progress) {
	if p.bar != nil {
		_ = p.bar.Clear()
	}
	p.accuracy = float64(e.Done.TestAccuracy)
	loss := "-" // nothing is trained in epoch 0
	if e.Done.Epoch > 0 {
		loss = fmt.Sprintf("%.4f", e.Done.TrainLoss)
	}
	fmt.Fprintf(p.out, "%6d  %6d  %8.3g  %10s  %10.4f  %10.2f  %9s  %7.0f %%\n",
		e.Done.Epoch, e.Done.Step, e.Done.LR, loss, e.Done.TestLoss, p.accuracy, duration(e.Elapsed), share(e))
}

// end removes the bar.
func (p *progress) end() {
	if p.bar != nil {
		_ = p.bar.Finish()
	}
}

// share is the percentage of an epoch's training time that aggregation took.
func share(e train.Progress) float64 {
	s := e.Seconds
	if all := s.Data + s.Gradient + s.Corrupt + s.Aggregate + s.Update; all > 0 {
		return 100 * s.Aggregate / all
	}
	return 0
}

// duration writes a time in seconds for people.
func duration(seconds float64) string {
	d := time.Duration(seconds * float64(time.Second))
	if d < time.Minute {
		return d.Round(100 * time.Millisecond).String()
	}
	return d.Round(time.Second).String()
}
