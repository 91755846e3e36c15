package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/bgmd/bgmd/pkg/record"
)

const testGrid = `
config:
  epochs: 3
  data: {set: mnist, dir: data, clients: 3, batch: 4}
  model: {name: lenet}
  optimizer: {lr: 0.01}
grid:
  aggregator:
    sgd: {}
    bgmd: {aggregator: {rule: gm, block: {fraction: 0.1}}}
`

// sweepFolder returns a folder with data and a grid.
func sweepFolder(t *testing.T, grid string) string {
	t.Helper()
	if testing.Short() {
		t.Skip("starts processes")
	}
	t.Parallel()
	dir := t.TempDir()
	if err := writeDigits(filepath.Join(dir, "data")); err != nil {
		t.Fatal(err)
	}
	writeFile(t, dir, "grid.yaml", grid)
	return dir
}

// sweeping is bgmd sweep at work in a folder.
type sweeping struct {
	*exec.Cmd
	t   *testing.T
	out bytes.Buffer // both outputs
}

// startSweep starts bgmd sweep in a process group of its own.
func startSweep(t *testing.T, dir string, args ...string) *sweeping {
	t.Helper()
	s := &sweeping{t: t, Cmd: exec.Command("bgmd", append([]string{"sweep", "--config", "grid.yaml", "--out", "out"}, args...)...)}
	s.Dir, s.Stdout, s.Stderr = dir, &s.out, &s.out
	s.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
	return s
}

// end waits for the end and checks the exit code and that the output has every
// text.
func (s *sweeping) end(code int, texts ...string) string {
	s.t.Helper()
	_ = s.Wait() // its error is the exit code, or a signal's −1
	if got := s.ProcessState.ExitCode(); got != code {
		s.t.Fatalf("exit code %d, want %d:\n%s", got, code, s.out.String())
	}
	for _, text := range texts {
		if !strings.Contains(s.out.String(), text) {
			s.t.Errorf("the output lacks %q:\n%s", text, s.out.String())
		}
	}
	return s.out.String()
}

func (s *sweeping) signal(pid int, signal syscall.Signal) {
	s.t.Helper()
	if err := syscall.Kill(pid, signal); err != nil {
		s.t.Fatal(err)
	}
}

// until waits for a condition.
func until(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for start := time.Now(); !holds(); time.Sleep(time.Millisecond) {
		if time.Since(start) > 30*time.Second {
			t.Fatalf("half a minute went by without %s", what)
		}
	}
}

// untilEpoch waits until the run of that name has recorded that epoch.
func untilEpoch(t *testing.T, dir, name string, epoch int) {
	t.Helper()
	until(t, fmt.Sprint("epoch ", epoch, " of ", name), func() bool {
		files, _ := filepath.Glob(filepath.Join(dir, "out", name, "*", "metrics.jsonl"))
		for _, file := range files {
			if text, _ := os.ReadFile(file); bytes.Count(text, []byte("\n")) > epoch {
				return true
			}
		}
		return false
	})
}

// records returns status and digest of the runs below out by name.
func records(t *testing.T, out string) map[string]string {
	t.Helper()
	runs, err := record.ReadAll(out)
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]string{}
	for _, r := range runs {
		found[r.Experiment()] = string(r.Status())
		if r.Summary != nil {
			found[r.Experiment()] += " " + r.Summary.Digest
		}
	}
	return found
}

// undisturbed is what a sweep over testGrid gives.
var undisturbed = sync.OnceValues(func() (map[string]string, error) {
	dir, err := os.MkdirTemp("", "undisturbed")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	if err := errors.Join(writeDigits(filepath.Join(dir, "data")), os.WriteFile(filepath.Join(dir, "grid.yaml"), []byte(testGrid), 0o644)); err != nil {
		return nil, err
	}
	cmd := exec.Command("bgmd", "sweep", "--config", "grid.yaml", "--out", "out", "--jobs", "2")
	cmd.Dir = dir
	if text, err := cmd.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("%w: %s", err, text)
	}
	runs, err := record.ReadAll(filepath.Join(dir, "out"))
	found := map[string]string{}
	for _, r := range runs {
		found[r.Experiment()] = string(r.Status()) + " " + r.Summary.Digest
	}
	return found, err
})

