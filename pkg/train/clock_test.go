package train

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/bgmd/bgmd/internal/racing"
	"github.com/bgmd/bgmd/pkg/config"
	"github.com/bgmd/bgmd/pkg/record"
)

// A gap that is set aside counts unless a SIGCONT follows.
func TestClockSetsGapsAside(t *testing.T) {
	for _, test := range []struct{ watched, stopped, counts bool }{
		{watched: true, stopped: true, counts: false},
		{watched: true, stopped: false, counts: true},
		{watched: false, stopped: true, counts: true},
	} {
		c := newClock()
		c.watched = test.watched
		c.last = c.last.Add(-time.Hour)
		before := c.now()
		if doubtful := c.doubtful(); doubtful != test.watched || doubtful && before > time.Minute {
			t.Errorf("%+v: after a gap of an hour, %v have passed, set aside: %t", test, before, doubtful)
		}
		c.settle(test.stopped)
		if counts := c.now() >= time.Hour; counts != test.counts {
			t.Errorf("%+v: %v have passed", test, c.now())
		}
	}
}

// TestStoppedTimeIsNotTrainingTime stops a process that trains, as Ctrl-Z does, and
// compares the time that its record says with that on the wall.
func TestStoppedTimeIsNotTrainingTime(t *testing.T) {
	const variable = "BGMD_TEST_STOP"
	c := tiny(t)
	c.Epochs = 10_000
	if args := os.Getenv(variable); args != "" {
		trainAWhile(c, args)
	}
	if testing.Short() || racing.Enabled {
		t.Skip("takes seconds, and the race detector makes epochs too long to tell them from a stop")
	}
	for _, stop := range []time.Duration{0, 2500 * time.Millisecond} {
		dir := filepath.Join(t.TempDir(), "run")
		wall := stopWhileTraining(t, stop, variable+"="+c.Data.Dir+"\n"+dir)
		run, err := record.Read(dir)
		if err != nil {
			t.Fatal(err)
		}
		var total float64
		for _, e := range run.Epochs {
			total += e.Seconds.Total
		}
		elapsed := run.Epochs[len(run.Epochs)-1].Elapsed
		if got := wall.Seconds() - elapsed; got < stop.Seconds()-0.7 || got > stop.Seconds()+0.7 {
			t.Errorf("stopped for %v: the record says %.2f s, %.2f s less than on the wall", stop, elapsed, got)
		}
		if s := run.Summary.Seconds; total > elapsed+1e-6 || s.Gradient+s.Evaluate > elapsed+0.5 {
			t.Errorf("stopped for %v: of %.2f s the parts are %+v", stop, elapsed, s)
		}
	}
}

// stopWhileTraining has this binary train in a process, stops it for a while, and
// returns how long it says to have trained by the clock on the wall.
func stopWhileTraining(t *testing.T, stop time.Duration, variable string) time.Duration {
	t.Helper()
	child := exec.Command(os.Args[0], "-test.run", "^TestStoppedTimeIsNotTrainingTime$")
	child.Env = append(os.Environ(), variable)
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	lines.Scan() // it trains
	if stop > 0 {
		_ = child.Process.Signal(syscall.SIGSTOP)
		time.Sleep(stop)
		_ = child.Process.Signal(syscall.SIGCONT)
	}
	lines.Scan()
	wall, err := time.ParseDuration(lines.Text())
	if end := child.Wait(); err != nil || end != nil {
		t.Fatalf("the process ended with %v, saying %q", end, lines.Text())
	}
	return wall
}

// trainAWhile says when training begins, trains until an epoch ends 3 s after the
// start, prints how long that took and exits.
func trainAWhile(c config.Config, args string) {
	var dir string
	c.Data.Dir, dir, _ = strings.Cut(args, "\n")
	ctx, cancel := context.WithCancel(context.Background())
	start := time.Now()
	_, err := Run(ctx, c, dir, Options{Observe: func(p Progress) {
		if p.Done == nil {
			return
		}
		if p.Done.Epoch == 0 {
			fmt.Println("training")
		}
		if time.Since(start) > 3*time.Second {
			cancel()
			fmt.Println(time.Since(start))
		}
	}})
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	os.Exit(0)
}
