package record

import (
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestCreateRefusesAnExistingRun(t *testing.T) {
	const resume = "resume it (--resume), or choose another seed or output folder (--seed, --out)"
	const other = "choose another seed or output folder (--seed, --out)"
	for status, advice := range map[Status]string{
		Finished: other, Diverged: other, Interrupted: resume, Failed: resume, Unfinished: resume,
	} {
		dir := t.TempDir()
		w := begin(t, dir, 2)
		if status == Unfinished {
			kill(t, w)
		} else {
			end(t, w, status)
		}
		before := mustRead(t, dir)
		_, err := Create(dir, []byte("other"), environment())
		wantError(t, string(status), err, dir, fmt.Sprintf("record: create run: DIR holds a run with status %q: %s", status, advice))
		if exists, ok := errors.AsType[*ExistsError](err); !ok || exists.Status != status || exists.Dir != dir {
			t.Errorf("%s: error is %#v", status, err)
		}
		same(t, "the run left alone", mustRead(t, dir), before)
	}
}

func TestCreateRefusesOtherFolders(t *testing.T) {
	for name, c := range map[string]struct{ file, text, want string }{
		"foreign file":  {"notes.txt", "", "record: create run: DIR holds notes.txt but no config.yaml, so it is neither empty nor a run: choose another folder"},
		"only metrics":  {metricsName, "{}\n", "record: create run: DIR holds metrics.jsonl but no config.yaml, so it is neither empty nor a run: choose another folder"},
		"broken ending": {summaryName, "{", "record: create run: DIR/summary.json: found the end inside a JSON value"},
	} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, c.file), []byte(c.text), 0o644); err != nil {
			t.Fatal(err)
		}
		_, err := Create(dir, []byte(config), environment())
		wantError(t, name, err, dir, c.want)
		if got := names(t, dir); got != c.file {
			t.Errorf("%s: the folder holds %s afterwards", name, got)
		}
	}
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	_, err := Create(file, []byte(config), environment())
	wantError(t, "a file", err, file, "record: create run: mkdir DIR: not a directory")
}

