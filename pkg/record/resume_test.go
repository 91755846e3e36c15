package record

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
)

func TestResume(t *testing.T) {
	whole := t.TempDir()
	end(t, begin(t, whole, 6), Finished)
	for _, status := range []Status{Interrupted, Failed, Unfinished} {
		for last := -1; last < 4; last++ {
			dir := t.TempDir()
			w := begin(t, dir, 4)
			if status == Unfinished {
				kill(t, w)
			} else {
				end(t, w, status)
			}
			later := environment()
			later.Version, later.Cores = "v2", 64
			w, err := Resume(dir, []byte(config), later, markOf(t, dir, last))
			if err != nil {
				t.Fatal(err)
			}
			same(t, "epochs kept", w.Epochs(), epochs(last+1))
			if s := mustRead(t, dir).Status(); s != Unfinished {
				t.Errorf("a resumed run that goes on has status %q", s)
			}
			for _, e := range epochs(6)[last+1:] {
				if err := w.Epoch(e); err != nil {
					t.Fatal(err)
				}
			}
			end(t, w, Finished)
			run := mustRead(t, dir)
			same(t, "epochs", run.Epochs, epochs(6))
			got, want := run.Summary, mustRead(t, whole).Summary
			if got.Seal.Metrics != want.Seal.Metrics {
				t.Errorf("the metrics have SHA-256 %s, want %s", got.Seal.Metrics, want.Seal.Metrics)
			}
			got.Seal, want.Seal = nil, nil // of a run with other sessions
			same(t, "summary", got, want)
			if !reflect.DeepEqual(run.Environment, environment()) {
				t.Errorf("the first environment became %+v", run.Environment)
			}
			if want := []Session{{last, later}}; !reflect.DeepEqual(run.Sessions, want) {
				t.Errorf("sessions are %+v, want %+v", run.Sessions, want)
			}
		}
	}
}

func TestResumeTwice(t *testing.T) {
	dir := t.TempDir()
	end(t, begin(t, dir, 2), Interrupted)
	for last := range 2 {
		w, err := Resume(dir, []byte(config), environment(), markOf(t, dir, last))
		if err != nil {
			t.Fatal(err)
		}
		if err := w.Epoch(epochs(last + 2)[last+1]); err != nil {
			t.Fatal(err)
		}
		end(t, w, Interrupted)
	}
	run := mustRead(t, dir)
	same(t, "epochs", run.Epochs, epochs(3))
	if len(run.Sessions) != 2 || run.Sessions[0].FromEpoch != 0 || run.Sessions[1].FromEpoch != 1 {
		t.Errorf("sessions are %+v", run.Sessions)
	}
}