// wantUndisturbed checks that the runs below out are those of an undisturbed sweep.
func wantUndisturbed(t *testing.T, out string) {
	t.Helper()
	want, err := undisturbed()
	if err != nil {
		t.Fatal(err)
	}
	if got := records(t, out); len(want) != 2 || !maps.Equal(got, want) {
		t.Errorf("records are %v, want %v", got, want)
	}
}

// contents returns every file below a folder.
func contents(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := fs.WalkDir(os.DirFS(dir), ".", func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		text, err := os.ReadFile(filepath.Join(dir, path))
		files[path] = string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func TestSweepKilled(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("its processes would live on")
	}
	dir := sweepFolder(t, testGrid)
	s := startSweep(t, dir)
	untilEpoch(t, dir, "bgmd", 1)
	s.signal(s.Process.Pid, syscall.SIGKILL)
	s.end(-1)
	folders, _ := filepath.Glob(filepath.Join(dir, "out", "bgmd", "*"))
	until(t, "the end of the run's process", func() bool { return record.WrittenBy(folders[0]) == "" })
	if got := records(t, filepath.Join(dir, "out"))["bgmd"]; got != "unfinished" {
		t.Errorf("the run is %s: its process has outlived the sweep", got)
	}
	first := contents(t, filepath.Join(dir, "out", "sgd"))
	startSweep(t, dir).end(0, "started     bgmd seed 1", "2 of 2 done; records in out")
	wantUndisturbed(t, filepath.Join(dir, "out"))
	if !maps.Equal(first, contents(t, filepath.Join(dir, "out", "sgd"))) {
		t.Error("the second call has changed the run that was finished")
	}
	if text := startSweep(t, dir).end(0); text != "2 of 2 done; records in out\n" {
		t.Errorf("a third call says\n%s", text)
	}
}

func TestSweepInterrupted(t *testing.T) {
	dir := sweepFolder(t, testGrid)
	s := startSweep(t, dir)
	untilEpoch(t, dir, "sgd", 0)
	s.signal(-s.Process.Pid, syscall.SIGINT) // as a terminal does
	s.end(1, "0 of 2 done", "interrupted: the same command goes on")
	if got := records(t, filepath.Join(dir, "out")); !strings.HasPrefix(got["sgd"], "interrupted ") || len(got) != 1 {
		t.Errorf("records are %v, want one that is interrupted", got)
	}
	startSweep(t, dir, "--jobs", "2").end(0)
	wantUndisturbed(t, filepath.Join(dir, "out"))
}

// killRun kills the process that writes the first run of that name.
func (s *sweeping) killRun(dir, name string, after int) (pid int) {
	s.t.Helper()
	until(s.t, "a process that writes "+name, func() bool {
		folders, _ := filepath.Glob(filepath.Join(dir, "out", name, "*"))
		if len(folders) == 0 {
			return false
		}
		text, _ := os.ReadFile(filepath.Join(folders[0], "lock")) // to ask for the lock might get in the way
		pid, _ = strconv.Atoi(strings.TrimSuffix(string(text), "\n"))
		return bytes.HasSuffix(text, []byte("\n")) && pid != after
	})
	s.signal(pid, syscall.SIGKILL)
	return pid
}

func TestSweepStartsKilledRunsAgain(t *testing.T) {
	dir := sweepFolder(t, testGrid)
	s := startSweep(t, dir)
	s.killRun(dir, "sgd", 0)
	s.end(0, "again       sgd seed 1, which ended with signal: killed")
	wantUndisturbed(t, filepath.Join(dir, "out"))
}

func TestSweepGivesUpAfterTheSecondKill(t *testing.T) {
	dir := sweepFolder(t, testGrid)
	s := startSweep(t, dir)
	s.killRun(dir, "sgd", s.killRun(dir, "sgd", 0))
	s.end(1, "failed      sgd seed 1: signal: killed; out/.sweep/sgd-seed-1-", ".log ends with\n", "1 of 2 done, 1 failed",
		"bgmd: 1 run failed: sgd seed 1\n")
	startSweep(t, dir).end(0)
	wantUndisturbed(t, filepath.Join(dir, "out"))
}

func TestSweepGoesOnWithoutFailedRuns(t *testing.T) {
	dir := sweepFolder(t, testGrid+`    lost: {data: {dir: nowhere}, epochs: 2}
    wild: {optimizer: {lr: 1.0e+30}}
    last: {epochs: 1}
`)
	text := startSweep(t, dir).end(1, "failed      lost seed 1: exit status 3; out/.sweep/lost-seed-1-", "    bgmd: ", "nowhere",
		"diverged    wild seed 1", "finished    last seed 1", "4 of 5 done, 1 failed; records in out\nbgmd: 1 run failed: lost seed 1\n")
	if strings.Contains(text, "again") {
		t.Errorf("a run was started again:\n%s", text)
	}
}

func TestSweepOfAnotherConfiguration(t *testing.T) {
	dir := sweepFolder(t, testGrid)
	startSweep(t, dir, "--set", "epochs=1", "--only", "sgd").end(0)
	before := contents(t, filepath.Join(dir, "out", "sgd"))
	startSweep(t, dir, "--set", "epochs=2", "--only", "sgd").end(0, "finished    sgd seed 1 after 2 epochs, ")
	after := contents(t, filepath.Join(dir, "out", "sgd"))
	if len(after) != 2*len(before) {
		t.Errorf("there are the files\n%q, want twice as many as\n%q", slices.Sorted(maps.Keys(after)), slices.Sorted(maps.Keys(before)))
	}
	for path, text := range before {
		if after[path] != text {
			t.Errorf("%s has changed", path)
		}
	}
	// What bgmd run records is the same run.
	cmd := exec.Command("bgmd", "run", "--config", "run.yaml", "--out", "out")
	writeFile(t, dir, "run.yaml", "name: sgd\nepochs: 4\ndata: {set: mnist, dir: data, clients: 3, batch: 4}\nmodel: {name: lenet}\noptimizer: {lr: 0.01}\n")
	cmd.Dir = dir
	if text, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	startSweep(t, dir, "--set", "epochs=4", "--only", "sgd", "--dry-run").end(0, "finished", "nothing is left to train")
}

// What processes that were killed after a run's end, and a killed sweep, have left
// is put in order by the next call.
func TestSweepPutsInOrder(t *testing.T) {
	dir := sweepFolder(t, testGrid)
	startSweep(t, dir).end(0)
	out := filepath.Join(dir, "out")
	want := contents(t, out)
	folder, _ := filepath.Glob(filepath.Join(out, "sgd", "*"))
	for _, name := range []string{"sgd/" + filepath.Base(folder[0]) + "/lock", "sgd/" + filepath.Base(folder[0]) + "/.accuracy.svg1234567890123456789",
		".sweep/lock", ".sweep/.sgd-seed-1.yaml1234567890123456789"} {
		writeFile(t, filepath.Join(out, filepath.Dir(name)), filepath.Base(name), "")
	}
	if err := os.Remove(filepath.Join(folder[0], "accuracy.svg")); err != nil {
		t.Fatal(err)
	}
	if text := startSweep(t, dir).end(0); text != "2 of 2 done; records in out\n" {
		t.Errorf("it says\n%s", text)
	}
	if got := contents(t, out); !maps.Equal(got, want) {
		t.Errorf("there is\n%q, want as before\n%q", slices.Sorted(maps.Keys(got)), slices.Sorted(maps.Keys(want)))
	}
}

// A plot that cannot be written is told of, whoever draws it: the run's process,
// after whose end the record is complete, or the next call.
func TestSweepThatCannotDraw(t *testing.T) {
	dir := sweepFolder(t, testGrid)
	args := []string{"--only", "sgd"}
	startSweep(t, dir, args...).end(0)
	folder, _ := filepath.Glob(filepath.Join(dir, "out", "sgd", "*"))
	svg := filepath.Join(folder[0], "accuracy.svg")
	err := errors.Join(os.Remove(svg), os.Remove(filepath.Join(folder[0], "accuracy.png")), os.Mkdir(svg, 0o755), os.Remove(filepath.Join(folder[0], "summary.json")))
	if err != nil {
		t.Fatal(err)
	}
	startSweep(t, dir, args...).end(1, "failed      sgd seed 1: exit status 1; out/.sweep/sgd-seed-1-", "accuracy.svg: is a directory\n", "0 of 1 done, 1 failed")
	if err := os.Remove(filepath.Join(folder[0], "accuracy.png")); err != nil {
		t.Fatal(err)
	}
	startSweep(t, dir, args...).end(1, "1 of 1 done", "bgmd: draw sgd seed 1: plots: save plot to out/sgd/", "accuracy.svg: is a directory\n")
	if err := errors.Join(os.Remove(svg), os.Remove(filepath.Join(folder[0], "accuracy.png"))); err != nil {
		t.Fatal(err)
	}
	if text := startSweep(t, dir, args...).end(0); text != "1 of 1 done; records in out\n" || !plotted(folder[0]) {
		t.Errorf("without plots, it says\n%s", text)
	}
}

// A lock that cannot be removed is no failure of a run that is complete, for the
// run and for a sweep alike.
func TestLockThatStays(t *testing.T) {
	dir := sweepFolder(t, testGrid)
	startSweep(t, dir, "--only", "sgd").end(0)
	folder, _ := filepath.Glob(filepath.Join(dir, "out", "sgd", "*"))
	if err := os.Mkdir(filepath.Join(folder[0], "lock"), 0o755); err != nil {
		t.Fatal(err)
	}
	const want = "bgmd: warning: record: tidy up out/sgd/"
	startSweep(t, dir, "--only", "sgd").end(0, want, "1 of 1 done")
	configs, _ := filepath.Glob(filepath.Join(dir, "out", ".sweep", "sgd-*.yaml"))
	cmd := exec.Command("bgmd", "run", "--config", configs[0], "--out", "out", "--resume")
	cmd.Dir = dir
	if text, err := cmd.CombinedOutput(); err != nil || !strings.Contains(string(text), want) {
		t.Errorf("the run ends with %v, want a warning:\n%s", err, text)
	}
}

// Two finished runs whose folders were swapped are no longer done.
func TestSweepKnowsItsRecords(t *testing.T) {
	dir := sweepFolder(t, testGrid)
	startSweep(t, dir, "--seeds", "1,2", "--only", "sgd", "--set", "epochs=1").end(0)
	folders, _ := filepath.Glob(filepath.Join(dir, "out", "sgd", "seed-*"))
	if len(folders) != 2 {
		t.Fatal(folders)
	}
	aside := filepath.Join(dir, "aside")
	if err := errors.Join(os.Rename(folders[0], aside), os.Rename(folders[1], folders[0]), os.Rename(aside, folders[1])); err != nil {
		t.Fatal(err)
	}
	first, second := filepath.Base(folders[0]), filepath.Base(folders[1])
	hash := func(name string) string { return name[len("seed-1-"):] }
	why := fmt.Sprintf("sgd seed 1: its folder out/sgd/%s holds the record of another run, whose configuration has the hash %s and not %s: move it away\n",
		first, hash(second), hash(first))
	args := []string{"--seeds", "1,2", "--only", "sgd", "--set", "epochs=1"}
	startSweep(t, dir, append(args, "--dry-run")...).end(0, "\n"+why, "nothing is left to train")
	startSweep(t, dir, args...).end(1, "failed      "+why, "0 of 2 done, 2 failed", "bgmd: 2 runs failed: sgd seed 1, sgd seed 2\n")
}

// A program that is built anew while a sweep goes on is not the sweep's.
func TestSweepWithANewProgram(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("needs /proc/self/exe")
	}
	dir := sweepFolder(t, testGrid)
	original, err := exec.LookPath("bgmd")
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(original)
	if err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(dir, "bgmd") // of this name the test's binary is the program
	syscall.ForkLock.RLock()              // a process forked meanwhile would have it open for writing, and it could not run
	err = os.WriteFile(program, text, 0o755)
	syscall.ForkLock.RUnlock()
	if err != nil {
		t.Fatal(err)
	}
	s := &sweeping{t: t, Cmd: exec.Command(program, "sweep", "--config", "grid.yaml", "--out", "out")}
	s.Dir, s.Stdout, s.Stderr = dir, &s.out, &s.out
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
	untilEpoch(t, dir, "sgd", 0)
	if err := os.Remove(program); err != nil {
		t.Fatal(err)
	}
	writeFile(t, dir, "bgmd", "#!/bin/sh\necho bgmd: I am another; exit 1\n")
	if err := os.Chmod(program, 0o755); err != nil {
		t.Fatal(err)
	}
	s.end(0, "2 of 2 done")
	wantUndisturbed(t, filepath.Join(dir, "out"))
}

