package record

import (
	"encoding/json"
	"errors"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const config = "name: quickstart\nseed: 1\n"

var (
	nan = Float(math.NaN())
	inf = Float(math.Inf(1))
)

// environment is a made-up machine.
func environment() Environment {
	return Environment{
		Version: "v1.0.0", Commit: "abc", Modified: true, Go: "go1.26", OS: "linux", Arch: "amd64",
		CPU: "Made-up CPU", Cores: 2, Workers: 2, Backend: "gonum", DataSet: "mnist",
		DataFiles: []DataFile{{"t10k", "00ff", true}, {"train", "ff00", false}},
		Start:     time.Date(2022, 3, 28, 12, 0, 0, 0, time.UTC),
	}
}

// epochs are n made-up epochs, with every field in use from epoch 1 on.
func epochs(n int) []Epoch {
	all := []Epoch{{LR: 0.1, TrainLoss: nan, TestLoss: 2.3, TestAccuracy: 10}}
	for i := 1; i < n; i++ {
		x := Float(i)
		all = append(all, Epoch{
			Epoch: i, Step: 117 * i, LR: 0.1, TrainLoss: 1 / x, TestLoss: 1.5 / x, TestAccuracy: 90 - 10/x,
			AttackSuccess: new(3 / x),
			GM:            &GM{Iterations: 700, Runs: 117, Unconverged: i, MaxResidual: 1e-7},
			Block:         &Block{Size: 1000, Residual: 0.3},
			Seconds:       Seconds{0.5, 1, 0.25, 2, 0.125, 0.0625, 4},
			Elapsed:       4.5 * float64(i),
		})
	}
	return all[:n]
}

// begin creates a run in dir and records n epochs.
func begin(t *testing.T, dir string, n int) *Writer {
	t.Helper()
	w, err := Create(dir, []byte(config), environment())
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range epochs(n) {
		if err := w.Epoch(e); err != nil {
			t.Fatal(err)
		}
	}
	return w
}

// end closes w, whose run ended with the given status.
func end(t *testing.T, w *Writer, s Status) {
	t.Helper()
	o := Outcome{Status: s}
	switch s {
	case Diverged:
		o.DivergedAtStep = 300
	case Failed:
		o.Error = "no space left"
	}
	if err := w.Close(o); err != nil {
		t.Fatal(err)
	}
}

// markOf is the mark that a checkpoint of the given epoch of the run in dir would
// hold, nil for epoch -1.
func markOf(t *testing.T, dir string, epoch int) *Mark {
	t.Helper()
	if epoch < 0 {
		return nil
	}
	text, err := os.ReadFile(filepath.Join(dir, metricsName))
	if err != nil {
		t.Fatal(err)
	}
	begun, err := sumBegun(environment())
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.SplitAfter(string(text), "\n")[:epoch+1]
	return &Mark{Epoch: epoch, Config: ConfigHash([]byte(config)), Environment: begun, Metrics: sum([]byte(strings.Join(lines, "")))}
}

// kill makes w's run look as if its process had been killed: the lock is gone
// but for its file.
func kill(t *testing.T, w *Writer) {
	t.Helper()
	path := filepath.Join(w.dir, lockName)
	if err := errors.Join(w.lock.Release(), os.WriteFile(path, []byte("1234567\n"), 0o644)); err != nil {
		t.Fatal(err)
	}
}

func mustRead(t *testing.T, dir string) *Run {
	t.Helper()
	run, err := Read(dir)
	if err != nil {
		t.Fatal(err)
	}
	return run
}

// same compares two values by their JSON, where NaN is equal to itself.
func same(t *testing.T, what string, got, want any) {
	t.Helper()
	g, err1 := json.Marshal(got)
	w, err2 := json.Marshal(want)
	if err := errors.Join(err1, err2); err != nil {
		t.Fatal(err)
	}
	if string(g) != string(w) {
		t.Errorf("%s: got\n\t%s, want\n\t%s", what, g, w)
	}
}

// names lists what is in dir.
func names(t *testing.T, dir string) string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, e := range entries {
		all = append(all, e.Name())
	}
	return strings.Join(all, " ")
}

// wantError fails unless err is an error whose text is want, in which DIR
// stands for dir.
func wantError(t *testing.T, what string, err error, dir, want string) {
	t.Helper()
	want = strings.ReplaceAll(want, "DIR", dir)
	if err == nil || err.Error() != want {
		t.Errorf("%s: error is\n\t%v, want\n\t%s", what, err, want)
	}
}
