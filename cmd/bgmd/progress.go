package main

import (
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/bgmd/bgmd/pkg/config"
	"github.com/bgmd/bgmd/pkg/train"
)

// progress shows how a run goes: a line an epoch on out, and below them, while it
// goes on, one on err if that is a terminal.
type progress struct {
	out      io.Writer
	status   *live
	head     string // of the table, as printed last
	accuracy float64

	started time.Time // of the first step that was seen
	seen    int       // steps
	drawn   time.Time // when the status was last
}

func newProgress(out, err io.Writer) *progress {
	return &progress{out: out, status: newLive(err)}
}

func (p *progress) begin(c config.Config, dir, backend string) {
	fmt.Fprintf(p.out, "%s: %s on %s, %d clients × %d samples, seed %d, backend %s\n%s\n\n",
		c.Name, c.Model.Name, c.Data.Set, c.Data.Clients, c.Data.Batch, c.Seed, backend, dir)
	p.heading()
}

// note says what a run on a device does in memory.
func (p *progress) note(text string) {
	p.status.clear()
	printError(p.status.w, "bgmd: note: ", errors.New(text))
}

// epochTable has the columns of the table of epochs, with the blanks before them.
var epochTable = []struct {
	name string
	wide int
}{{"epoch", 6}, {"step", 8}, {"lr", 10}, {"train loss", 12}, {"test loss", 12}, {"accuracy %", 12}, {"time", 11}, {"aggregate", 11}}

// epochLine is a line of the table. Where it does not fit into width, it has
// fewer columns: aggregate goes first, then lr, step, the losses and the time.
func epochLine(width int, cells []string) string {
	pieces := make([]string, len(cells))
	for i, cell := range cells {
		pieces[i] = fmt.Sprintf("%*s", epochTable[i].wide, cell)
	}
	return squeeze(width, pieces, 7, 2, 1, 4, 3, 6)
}

// heading prints the columns' names, unless they are those printed last.
func (p *progress) heading() {
	var names []string
	for _, column := range epochTable {
		names = append(names, column.name)
	}
	if head := epochLine(lineWidth(p.out), names); head != p.head {
		fmt.Fprintln(p.out, head)
		p.head = head
	}
}

func (p *progress) observe(e train.Progress) {
	if e.Done != nil {
		p.epoch(e)
		return
	}
	const often = 100 * time.Millisecond
	now := time.Now()
	if p.seen++; p.seen == 1 {
		p.started = now
	}
	if now.Sub(p.drawn) < often || !p.status.terminal() {
		return
	}
	p.drawn = now
	p.status.draw(p.line(e, now.Sub(p.started)))
}

// line says how far the run is, some time after the first step that was seen.
func (p *progress) line(e train.Progress, since time.Duration) string {
	left := ""
	if steps := (e.Epochs-e.Epoch)*e.Steps + e.Steps - e.Step; p.seen > 1 {
		left = timeLeft(since / time.Duration(p.seen-1) * time.Duration(steps))
	}
	return squeeze(p.status.width(), []string{
		fmt.Sprintf("epoch %d/%d", e.Epoch, e.Epochs), fmt.Sprintf(", step %d/%d", e.Step, e.Steps), left,
		fmt.Sprintf(", loss %.3f", e.Loss), fmt.Sprintf(", accuracy %.2f %%", p.accuracy),
		fmt.Sprintf(", aggregation %.0f %% of the time", share(e)),
	}, 5, 3, 1, 4)
}

// epoch prints an epoch's line above the status.
func (p *progress) epoch(e train.Progress) {
	p.status.clear()
	p.accuracy = float64(e.Done.TestAccuracy)
	loss := "-" // nothing is trained in epoch 0
	if e.Done.Epoch > 0 {
		loss = fmt.Sprintf("%.4f", e.Done.TrainLoss)
	}
	p.heading()
	fmt.Fprintln(p.out, epochLine(lineWidth(p.out), []string{
		fmt.Sprint(e.Done.Epoch), fmt.Sprint(e.Done.Step), fmt.Sprintf("%.3g", e.Done.LR), loss,
		fmt.Sprintf("%.4f", e.Done.TestLoss), fmt.Sprintf("%.2f", p.accuracy), duration(e.Elapsed), fmt.Sprintf("%.0f %%", share(e)),
	}))
}

// end removes the status.
func (p *progress) end() { p.status.clear() }

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
