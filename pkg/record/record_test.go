package record

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

func TestRoundTrip(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "fmnist", "gm-seed-1")
	w := begin(t, dir, 4)
	if w.Dir() != dir {
		t.Errorf("Dir() is %s, want %s", w.Dir(), dir)
	}
	if got, want := names(t, dir), "config.yaml environment.json lock metrics.jsonl"; got != want {
		t.Errorf("a running run's folder holds %s, want %s", got, want)
	}
	if s := mustRead(t, dir).Status(); s != Unfinished {
		t.Errorf("a running run has status %q", s)
	}
	o := Outcome{Status: Finished, RealisedCorruption: Corruption{Feature: new(0.2), Gradient: new(0.0)}}
	if err := w.Close(o); err != nil {
		t.Fatal(err)
	}
	if got, want := names(t, dir), "config.yaml environment.json metrics.jsonl summary.json"; got != want {
		t.Errorf("a finished run's folder holds %s, want %s", got, want)
	}

	run := mustRead(t, dir)
	if run.Name() != "gm-seed-1" || run.Experiment() != "fmnist" || run.Status() != Finished {
		t.Errorf("name %q, experiment %q, status %q", run.Name(), run.Experiment(), run.Status())
	}
	if string(run.Config) != config {
		t.Errorf("config.yaml is %q", run.Config)
	}
	if !reflect.DeepEqual(run.Environment, environment()) || run.Sessions != nil {
		t.Errorf("environment is %+v, sessions %v", run.Environment, run.Sessions)
	}
	same(t, "epochs", run.Epochs, epochs(4))
	same(t, "the writer's epochs", w.Epochs(), epochs(4))
	seal := run.Summary.Seal
	run.Summary.Seal = nil
	same(t, "summary", run.Summary, Summary{
		Outcome:           o,
		FinalTestAccuracy: 90 - 10/Float(3),
		BestTestAccuracy:  90 - 10/Float(3),
		Epochs:            3,
		Seconds:           Seconds{1.5, 3, 0.75, 6, 0.375, 0.1875, 12},
		ConfigHash:        ConfigHash([]byte(config)),
		Digest:            Digest(epochs(4)),
	})
	if seal == nil || seal.Config != ConfigHash(run.Config) || seal.Metrics != sum(run.metrics) {
		t.Errorf("seal is %+v", seal)
	}
}

// The files' text is an interface too: other programs read it.
func TestText(t *testing.T) {
	dir := t.TempDir()
	w := begin(t, dir, 1)
	if err := w.Epoch(Epoch{
		Epoch: 1, Step: 2, LR: 0.05, TrainLoss: inf, TestLoss: nan, TestAccuracy: 9.8,
		AttackSuccess: new(Float(0)), GM: &GM{3, 2, 1, 1e-9}, Block: &Block{5, 0.5},
		Seconds: Seconds{1, 2, 3, 4, 5, 6, 21}, Elapsed: 21.5,
	}); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(Outcome{Status: Diverged, DivergedAtStep: 2}); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		metricsName: `{"epoch":0,"step":0,"lr":0.1,"train_loss":"NaN","test_loss":2.3,"test_accuracy":10}
{"epoch":1,"step":2,"lr":0.05,"train_loss":"Infinity","test_loss":"NaN","test_accuracy":9.8,"attack_success":0,"gm":{"iterations":3,"runs":2,"unconverged":1,"max_residual":1e-9},"block":{"size":5,"residual":0.5},"seconds":{"data":1,"gradient":2,"corrupt":3,"aggregate":4,"update":5,"evaluate":6,"total":21},"elapsed":21.5}
`,
		// The sums are those of sha256sum: of the two lines above up to and
		// without their seconds, of the configuration, and of the files; the
		// last, of this text with 64 zeros in its place.
		summaryName: `{
  "status": "diverged",
  "diverged_at_step": 2,
  "final_test_accuracy": 9.8,
  "best_test_accuracy": 10,
  "epochs": 1,
  "seconds": {
    "data": 1,
    "gradient": 2,
    "corrupt": 3,
    "aggregate": 4,
    "update": 5,
    "evaluate": 6,
    "total": 21
  },
  "config_hash": "e88bce4674874c6ae158ea6f85b317be161e794e08d3e1f053b658cfb34a9139",
  "digest": "017c9d850d617b0252f2c5466764e67318a7c86684dc91970fedc727d91cd777",
  "sha256": {
    "config.yaml": "e88bce4674874c6ae158ea6f85b317be161e794e08d3e1f053b658cfb34a9139",
    "environment.json": "45db48ebc6c880d5bd8c7d4a1d33ed686c51728e2bb272de69a8d6931b106174",
    "metrics.jsonl": "0853956959151215b625dbf59c25f34f73050e2b339fb4e73091f2f661a51803",
    "summary.json": "78e42dc3d47d8e8d886ca2ccc0d95a2381903b206a79163d48b1f3cc17e57451"
  }
}
`,
	} {
		got, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if string(got) != want {
			t.Errorf("%s is\n%s, want\n%s", name, got, want)
		}
	}
	mustRead(t, dir)
}