func TestResumeRefuses(t *testing.T) {
	otherSet, fewerFiles, otherFile := environment(), environment(), environment()
	otherSet.DataSet = "cifar10"
	fewerFiles.DataFiles = nil
	otherFile.DataFiles[1].MD5 = "0000"
	sample := t.TempDir()
	end(t, begin(t, sample, 2), Interrupted)
	good := *markOf(t, sample, 1)
	for name, c := range map[string]struct {
		status Status
		config string
		env    Environment
		mark   Mark
		want   string
	}{
		"finished":       {Finished, config, environment(), good, `its status is "finished": there is nothing left to train`},
		"diverged":       {Diverged, config, environment(), good, `its status is "diverged": there is nothing left to train`},
		"another config": {Interrupted, "name: quickstart\nseed: 2\n", environment(), good, `it was begun with another configuration: config.yaml, line 2: found "seed: 1", want "seed: 2"`},
		"longer config":  {Interrupted, config + "epochs: 3\n", environment(), good, `it was begun with another configuration: config.yaml, line 3: found "", want "epochs: 3"`},
		"shorter config": {Interrupted, "name: quickstart\nseed: 1", environment(), good, `it was begun with another configuration: config.yaml, line 3: found "", want no line`},
		// Not this run at all, whatever has become of it.
		"finished, another config": {Finished, "name: quickstart\nseed: 2\n", environment(), good, `it was begun with another configuration: config.yaml, line 2: found "seed: 1", want "seed: 2"`},
		"another set":              {Interrupted, config, otherSet, good, `environment.json: the data set was "mnist" when the run began and is "cifar10" now`},
		"fewer files":              {Interrupted, config, fewerFiles, good, "environment.json: the data set had 2 files when the run began and has 0 now"},
		"another file":             {Interrupted, config, otherFile, good, "environment.json: data file train had MD5 ff00 when the run began; now there is train with MD5 0000"},
		"lines missing":            {Interrupted, config, environment(), Mark{2, good.Config, good.Environment, good.Metrics}, "the checkpoint is of epoch 2, but metrics.jsonl ends with epoch 1: " + startOver},
		"no such epoch":            {Interrupted, config, environment(), Mark{-2, good.Config, good.Environment, good.Metrics}, "the checkpoint is of epoch -2, but metrics.jsonl ends with epoch 1: " + startOver},
		"another run's":            {Interrupted, config, environment(), Mark{1, "c0", good.Environment, good.Metrics}, "the checkpoint is another run's: its configuration has SHA-256 c0, config.yaml has " + good.Config + ": " + startOver},
		"other beginnings": {Interrupted, config, environment(), Mark{1, good.Config, "e0", good.Metrics}, "environment.json has changed since the checkpoint was made: what it says of the run's beginning has SHA-256 " +
			good.Environment + ", and had e0: " + startAnew},
		"other lines": {Interrupted, config, environment(), Mark{1, good.Config, good.Environment, "e0"}, "the checkpoint is another run's, or metrics.jsonl has changed since: its lines up to epoch 1 have SHA-256 " +
			good.Metrics + ", and e0 when the checkpoint was made: " + startOver},
	} {
		dir := t.TempDir()
		end(t, begin(t, dir, 2), c.status)
		before := mustRead(t, dir)
		_, err := Resume(dir, []byte(c.config), c.env, &c.mark)
		wantError(t, name, err, dir, "record: resume run in DIR: "+c.want)
		same(t, name+": the run left alone", mustRead(t, dir), before)
		if got, want := names(t, dir), "config.yaml environment.json metrics.jsonl summary.json"; got != want {
			t.Errorf("%s: the folder holds %s, want %s", name, got, want)
		}
	}
}

func TestResumeRefusesDamage(t *testing.T) {
	dir := t.TempDir()
	kill(t, begin(t, dir, 2))
	if err := os.WriteFile(filepath.Join(dir, metricsName), []byte("{\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	_, err := Resume(dir, []byte(config), environment(), markOf(t, dir, 1))
	wantError(t, "damage", err, dir, "record: resume run in DIR: DIR/metrics.jsonl, line 1: found the end inside a JSON value: remove the folder, and the run can start over")

	_, err = Resume(filepath.Join(dir, "none"), []byte(config), environment(), markOf(t, dir, 1))
	wantError(t, "nothing there", err, dir, "record: resume run: there is no run in DIR/none")
}

// A flipped bit in what environment.json says of the data is not blamed on the data.
func TestResumeBlamesTheDamagedFile(t *testing.T) {
	for _, c := range []struct{ is, flipped string }{{"ff00", "ff01"}, {`"t10k"`, `"t10j"`}, {`"gonum"`, `"gontm"`}, {`"mnist"`, `"mnisu"`}} {
		dir := t.TempDir()
		w := begin(t, dir, 2)
		mark := w.Mark()
		kill(t, w)
		path := filepath.Join(dir, environmentName)
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(strings.Replace(string(text), c.is, c.flipped, 1)), 0o644); err != nil {
			t.Fatal(err)
		}
		_, err = Resume(dir, []byte(config), environment(), &mark)
		want := fmt.Sprintf("record: resume run in %s: environment.json has changed since the checkpoint was made: ", dir)
		if err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s for %s: error is\n\t%v, want\n\t%s", c.flipped, c.is, err, want)
		}
	}
}

// A finished record of another configuration is not taken for the run's own.
func TestEnded(t *testing.T) {
	for _, status := range []Status{Finished, Diverged, Interrupted, Unfinished} {
		dir := t.TempDir()
		w := begin(t, dir, 2)
		if status == Unfinished {
			kill(t, w)
		} else {
			end(t, w, status)
		}
		s, err := Ended(dir, []byte(config))
		if err != nil || (s != nil) != status.Final() || s != nil && s.Status != status {
			t.Errorf("%s: %+v, %v", status, s, err)
		}
		s, err = Ended(dir, []byte("name: quickstart\nseed: 2\n"))
		if !status.Final() {
			if s != nil || err != nil { // Resume will refuse it
				t.Errorf("%s, another configuration: %+v, %v", status, s, err)
			}
			continue
		}
		wantError(t, string(status), err, dir, `record: resume run in DIR: it was begun with another configuration: config.yaml, line 2: found "seed: 1", want "seed: 2"`)
	}
}

