package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/bgmd/bgmd/pkg/checkpoint"
	"github.com/bgmd/bgmd/pkg/config"
	"github.com/bgmd/bgmd/pkg/record"
	"github.com/bgmd/bgmd/pkg/train"
)

// patience is how long a call of the program may take.
const patience = time.Minute

// call runs the program to its end and returns its exit code, −1 if it was killed
// or took too long, and what it wrote.
func (s *session) call(args ...string) (code int, stdout, stderr string) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	var out, errs bytes.Buffer
	cmd := exec.CommandContext(ctx, s.bgmd, args...)
	cmd.Stdout, cmd.Stderr, cmd.WaitDelay = &out, &errs, time.Second
	err := cmd.Run()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return exit.ExitCode(), out.String(), errs.String()
	}
	if err != nil {
		return -1, out.String(), err.Error()
	}
	return 0, out.String(), errs.String()
}

// scenario is a call of the program, what must come of it, and how to go on when
// it was stopped.
type scenario struct {
	name   string
	again  func(out string) []string // arguments of the call that starts or goes on
	runs   []string                  // the runs' folders, below out
	status []record.Status           // of the runs
	want   outcome                   // of an undisturbed call
	took   time.Duration
}

// outcome is what a call, or the last of several, left.
type outcome struct {
	code  int
	names []string // of the files, logs aside
	runs  []ended
}

// ended is how a run ended.
type ended struct {
	summary string // status, reason and digest
	tensors []checkpoint.Tensor
}

// singleRun is the scenario of one run by the configuration c.
func singleRun(dir string, c config.Config, status record.Status) (*scenario, error) {
	file := filepath.Join(dir, c.Name+".yaml")
	if err := os.WriteFile(file, c.YAML(), 0o644); err != nil {
		return nil, err
	}
	run := c.Folder()
	return &scenario{
		name: c.Name, runs: []string{run}, status: []record.Status{status},
		again: func(out string) []string {
			args := []string{"run", "--config", file, "--out", out}
			if record.Begun(filepath.Join(out, run)) {
				args = append(args, "--resume")
			}
			return args
		},
	}, nil
}

// smallSweep is the scenario of a sweep of two runs, one of which diverges.
func smallSweep(dir, data string) (*scenario, error) {
	finished, diverged := finishing(data), divergingInTest(data)
	finished.Name, diverged.Name = "calm", "wild"
	var grid strings.Builder
	fmt.Fprintf(&grid, "seeds: [%d]\ngrid:\n  setting:\n", finished.Seed)
	for _, c := range []config.Config{finished, diverged} {
		fmt.Fprintf(&grid, "    %s:\n", c.Name)
		for line := range strings.Lines(string(c.YAML())) {
			if key, _, _ := strings.Cut(line, ":"); key != "name" && key != "seed" && key != "workers" {
				grid.WriteString("      " + line)
			}
		}
	}
	file := filepath.Join(dir, "grid.yaml")
	if err := os.WriteFile(file, []byte(grid.String()), 0o644); err != nil {
		return nil, err
	}
	return &scenario{
		name:   "sweep",
		runs:   []string{finished.Folder(), diverged.Folder()},
		status: []record.Status{record.Finished, record.Diverged},
		again:  func(out string) []string { return []string{"sweep", "--config", file, "--out", out} },
	}, nil
}

// undisturbed sets what must come of the scenario.
func (s *session) undisturbed(sc *scenario) error {
	out := filepath.Join(s.scratch, "undisturbed-"+sc.name)
	code, _, stderr := s.call(sc.again(out)...)
	want, err := look(sc, out, code)
	if err != nil {
		return fmt.Errorf("the undisturbed %s: exit code %d, %w\n%s", sc.name, code, err, stderr)
	}
	for i, run := range want.runs {
		if !strings.HasPrefix(run.summary, string(sc.status[i])) {
			return fmt.Errorf("the undisturbed %s: run %s is %s, want it %s: mend the campaign's configuration", sc.name, sc.runs[i], run.summary, sc.status[i])
		}
	}
	sc.want = want
	again, remove := s.folder() // the first call has warmed the caches
	defer remove()
	start := time.Now()
	s.call(sc.again(again)...)
	sc.took = time.Since(start)
	return nil
}

// look reads the outcome of a scenario in the folder out.
func look(sc *scenario, out string, code int) (outcome, error) {
	o := outcome{code: code}
	for _, dir := range sc.runs {
		dir := filepath.Join(out, dir)
		run, err := record.Read(dir)
		if err != nil {
			return o, err
		}
		if run.Summary == nil {
			return o, fmt.Errorf("%s has no summary", dir)
		}
		tensors, err := checkpoint.Load(filepath.Join(dir, train.CheckpointName), nil)
		if err != nil {
			return o, err
		}
		o.runs = append(o.runs, ended{fmt.Sprintf("%s %s, digest %.12s", run.Summary.Status, run.Summary.Reason, run.Summary.Digest), tensors})
	}
	err := filepath.WalkDir(out, func(path string, _ fs.DirEntry, err error) error {
		if path != out && filepath.Ext(path) != ".log" {
			o.names = append(o.names, strings.TrimPrefix(path, out+"/"))
		}
		return err
	})
	return o, err
}

// finish goes on with what a disturbance left in the folder out, as a user would,
// and says how the end differs from an undisturbed one.
func (s *session) finish(sc *scenario, out string) string {
	code, _, stderr := s.call(sc.again(out)...)
	return sc.differs(out, code, stderr)
}

// differs says how what a call left in the folder out differs from what an
// undisturbed one does.
func (sc *scenario) differs(out string, code int, stderr string) string {
	said := lastLine(stderr)
	o, err := look(sc, out, code)
	if err != nil {
		return fmt.Sprintf("exit code %d (%s): %v", code, said, err)
	}
	var differs []string
	for i, run := range o.runs {
		if want := sc.want.runs[i]; run.summary != want.summary {
			differs = append(differs, fmt.Sprintf("%s is %s, want %s", filepath.Dir(sc.runs[i]), run.summary, want.summary))
		} else if !reflect.DeepEqual(run.tensors, want.tensors) {
			differs = append(differs, filepath.Dir(sc.runs[i])+" has another checkpoint")
		}
	}
	if code != sc.want.code {
		differs = append(differs, fmt.Sprintf("exit code %d (%s), want %d", code, said, sc.want.code))
	}
	for _, name := range without(sc.want.names, o.names) {
		differs = append(differs, filepath.Base(name)+" is missing")
	}
	for _, name := range without(o.names, sc.want.names) {
		differs = append(differs, filepath.Base(name)+" is left over")
	}
	return strings.Join(differs, "; ")
}

// without returns the names that are not among the others.
func without(names, others []string) []string {
	return slices.DeleteFunc(slices.Clone(names), func(n string) bool { return slices.Contains(others, n) })
}

// lastLine is the last line of a text.
func lastLine(text string) string {
	text = strings.TrimSpace(text)
	return text[strings.LastIndex(text, "\n")+1:]
}
