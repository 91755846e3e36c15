package main

import (
	"fmt"
	"io"
	"math"
	"time"

	"github.com/bgmd/bgmd/pkg/sweep"
)

// sweepTable shows how a sweep goes: a line on out when a run ends, and how all
// are doing in a table on err, below everything else, if that is a terminal.
// Elsewhere a line on out when a run starts makes up for the table.
type sweepTable struct {
	out  io.Writer
	live *live
}

func newSweepTable(out, err io.Writer) *sweepTable {
	return &sweepTable{out: out, live: newLive(err)}
}

func (t *sweepTable) observe(e sweep.Event) {
	t.clear()
	if e.Job != nil {
		t.line(e)
	}
	t.draw(e)
}

// line reports what happened to a run. Why one failed is never cut.
func (t *sweepTable) line(e sweep.Event) {
	j := e.Job
	switch {
	case j.State == sweep.Running && j.Retried != "":
		fmt.Fprintf(t.out, "again       %s, which ended with %s\n", j, j.Retried)
	case j.State == sweep.Running && t.live.terminal():
	case j.State == sweep.Running:
		fmt.Fprintf(t.out, "started     %s\n", j)
	case j.Err != nil:
		fmt.Fprintf(t.out, "failed      %s: %v\n", j, j.Err)
	default:
		fmt.Fprintln(t.out, squeeze(lineWidth(t.out), []string{
			fmt.Sprintf("%-10s  %s", j.State, j), " after " + plural(j.Epochs, "epoch", "epochs"), accuracy(*j),
			fmt.Sprintf("; %s", tally(e.Jobs)), timeLeft(e.Left),
		}, 4, 3, 1, 2))
	}
}

// accuracy is empty before there is any, and after a test that gave none.
func accuracy(j sweep.Job) string {
	if math.IsNaN(j.Accuracy) {
		return ""
	}
	return fmt.Sprintf(", test accuracy %.2f %%", j.Accuracy)
}

func timeLeft(d time.Duration) string {
	if d <= 0 {
		return ""
	}
	return ", about " + roughly(d) + " left"
}

// draw draws the table: a line for all and one for each running run.
func (t *sweepTable) draw(e sweep.Event) {
	width := t.live.width()
	lines := []string{squeeze(width, []string{tally(e.Jobs).String(), timeLeft(e.Left)}, 1)}
	for _, j := range e.Jobs {
		if j.State == sweep.Running {
			lines = append(lines, squeeze(width, []string{
				fmt.Sprintf("  %-28s", j), fmt.Sprintf("  epoch %d/%d", j.Epochs, j.Config.Epochs), accuracy(j), timeLeft(j.Left),
			}, 3, 2))
		}
	}
	t.live.draw(lines...)
}

// clear erases the table.
func (t *sweepTable) clear() { t.live.clear() }
