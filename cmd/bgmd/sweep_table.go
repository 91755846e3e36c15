package main

import (
	"fmt"
	"io"
	"math"
	"os"
	"strings"
	"time"

	"golang.org/x/term"

	"github.com/bgmd/bgmd/pkg/sweep"
)

// sweepTable shows how a sweep goes: a line on out when a run ends, and how all
// are doing in a table on err, below everything else, if that is a terminal.
// Elsewhere a line on out when a run starts makes up for the table.
type sweepTable struct {
	out, err io.Writer
	terminal bool
	drawn    int // lines of the table that are on the terminal
}

func newSweepTable(out, err io.Writer) *sweepTable {
	f, ok := err.(*os.File)
	return &sweepTable{out: out, err: err, terminal: ok && term.IsTerminal(int(f.Fd()))}
}

func (t *sweepTable) observe(e sweep.Event) {
	t.clear()
	if e.Job != nil {
		t.line(e)
	}
	if t.terminal {
		t.draw(e)
	}
}

// line reports what happened to a run.
func (t *sweepTable) line(e sweep.Event) {
	j := e.Job
	switch {
	case j.State == sweep.Running && j.Retried != "":
		fmt.Fprintf(t.out, "again       %s, which ended with %s\n", j, j.Retried)
	case j.State == sweep.Running && t.terminal:
	case j.State == sweep.Running:
		fmt.Fprintf(t.out, "started     %s\n", j)
	case j.Err != nil:
		fmt.Fprintf(t.out, "failed      %s: %v\n", j, j.Err)
	default:
		fmt.Fprintf(t.out, "%-10s  %s after %s%s; %s%s\n",
			j.State, j, plural(j.Epochs, "epoch", "epochs"), accuracy(*j), tally(e.Jobs), timeLeft(e.Left))
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

// draw draws the table: a line for all and one for each running run, cut to the
// terminal's width, as a line that wraps could not be taken back.
func (t *sweepTable) draw(e sweep.Event) {
	lines := []string{tally(e.Jobs).String() + timeLeft(e.Left)}
	for _, j := range e.Jobs {
		if j.State == sweep.Running {
			lines = append(lines, fmt.Sprintf("  %-28s  epoch %d/%d%s%s",
				j, j.Epochs, j.Config.Epochs, accuracy(j), timeLeft(j.Left)))
		}
	}
	width := lineWidth(t.err)
	for _, line := range lines {
		if r := []rune(line); width > 0 && len(r) >= width {
			line = string(r[:width-1])
		}
		fmt.Fprintln(t.err, line)
	}
	t.drawn = len(lines)
}

// clear takes the table back.
func (t *sweepTable) clear() {
	fmt.Fprint(t.err, strings.Repeat("\x1b[A\x1b[2K", t.drawn))
	t.drawn = 0
}
