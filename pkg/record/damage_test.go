package record

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Each case changes one file of a finished run of 3 epochs: the first
// occurrence of old becomes new, or without old the whole file.
var damages = []struct {
	name, file, old, new string
	want                 string // DIR is the run's folder
}{
	{"changed config", configName, "seed: 1", "seed: 2",
		"record: DIR/summary.json: config_hash is " + ConfigHash([]byte(config)) + ", but config.yaml and metrics.jsonl give " + ConfigHash([]byte("name: quickstart\nseed: 2\n"))},

	{"empty environment", environmentName, "", "", "record: DIR/environment.json: found the end inside a JSON value"},
	{"half an environment", environmentName, "", `{"version": "v1`, "record: DIR/environment.json: found the end inside a JSON value"},
	{"unknown key", environmentName, `"cores"`, `"kernels"`, `record: DIR/environment.json: json: unknown field "kernels"`},
	{"missing key", environmentName, `"cores": 2,`, ``, `record: DIR/environment.json: key "cores" is missing`},
	{"missing key of a file", environmentName, `"md5": "00ff",`, ``, `record: DIR/environment.json: key "data_files.0.md5" is missing`},
	{"wrong type", environmentName, `"cores": 2`, `"cores": "2"`, `record: DIR/environment.json: key "cores": found a string, want int`},
	{"no JSON", environmentName, `"cores": 2`, `"cores"= 2`, "record: DIR/environment.json: byte 152: invalid character '=' after object key"},
	{"two values", environmentName, "{", "{} {", `record: DIR/environment.json: found more after the JSON value, which ends at byte 4`},

	{"unknown status", summaryName, `"finished"`, `"running"`,
		`record: DIR/summary.json: status is "running", want one of ["finished" "diverged" "interrupted" "failed"]`},
	{"unfinished status", summaryName, `"finished"`, `"unfinished"`,
		`record: DIR/summary.json: status is "unfinished", want one of ["finished" "diverged" "interrupted" "failed"]`},
	{"diverged nowhere", summaryName, `"finished"`, `"diverged"`,
		`record: DIR/summary.json: diverged_at_step is 0 in a run with status "diverged", want a step of at least 1 if it diverged, else 0`},
	{"failed silently", summaryName, `"finished"`, `"failed"`,
		`record: DIR/summary.json: error is "" in a run with status "failed", want a text if it failed, else none`},
	{"finished with an error", summaryName, `"finished"`, `"finished", "error": "x"`,
		`record: DIR/summary.json: error is "x" in a run with status "finished", want a text if it failed, else none`},
	{"impossible fraction", summaryName, `"finished"`, `"finished", "realised_corruption": {"label": 20}`,
		`record: DIR/summary.json: realised_corruption holds 20, want fractions in [0, 1]`},
	{"missing seconds", summaryName, `"total"`, `"Total"`, `record: DIR/summary.json: key "seconds.total" is missing`},
	{"wrong accuracy", summaryName, `"final_test_accuracy": 85`, `"final_test_accuracy": 95`,
		`record: DIR/summary.json: final_test_accuracy is 95, but config.yaml and metrics.jsonl give 85`},
	{"wrong digest", summaryName, `"digest": "`, `"digest": "0`,
		`record: DIR/summary.json: digest is 0` + Digest(epochs(3)) + `, but config.yaml and metrics.jsonl give ` + Digest(epochs(3))},

	{"no metrics", metricsName, "", "", "record: DIR/summary.json: epochs is 2, but config.yaml and metrics.jsonl give 0"},
	{"edited metrics", metricsName, `"test_loss":1.5`, `"test_loss":1.4`,
		`record: DIR/summary.json: digest is ` + Digest(epochs(3)) + `, but config.yaml and metrics.jsonl give EDITED`},
	{"empty line", metricsName, "{", "\n{", "record: DIR/metrics.jsonl, line 1: found the end inside a JSON value"},
	{"half a line in the middle", metricsName, `,"test_accuracy":10}`, "", "record: DIR/metrics.jsonl, line 1: found the end inside a JSON value"},
	{"joined lines", metricsName, "}\n", "}", "record: DIR/metrics.jsonl, line 1: found more after the JSON value, which ends at byte 84"},
	{"unknown measure", metricsName, `"lr"`, `"gamma":1,"lr"`, `record: DIR/metrics.jsonl, line 1: json: unknown field "gamma"`},
	{"missing measure", metricsName, `"lr":0.1,`, ``, `record: DIR/metrics.jsonl, line 1: key "lr" is missing`},
	{"missing inner key", metricsName, `"runs":117,`, ``, `record: DIR/metrics.jsonl, line 2: key "gm.runs" is missing`},
	{"text for a number", metricsName, `"total":4`, `"total":"4"`, `record: DIR/metrics.jsonl, line 2: key "total": found a string, want float64`},
	{"null", metricsName, `"lr":0.1`, `"lr":null`, `record: DIR/metrics.jsonl, line 1: found null, want a number, "NaN", "Infinity" or "-Infinity"`},
	{"missing epoch", metricsName, `{"epoch":1,`, `{"epoch":2,`, "record: DIR/metrics.jsonl, line 2: found epoch 2, want 1"},
	{"steps run back", metricsName, `"step":234`, `"step":116`, "record: DIR/metrics.jsonl, line 3: step is 116, want at least 117, that of the epoch before"},
	{"time runs back", metricsName, `"elapsed":9`, `"elapsed":4`, "record: DIR/metrics.jsonl, line 3: elapsed is 4, want a time of at least 4.5, that of the epoch before"},
	{"impossible accuracy", metricsName, `"test_accuracy":85`, `"test_accuracy":185`,
		"record: DIR/metrics.jsonl, line 3: test_accuracy is 185, want a percentage in [0, 100] or NaN"},
	{"impossible attack", metricsName, `"attack_success":3`, `"attack_success":-3`,
		"record: DIR/metrics.jsonl, line 2: attack_success is -3, want a percentage in [0, 100] or NaN"},
	{"negative time", metricsName, `"gradient":1`, `"gradient":-1`, "record: DIR/metrics.jsonl, line 2: seconds hold -1, want finite times of at least 0"},
}

