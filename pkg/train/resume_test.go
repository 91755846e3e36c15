package train

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/bgmd/bgmd/pkg/checkpoint"
	"github.com/bgmd/bgmd/pkg/config"
	"github.com/bgmd/bgmd/pkg/record"
)

// files are those of a run's folder by name.
type files map[string][]byte

func readFiles(t *testing.T, dir string) files {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	f := files{}
	for _, e := range entries {
		if f[e.Name()], err = os.ReadFile(filepath.Join(dir, e.Name())); err != nil {
			t.Fatal(err)
		}
	}
	return f
}

// write puts the files into a fresh folder, but for those that are nil.
func (f files) write(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "run")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for name, text := range f {
		if text == nil {
			continue
		}
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// afterEachWrite runs c and returns its summary and what the folder held after
// every file that the run wrote, in turn. Files appear whole, so that these are
// the states in which a process that is killed at any moment can leave it.
func afterEachWrite(t *testing.T, c config.Config) (states []files, undisturbed *record.Summary) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "run")
	var checkpoints [][]byte
	undisturbed, err := Run(context.Background(), c, dir, Options{Observe: func(p Progress) {
		if p.Done != nil {
			checkpoints = append(checkpoints, readFiles(t, dir)[CheckpointName])
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	end := readFiles(t, dir)
	add := func(f files) { states = append(states, f) }
	const env, config, metrics = "environment.json", "config.yaml", "metrics.jsonl"
	add(files{})
	add(files{env: end[env]})
	add(files{env: end[env], metrics: {}})
	lines := bytes.SplitAfter(end[metrics], []byte("\n"))
	for m := range len(lines) { // the last is empty
		f := files{env: end[env], config: end[config], metrics: bytes.Join(lines[:m], nil)}
		if m > 0 && m <= len(checkpoints) { // an epoch that ends half-way has none
			before := files{env: f[env], config: f[config], metrics: f[metrics]}
			if m > 1 {
				before[CheckpointName] = checkpoints[m-2]
			}
			add(before)
			f[CheckpointName] = checkpoints[m-1]
		} else if m > 0 {
			f[CheckpointName] = checkpoints[m-2]
		}
		add(f)
	}
	add(end)
	return states, undisturbed
}

// TestResumeAfterEachWrite goes on from every state in which a process can be
// killed: how the run ends does not depend on it, nor that a finished run has
// finished.
func TestResumeAfterEachWrite(t *testing.T) {
	for name, change := range map[string]func(*config.Config){
		"finished": func(c *config.Config) {
			c.Aggregator.Rule, c.Aggregator.Block.Fraction, c.Optimizer.Momentum = "gm", 0.1, 0.9
			c.Corruption.Gradient.Kind, c.Corruption.Gradient.Fraction = "bitflip", 0.4
		},
		"diverged in a step": func(c *config.Config) { c.Optimizer.LR, c.Epochs = 1e6, 5 },
		// One step an epoch, so that no step comes that would notice before the epoch ends.
		"diverged after the last epoch": func(c *config.Config) { c.Optimizer.LR, c.Epochs, c.Data.Clients, c.Data.Batch = 1e30, 1, 1, 24 },
		"diverged after an epoch":       func(c *config.Config) { c.Optimizer.LR, c.Epochs, c.Data.Clients, c.Data.Batch = 1e30, 3, 1, 24 },
	} {
		t.Run(name, func(t *testing.T) {
			c := tiny(t)
			change(&c)
			states, want := afterEachWrite(t, c)
			for i, f := range states {
				dir := f.write(t)
				var names []string
				for name := range f {
					names = append(names, name)
				}
				what := fmt.Sprintf("state %d, %d lines with %v", i, bytes.Count(f["metrics.jsonl"], []byte("\n")), names)
				got, err := Run(context.Background(), c, dir, Options{Resume: record.Begun(dir)})
				if err != nil {
					t.Errorf("%s: %v", what, err)
					continue
				}
				if got.Digest != want.Digest || !reflect.DeepEqual(got.Outcome, want.Outcome) {
					t.Errorf("%s: %+v with digest %s, want %+v with %s", what, got.Outcome, got.Digest, want.Outcome, want.Digest)
				}
			}
		})
	}
}

// TestWrongCheckpointIsRefused: what is damaged or belongs to another run is
// refused with what to do; and that, done, brings the run to its right end.
func TestWrongCheckpointIsRefused(t *testing.T) {
	c := tiny(t)
	c.Aggregator.Rule, c.Aggregator.Block.Fraction = "gm", 0.1
	want := run(t, c).Summary.Digest
	other := c
	other.Seed++
	foreign := readFiles(t, interruptedAt(t, other, 3))[CheckpointName]
	twin := readFiles(t, interruptedAt(t, c, 3))[CheckpointName] // the same run, at other times
	const startOver = ": remove the file, and the run starts over"
	for name, test := range map[string]struct {
		change func(f files)
		want   []string // in the error
	}{
		"a flipped bit": {func(f files) { f[CheckpointName][len(f[CheckpointName])/2] ^= 1 },
			[]string{"contents are damaged: sha256 is ", startOver}},
		"cut short": {func(f files) { f[CheckpointName] = f[CheckpointName][:100] },
			[]string{"header has ", startOver}},
		"another run's": {func(f files) { f[CheckpointName] = foreign },
			[]string{"the checkpoint is another run's: its configuration has SHA-256 ", ": remove the checkpoint, and the run starts over"}},
		"of a run of the same configuration": {func(f files) { f[CheckpointName] = twin },
			[]string{"the checkpoint is another run's, or metrics.jsonl has changed since: ", ": remove the checkpoint, and the run starts over"}},
		"another time in the metrics": {func(f files) {
			delete(f, "summary.json")
			f["metrics.jsonl"] = bytes.Replace(f["metrics.jsonl"], []byte(`"total":0.`), []byte(`"total":1.`), 1)
		},
			[]string{"the checkpoint is another run's, or metrics.jsonl has changed since: ", ": remove the checkpoint, and the run starts over"}},
		"without the memory": {func(f files) { f[CheckpointName] = rewritten(t, f, nil, memoryName) },
			[]string{CheckpointName + ": aggregator.memory has 0 elements, want ", startOver}},
		"of an earlier version": {func(f files) {
			f[CheckpointName] = rewritten(t, f, func(p *progress) { p.Mark = record.Mark{Epoch: p.Epoch}; p.Memory = 0 }, "")
		}, []string{"an earlier version wrote it, which did not note the record that it belongs to: go on with that version, which environment.json names, or remove the file, and the run starts over"}},
	} {
		t.Run(name, func(t *testing.T) {
			f := readFiles(t, interruptedAt(t, c, 3))
			test.change(f)
			dir := f.write(t)
			_, err := Run(context.Background(), c, dir, Options{Resume: true})
			for _, part := range test.want {
				if err == nil || !strings.Contains(err.Error(), part) {
					t.Errorf("error is\n%v, want in it\n%s", err, part)
				}
			}
			if after := readFiles(t, dir); !reflect.DeepEqual(after, f) {
				t.Error("the refused run has changed")
			}
			if err := os.Remove(filepath.Join(dir, CheckpointName)); err != nil {
				t.Fatal(err)
			}
			s, err := Run(context.Background(), c, dir, Options{Resume: true})
			if err != nil || s.Status != record.Finished || s.Digest != want {
				t.Errorf("started over, the run is %+v, %v, want digest %s", s, err, want)
			}
		})
	}
}

// rewritten is the checkpoint among f with another state and without a tensor.
func rewritten(t *testing.T, f files, change func(*progress), without string) []byte {
	t.Helper()
	path := filepath.Join(f.write(t), CheckpointName)
	var p progress
	tensors, err := checkpoint.Load(path, &p)
	if err != nil {
		t.Fatal(err)
	}
	if change != nil {
		change(&p)
	}
	tensors = slices.DeleteFunc(tensors, func(x checkpoint.Tensor) bool { return x.Name == without })
	if err := checkpoint.Save(path, tensors, p); err != nil {
		t.Fatal(err)
	}
	return readFiles(t, filepath.Dir(path))[CheckpointName]
}