func TestTwoSweepsInOneFolder(t *testing.T) {
	dir := sweepFolder(t, testGrid)
	s := startSweep(t, dir)
	untilEpoch(t, dir, "sgd", 0)
	startSweep(t, dir).end(1, fmt.Sprintf("bgmd: sweep: process %d is sweeping in out already: wait for it, or choose another folder\n", s.Process.Pid))
	s.end(0)
}

func TestSweepWithADamagedRecord(t *testing.T) {
	dir := sweepFolder(t, testGrid)
	startSweep(t, dir, "--only", "sgd").end(0)
	files, _ := filepath.Glob(filepath.Join(dir, "out", "sgd", "*", "metrics.jsonl"))
	if len(files) != 1 {
		t.Fatal(files)
	}
	text, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	writeFile(t, filepath.Dir(files[0]), "metrics.jsonl", strings.Replace(string(text), `"epoch":1`, `"epoch":7`, 1))
	startSweep(t, dir).end(1, "failed      sgd seed 1: its record is damaged, move it away to train anew: record: out/sgd/", "metrics.jsonl, line 2: found epoch 7, want 1",
		"finished    bgmd seed 1", "1 of 2 done, 1 failed")
	if err := os.WriteFile(files[0], text, 0o644); err != nil {
		t.Fatal(err)
	}
	startSweep(t, dir).end(0)
	wantUndisturbed(t, filepath.Join(dir, "out"))
}