func TestReadRefusesDamage(t *testing.T) {
	for _, c := range damages {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel() // most of the time goes to waiting for the disk
			dir := t.TempDir()
			end(t, begin(t, dir, 3), Finished)
			path := filepath.Join(dir, c.file)
			data, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			text := c.new
			if c.old != "" {
				if !strings.Contains(string(data), c.old) {
					t.Fatalf("%s does not contain %s", c.file, c.old)
				}
				text = strings.Replace(string(data), c.old, c.new, 1)
			}
			if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
			edited := epochs(3)
			edited[1].TestLoss = 1.4
			_, err = Read(dir)
			wantError(t, c.name, err, dir, strings.ReplaceAll(c.want, "EDITED", Digest(edited)))
		})
	}
}

func TestReadNamesMissingFiles(t *testing.T) {
	for _, name := range []string{configName, environmentName, metricsName} {
		dir := t.TempDir()
		end(t, begin(t, dir, 2), Finished)
		if err := os.Remove(filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
		_, err := Read(dir)
		wantError(t, name, err, dir, "record: open DIR/"+name+": no such file or directory")
	}
}

// A copy made while the run went on may end anywhere in the last line.
func TestLastLineCutAnywhere(t *testing.T) {
	dir := t.TempDir()
	kill(t, begin(t, dir, 3))
	path := filepath.Join(dir, metricsName)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	start := strings.LastIndex(strings.TrimSuffix(string(whole), "\n"), "\n") + 1
	for length := start; length <= len(whole); length++ {
		if err := os.WriteFile(path, whole[:length], 0o644); err != nil {
			t.Fatal(err)
		}
		want := 2
		if length == len(whole) {
			want = 3
		}
		run, err := Read(dir)
		if err != nil {
			t.Fatalf("cut to %d bytes: %v", length, err)
		}
		same(t, fmt.Sprintf("cut to %d bytes", length), run.Epochs, epochs(want))
	}

	// With a summary the run has ended, and nothing is forgiven.
	if err := os.WriteFile(path, whole, 0o644); err != nil {
		t.Fatal(err)
	}
	w, err := Resume(dir, []byte(config), environment(), markOf(t, dir, 2))
	if err != nil {
		t.Fatal(err)
	}
	end(t, w, Interrupted)
	for length := start + 1; length < len(whole); length++ {
		if err := os.WriteFile(path, whole[:length], 0o644); err != nil {
			t.Fatal(err)
		}
		_, err := Read(dir)
		wantError(t, "an ended run", err, dir,
			fmt.Sprintf("record: DIR/metrics.jsonl, line 3: found %d bytes without a newline at the end, want a whole line", length-start))
	}
}

// A clone by git with core.autocrlf=true has other line endings.
func TestLineEndings(t *testing.T) {
	dir := t.TempDir()
	end(t, begin(t, filepath.Join(dir, "run"), 2), Finished)
	path := filepath.Join(dir, "run", configName)
	if err := os.WriteFile(path, []byte(strings.ReplaceAll(config, "\n", "\r\n")), 0o644); err != nil {
		t.Fatal(err)
	}
	_, err := Read(filepath.Join(dir, "run"))
	wantError(t, "CR LF", err, dir, "record: DIR/run/config.yaml: its line endings are CR LF and were LF, which changes its sum: "+
		"git does that with core.autocrlf=true; clone with core.autocrlf=false")
	if err := os.WriteFile(path, []byte("name: other\r\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Read(filepath.Join(dir, "run")); err == nil || !strings.Contains(err.Error(), "config_hash is ") {
		t.Errorf("another text with CR LF: %v", err)
	}
}

// TestCloneKeepsLineEndings clones a repository with this one's .gitattributes
// and a record as Git for Windows does by default.
func TestCloneKeepsLineEndings(t *testing.T) {
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip("no git")
	}
	attributes, err := os.ReadFile("../../.gitattributes")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	repository, clone := filepath.Join(dir, "repository"), filepath.Join(dir, "clone")
	end(t, begin(t, filepath.Join(repository, "run"), 2), Finished)
	if err := os.WriteFile(filepath.Join(repository, ".gitattributes"), attributes, 0o644); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{
		{"init", "-q", repository},
		{"-C", repository, "add", "."},
		{"-C", repository, "-c", "user.name=a", "-c", "user.email=a@b", "commit", "-q", "-m", "a record"},
		{"clone", "-q", "-c", "core.autocrlf=true", repository, clone},
	} {
		if text, err := exec.Command("git", args...).CombinedOutput(); err != nil {
			t.Fatalf("git %q: %v\n%s", args, err, text)
		}
	}
	if _, err := Read(filepath.Join(clone, "run")); err != nil {
		t.Error(err)
	}
}