func TestWriterKeepsNothingOfTheCallers(t *testing.T) {
	dir := t.TempDir()
	w := begin(t, dir, 1)
	e := epochs(2)[1]
	if err := w.Epoch(e); err != nil {
		t.Fatal(err)
	}
	e.GM.Runs = 0 // a training loop may well use the value again
	*e.AttackSuccess = 50
	end(t, w, Finished)
	same(t, "epochs", mustRead(t, dir).Epochs, epochs(2))
}

func TestFloat(t *testing.T) {
	for _, c := range []struct {
		f    Float
		text string
	}{
		{0, "0"}, {0.1, "0.1"}, {1e-7, "1e-7"}, {math.MaxFloat64, "1.7976931348623157e+308"},
		{Float(math.Copysign(0, -1)), "-0"}, {nan, `"NaN"`}, {inf, `"Infinity"`}, {-inf, `"-Infinity"`},
	} {
		text, err := json.Marshal(c.f)
		if err != nil || string(text) != c.text {
			t.Errorf("%v encodes to %s, %v, want %s", c.f, text, err, c.text)
		}
		var back Float
		if err := json.Unmarshal(text, &back); err != nil {
			t.Errorf("%s: %v", text, err)
		}
		if got, want := math.Float64bits(float64(back)), math.Float64bits(float64(c.f)); got != want && !(c.f != c.f && back != back) {
			t.Errorf("%s reads back as %v", text, back)
		}
	}
	for _, text := range []string{"null", `"nan"`, `"1"`, "true", "[]", "1e999"} {
		var f Float
		want := "found " + text + `, want a number, "NaN", "Infinity" or "-Infinity"`
		if err := json.Unmarshal([]byte(text), &f); err == nil || err.Error() != want {
			t.Errorf("%s: error is %v, want %s", text, err, want)
		}
	}
}

func TestDigest(t *testing.T) {
	base := Digest(epochs(5))
	change := func(f func(e *Epoch)) string {
		all := epochs(5)
		f(&all[3])
		return Digest(all)
	}
	if d := change(func(e *Epoch) { e.Seconds, e.Elapsed = Seconds{Total: 99}, 1000 }); d != base {
		t.Error("other times give another digest")
	}
	seen := map[string]string{base: "the base"}
	for name, d := range map[string]string{
		"accuracy":    change(func(e *Epoch) { e.TestAccuracy += 1e-12 }),
		"train loss":  change(func(e *Epoch) { e.TrainLoss = nan }),
		"infinite":    change(func(e *Epoch) { e.TrainLoss = inf }),
		"attack":      change(func(e *Epoch) { e.AttackSuccess = nil }),
		"gm":          change(func(e *Epoch) { e.GM.Iterations++ }),
		"block":       change(func(e *Epoch) { e.Block = nil }),
		"fewer":       Digest(epochs(4)),
		"none":        Digest(nil),
		"other order": Digest([]Epoch{epochs(2)[1], epochs(2)[0]}),
		"order":       Digest(epochs(2)),
	} {
		if other, ok := seen[d]; ok {
			t.Errorf("%s gives the digest of %s", name, other)
		}
		seen[d] = name
	}
}

func TestReadAll(t *testing.T) {
	root := t.TempDir()
	for _, name := range []string{"b/2", "a/1", "a/3"} {
		w := begin(t, filepath.Join(root, name), 2)
		end(t, w, Finished)
	}
	kill(t, begin(t, filepath.Join(root, "a", "2"), 2))
	begun := filepath.Join(root, "a", "broken")
	for path, text := range map[string]string{
		filepath.Join(root, "config.yaml"):      "a user's own",
		filepath.Join(root, "a", "3", "x", "y"): "below a run's folder",
		filepath.Join(begun, summaryName):       "{}",
	} {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	runs, err := ReadAll(root)
	var found []string
	for _, r := range runs {
		found = append(found, r.Experiment()+"/"+r.Name()+" "+string(r.Status()))
	}
	if got, want := strings.Join(found, ", "), "a/1 finished, a/2 unfinished, a/3 finished, b/2 finished"; got != want {
		t.Errorf("found %s, want %s", got, want)
	}
	wantError(t, "a broken run", err, begun, `record: DIR/summary.json: key "best_test_accuracy" is missing`)

	if runs, err := ReadAll(filepath.Join(root, "a", "3", "x")); len(runs) != 0 || err != nil {
		t.Errorf("a folder without runs gives %v, %v", runs, err)
	}
	if _, err := ReadAll(filepath.Join(root, "none")); err == nil || !strings.HasPrefix(err.Error(), "record: search "+root) {
		t.Errorf("a missing root: error is %v", err)
	}
}

func TestHere(t *testing.T) {
	env := Here()
	if env.Version == "" || env.Go == "" || env.OS == "" || env.Arch == "" || env.Cores < 1 || env.Start.IsZero() {
		t.Errorf("incomplete: %+v", env)
	}
	path := filepath.Join(t.TempDir(), "cpuinfo")
	if err := os.WriteFile(path, []byte("processor\t: 0\nmodel\t\t: 143\nmodel name\t: Made-up CPU: 3 GHz\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if got, want := cpuModel(path), "Made-up CPU: 3 GHz"; got != want {
		t.Errorf("model is %q, want %q", got, want)
	}
	if got := cpuModel(os.DevNull); got != "" {
		t.Errorf("model of an empty file is %q", got)
	}
	if got := cpuModel(path + "x"); got != "" {
		t.Errorf("model of a missing file is %q", got)
	}
}