// A full disk fails the run and leaves what it had; with room it goes on.
func TestSweepOnAFullDisk(t *testing.T) {
	dir := sweepFolder(t, testGrid)
	if err := exec.Command("unshare", "-rm", "mount", "-t", "tmpfs", "none", dir).Run(); err != nil {
		t.Skip("no file system of our own to be had: ", err)
	}
	// A checkpoint has 4.7 MB, 9.3 with momentum, and replaces another.
	script := writeFile(t, dir, "script", `mkdir out seen && mount -t tmpfs -o size=12m none out
bgmd sweep --config grid.yaml --out out --only sgd; echo "exit code $?"; cp -r out seen/full
mount -o remount,size=64m out
bgmd sweep --config grid.yaml --out out && cp -r out seen/room
`)
	cmd := exec.Command("unshare", "-rm", "sh", script)
	cmd.Dir = dir
	text, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	for _, want := range []string{"failed      sgd seed 1: exit status 1; out/.sweep/sgd", "no space left on device", "exit code 1\n", "2 of 2 done"} {
		if !strings.Contains(string(text), want) {
			t.Errorf("the output lacks %q:\n%s", want, text)
		}
	}
	if got := records(t, filepath.Join(dir, "seen", "full")); !strings.HasPrefix(got["sgd"], "failed ") {
		t.Errorf("with a full disk records are %v", got)
	}
	wantUndisturbed(t, filepath.Join(dir, "seen", "room"))
}
