package main

import (
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rivo/uniseg"
	"golang.org/x/sys/unix"

	"github.com/bgmd/bgmd/pkg/config"
	"github.com/bgmd/bgmd/pkg/record"
	"github.com/bgmd/bgmd/pkg/sweep"
	"github.com/bgmd/bgmd/pkg/train"
)

// openTerminal opens a pseudo-terminal: what is written to the one file is read
// from the other.
func openTerminal(t *testing.T) (terminal, screen *os.File) {
	t.Helper()
	screen, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Skipf("there are no pseudo-terminals: %v", err)
	}
	t.Cleanup(func() { screen.Close() })
	if err := unix.IoctlSetPointerInt(int(screen.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	number, err := unix.IoctlGetInt(int(screen.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	terminal, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	return terminal, screen
}

func resize(t *testing.T, terminal *os.File, columns int) {
	t.Helper()
	size := &unix.Winsize{Col: uint16(columns), Row: 24}
	if err := unix.IoctlSetWinsize(int(terminal.Fd()), unix.TIOCSWINSZ, size); err != nil {
		t.Fatal(err)
	}
}

// shown returns what was written to the terminal, once f has ended, by lines and
// without the codes that move the cursor.
func shown(t *testing.T, terminal, screen *os.File, f func()) []string {
	t.Helper()
	const end = "that is all"
	text := make(chan string)
	go func() {
		var b strings.Builder
		buffer := make([]byte, 4096)
		for !strings.Contains(b.String(), end) {
			n, err := screen.Read(buffer)
			b.Write(buffer[:n])
			if err != nil && !errors.Is(err, io.EOF) {
				break
			}
		}
		text <- b.String()
	}()
	f()
	fmt.Fprint(terminal, end)
	codes := regexp.MustCompile("\x1b\\[[0-9]*[A-Z]")
	return strings.Split(codes.ReplaceAllString(strings.ReplaceAll(strings.TrimSuffix(<-text, end), "\r", "\n"), "\n"), "\n")
}

// No line is ever as wide as the terminal, whose width changes all the time.
func TestLinesFitTheTerminal(t *testing.T) {
	terminal, screen := openTerminal(t)
	defer terminal.Close()
	run := newProgress(terminal, terminal)
	table := newSweepTable(terminal, terminal)
	c := config.Defaults()
	c.Name = "a-name-as-long-as-in-large-grids-0.2"
	job := sweep.Job{Run: sweep.Run{Config: c}, State: sweep.Running, Epochs: 12, Accuracy: math.Pi, Left: 1e12}
	ended := job
	ended.State = sweep.Finished
	for _, columns := range []int{200, 40, 110, 60, 80, 20} {
		resize(t, terminal, columns)
		lines := shown(t, terminal, screen, func() {
			p := train.Progress{Epoch: 12, Epochs: 50, Step: 117, Steps: 938, Loss: 2.3}
			run.observe(p)
			run.observe(p)
			p.Done = &record.Epoch{Epoch: 12, Step: 1638, LR: 0.00123, TrainLoss: 1.2345, TestLoss: 1.2345, TestAccuracy: 81.23}
			run.observe(p)
			run.drawn = time.Time{} // long ago
			run.observe(train.Progress{Epoch: 13, Epochs: 50, Step: 1, Steps: 938, Loss: 2.3})
			run.end()
			table.observe(sweep.Event{Jobs: []sweep.Job{job, ended}, Job: &ended, Left: 1e13})
			table.clear()
		})
		all := strings.Join(lines, "\n")
		for _, line := range lines {
			if wide := uniseg.StringWidth(line); wide >= columns {
				t.Errorf("in %d columns: %q is %d wide", columns, line, wide)
			}
		}
		want := map[int][]string{
			20:  {" epoch  accuracy %", "    12       81.23", "epoch 13/50"},
			40:  {" epoch  accuracy %       time", "epoch 13/50"},
			60:  {" epoch  train loss   test loss  accuracy %       time", "accuracy 81.23 %"},
			80:  {" epoch    step        lr  train loss   test loss  accuracy %       time"},
			110: {"time  aggregate", "aggregation 0 % of the time", c.Name + " seed 1 after 12 epochs, test accuracy 3.14 %"},
			200: {"time  aggregate", "1 of 2 done, about 2 h 47 min left"},
		}
		for _, part := range want[columns] {
			if !strings.Contains(all, part) {
				t.Errorf("in %d columns: want %q in\n%s", columns, part, all)
			}
		}
	}
}