// What a process that is killed after its run's end leaves goes, and what another
// one is at work on stays.
func TestTidy(t *testing.T) {
	dir := t.TempDir()
	w := begin(t, dir, 2)
	stray := filepath.Join(dir, ".accuracy.svg1234567890123456789")
	if err := os.WriteFile(stray, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := Tidy(dir); err != nil || !has(dir, filepath.Base(stray)) || !has(dir, lockName) {
		t.Errorf("%v, and there is %s: somebody is writing the run", err, names(t, dir))
	}
	kill(t, w)
	const want = "config.yaml environment.json metrics.jsonl"
	if err := Tidy(dir); err != nil || names(t, dir) != want {
		t.Errorf("%v, and there is %s, want %s", err, names(t, dir), want)
	}
	before, err := os.Stat(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := Tidy(dir); err != nil {
		t.Error(err)
	}
	if after, err := os.Stat(dir); err != nil || !after.ModTime().Equal(before.ModTime()) {
		t.Errorf("the folder without anything to remove was written to: %v", err)
	}
	wantError(t, "nothing there", Tidy(filepath.Join(dir, "none")), dir, "record: tidy up DIR/none: open DIR/none: no such file or directory")
}

// A lock that cannot be removed is no failure of a run that is complete.
func TestCloseWithALockThatStays(t *testing.T) {
	dir := t.TempDir()
	w := begin(t, dir, 2)
	if err := os.Remove(filepath.Join(dir, lockName)); err != nil { // so that it cannot be removed once more
		t.Fatal(err)
	}
	if err := w.Close(Outcome{Status: Finished}); err != nil {
		t.Error(err)
	}
	if s := mustRead(t, dir).Status(); s != Finished {
		t.Errorf("the run is %s", s)
	}
}

// Whatever a kill leaves of a resumption, another one goes on from.
func TestResumeInterruptedResume(t *testing.T) {
	dir := t.TempDir()
	end(t, begin(t, dir, 3), Interrupted)
	for _, state := range []func() error{
		func() error { return removeSummary(dir) },
		func() error { return os.WriteFile(filepath.Join(dir, ".metrics.jsonl1234567890"), []byte("{"), 0o644) },
		func() error {
			return os.WriteFile(filepath.Join(dir, ".checkpoint.safetensors7012345678901234567"), []byte("{"), 0o644)
		},
	} {
		if err := state(); err != nil {
			t.Fatal(err)
		}
		w, err := Resume(dir, []byte(config), environment(), markOf(t, dir, 2))
		if err != nil {
			t.Fatal(err)
		}
		kill(t, w)
	}
	if got, want := names(t, dir), "config.yaml environment.json lock metrics.jsonl"; got != want {
		t.Errorf("the folder holds %s, want %s", got, want)
	}
	same(t, "epochs", mustRead(t, dir).Epochs, epochs(3))
}

// A checkpoint's mark holds every byte of the lines that it goes on from, times
// and the line's end included: no flipped bit of them passes.
func TestMarkFindsEveryFlippedBit(t *testing.T) {
	dir := t.TempDir()
	w := begin(t, dir, 2)
	mark := w.Mark()
	if err := w.Epoch(epochs(3)[2]); err != nil {
		t.Fatal(err)
	}
	kill(t, w)
	same(t, "mark", mark, *markOf(t, dir, 1))
	run := mustRead(t, dir)
	whole := run.metrics
	kept, err := mark.kept(run)
	if err != nil {
		t.Fatal(err)
	}
	passed := 0
	for bit := range 8 * len(kept) {
		flipped := &Run{Dir: dir, Config: run.Config, Environment: run.Environment, metrics: slices.Clone(whole)}
		flipped.metrics[bit/8] ^= 1 << (bit % 8)
		if flipped.parseMetrics() != nil {
			continue
		}
		if _, err := mark.kept(flipped); err == nil {
			passed++
		}
	}
	if passed > 0 {
		t.Errorf("%d of %d flipped bits passed", passed, 8*len(kept))
	}
}
