package main

import (
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/bgmd/bgmd/pkg/config"
	"github.com/bgmd/bgmd/pkg/sweep"
)

func TestSweepTable(t *testing.T) {
	job := func(name string, state sweep.State, epochs int, accuracy float64) sweep.Job {
		c := config.Defaults()
		c.Name = name
		return sweep.Job{Run: sweep.Run{Config: c}, State: state, Epochs: epochs, Accuracy: accuracy}
	}
	jobs := []sweep.Job{job("a", sweep.Diverged, 1, 10), job("b", sweep.Running, 0, math.NaN()),
		job("c", sweep.Running, 2, 33.333), job("d", sweep.Failed, 0, math.NaN()), job("e", sweep.Todo, 0, math.NaN())}
	jobs[2].Left = 100 * time.Minute
	jobs[3].Err = errors.New("no data")
	again := job("b", sweep.Running, 0, math.NaN())
	again.Retried = "signal: killed"

	const clear = "\r\x1b[J"
	for _, terminal := range []bool{false, true} {
		var out strings.Builder
		table := newSweepTable(&out, &out)
		if terminal {
			table.live.size = func() (columns, rows int) { return 200, 50 }
		}
		for _, e := range []sweep.Event{{}, {Job: &jobs[0], Left: 59 * time.Second}, {Job: &jobs[1]}, {Job: &again}, {Job: &jobs[3]}} {
			e.Jobs = jobs
			table.observe(e)
		}
		table.clear()
		const all = "1 of 5 done, 1 failed"
		const running = "  b seed 1                      epoch 0/50\n  c seed 1                      epoch 2/50, test accuracy 33.33 %, about 1 h 40 min left\r\x1b[2A"
		lines := []string{"", "diverged    a seed 1 after 1 epoch, test accuracy 10.00 %; " + all + ", about 59 s left\n", "started     b seed 1\n",
			"again       b seed 1, which ended with signal: killed\n", "failed      d seed 1: no data\n"}
		want := strings.Join(lines, "")
		if terminal {
			lines[2] = "" // the table shows it
			want = ""
			for i, line := range lines {
				left := map[int]string{1: ", about 59 s left"}[i]
				want += line + clear + all + left + "\n" + running + clear
			}
		}
		if got := out.String(); got != want {
			t.Errorf("terminal %v: got\n%q\nwant\n%q", terminal, got, want)
		}
	}
}