// A process killed inside Create leaves these, and no run.
func TestCreateTakesOverWhatNeverBegan(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{lockName, environmentName, metricsName, ".config.yaml1234567890123456789"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	end(t, begin(t, dir, 2), Finished)
	if got, want := names(t, dir), "config.yaml environment.json metrics.jsonl summary.json"; got != want {
		t.Errorf("the folder holds %s, want %s", got, want)
	}
	mustRead(t, dir)
}

func TestEpochChecks(t *testing.T) {
	dir := t.TempDir()
	w := begin(t, dir, 2)
	for name, c := range map[string]struct {
		change func(e *Epoch)
		want   string
	}{
		"epoch again":  {func(e *Epoch) { e.Epoch = 1 }, "record: epoch 1 of DIR: found epoch 1, want 2"},
		"a gap":        {func(e *Epoch) { e.Epoch = 3 }, "record: epoch 3 of DIR: found epoch 3, want 2"},
		"fewer steps":  {func(e *Epoch) { e.Step = 0 }, "record: epoch 2 of DIR: step is 0, want at least 117, that of the epoch before"},
		"infinite":     {func(e *Epoch) { e.Elapsed = math.Inf(1) }, "record: epoch 2 of DIR: elapsed is +Inf, want a time of at least 4.5, that of the epoch before"},
		"no number":    {func(e *Epoch) { e.Seconds.Data = math.NaN() }, "record: epoch 2 of DIR: seconds hold NaN, want finite times of at least 0"},
		"no percent":   {func(e *Epoch) { e.TestAccuracy = inf }, "record: epoch 2 of DIR: test_accuracy is +Inf, want a percentage in [0, 100] or NaN"},
		"clock at odd": {func(e *Epoch) { e.Elapsed = math.NaN() }, "record: epoch 2 of DIR: elapsed is NaN, want a time of at least 4.5, that of the epoch before"},
	} {
		e := epochs(3)[2]
		c.change(&e)
		wantError(t, name, w.Epoch(e), dir, c.want)
	}
	if err := w.Epoch(epochs(3)[2]); err != nil {
		t.Errorf("after refused epochs: %v", err)
	}
	end(t, w, Finished)
	wantError(t, "epoch after the end", w.Epoch(Epoch{Epoch: 3}), dir, "record: epoch 3 of DIR: the run is closed")
	wantError(t, "second close", w.Close(Outcome{Status: Finished}), dir, "record: close DIR: the run is closed already")
	same(t, "epochs", mustRead(t, dir).Epochs, epochs(3))
}

func TestCloseWithoutMeasurements(t *testing.T) {
	dir := t.TempDir()
	end(t, begin(t, dir, 0), Failed)
	s := mustRead(t, dir).Summary
	if s.Epochs != 0 || s.FinalTestAccuracy == s.FinalTestAccuracy || s.BestTestAccuracy == s.BestTestAccuracy {
		t.Errorf("summary is %+v, want 0 epochs and no accuracies", s)
	}

	dir = t.TempDir()
	w := begin(t, dir, 2)
	if err := w.Epoch(Epoch{Epoch: 2, Step: 300, TestAccuracy: nan, TrainLoss: inf, TestLoss: inf, Elapsed: 100}); err != nil {
		t.Fatal(err)
	}
	end(t, w, Diverged)
	s = mustRead(t, dir).Summary
	if s.Epochs != 2 || s.FinalTestAccuracy == s.FinalTestAccuracy || s.BestTestAccuracy != 80 {
		t.Errorf("summary is %+v, want 2 epochs, final accuracy NaN, best 80", s)
	}
}

func TestCloseRefusesContradictions(t *testing.T) {
	dir := t.TempDir()
	err := begin(t, dir, 1).Close(Outcome{Status: "running"})
	wantError(t, "unknown status", err, dir, `record: close DIR: status is "running", want one of ["finished" "diverged" "interrupted" "failed"]`)
	if s := mustRead(t, dir).Status(); s != Unfinished {
		t.Errorf("the run has status %q, want none", s)
	}
	if w, err := Resume(dir, []byte(config), environment(), markOf(t, dir, 0)); err != nil {
		t.Errorf("the lock was not given up: %v", err)
	} else {
		end(t, w, Finished)
	}
}

// A write can fail, as on a full disk; here a folder is in the way. Nothing
// half-written may stay, and the Writer goes on once the cause is gone.
func TestFailedWrites(t *testing.T) {
	dir := t.TempDir()
	w := begin(t, dir, 1)
	path := filepath.Join(dir, metricsName)
	block := func(path string) {
		os.Remove(path)
		if err := os.MkdirAll(filepath.Join(path, "x"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	block(path)
	err := w.Epoch(epochs(2)[1])
	if err == nil || !strings.HasPrefix(err.Error(), "record: epoch 1: write "+path+": ") {
		t.Errorf("error is %v", err)
	}
	if got, want := names(t, dir), "config.yaml environment.json lock metrics.jsonl"; got != want {
		t.Errorf("the folder holds %s, want %s", got, want)
	}
	os.RemoveAll(path)
	if err := w.Epoch(epochs(2)[1]); err != nil {
		t.Fatal(err)
	}
	same(t, "epochs", mustRead(t, dir).Epochs, epochs(2))

	block(filepath.Join(dir, summaryName))
	err = w.Close(Outcome{Status: Finished})
	if err == nil || !strings.HasPrefix(err.Error(), "record: close "+dir+": write "+filepath.Join(dir, summaryName)+": ") {
		t.Errorf("error is %v", err)
	}
	if got, want := names(t, dir), "config.yaml environment.json metrics.jsonl summary.json"; got != want {
		t.Errorf("the folder holds %s, want %s", got, want)
	}
}
