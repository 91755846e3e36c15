package train

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/binary"
	"errors"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/bgmd/bgmd/internal/racing"
	"github.com/bgmd/bgmd/pkg/config"
	"github.com/bgmd/bgmd/pkg/data"
	"github.com/bgmd/bgmd/pkg/record"
)

// tiny is a config of a few steps an epoch on a set of a few images in dir.
func tiny(t *testing.T) config.Config {
	t.Helper()
	dir := t.TempDir()
	writeSet(t, filepath.Join(dir, "mnist"))
	c := config.Defaults()
	c.Name, c.Epochs, c.Workers = "tiny", 2, 2
	c.Data.Set, c.Data.Dir, c.Data.Clients, c.Data.Batch = "mnist", dir, 3, 4
	return c
}

// writeSet writes IDX files of 24 training and 3 test images, each with a bright
// bar whose place tells the class.
func writeSet(t *testing.T, dir string) {
	t.Helper()
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(1, 2))
	for _, part := range []string{"train", "t10k"} {
		n := 24
		if part == "t10k" {
			n = 3
		}
		images := binary.BigEndian.AppendUint32(nil, 0x803)
		for _, v := range []int{n, 28, 28} {
			images = binary.BigEndian.AppendUint32(images, uint32(v))
		}
		labels := binary.BigEndian.AppendUint32(nil, 0x801)
		labels = binary.BigEndian.AppendUint32(labels, uint32(n))
		for i := range n {
			labels = append(labels, byte(i%10))
			for y := range 28 {
				for range 28 {
					v := byte(rng.IntN(60))
					if y/3 == i%10 {
						v += 190
					}
					images = append(images, v)
				}
			}
		}
		writeGzip(t, filepath.Join(dir, part+"-images-idx3-ubyte.gz"), images)
		writeGzip(t, filepath.Join(dir, part+"-labels-idx1-ubyte.gz"), labels)
	}
}

func writeGzip(t *testing.T, path string, b []byte) {
	t.Helper()
	var buf bytes.Buffer
	w := gzip.NewWriter(&buf)
	if _, err := w.Write(b); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, buf.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
}

// run trains in a fresh folder and returns the record.
func run(t *testing.T, c config.Config) *record.Run {
	t.Helper()
	return runOn(t, c, "")
}

// runOn is run on the named device.
func runOn(t *testing.T, c config.Config, device string) *record.Run {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "run")
	if _, err := Run(context.Background(), c, dir, Options{Device: device}); err != nil {
		t.Fatal(err)
	}
	r, err := record.Read(dir)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// cases has a config for everything a step can do differently.
func cases() map[string]func(*config.Config) {
	return map[string]func(*config.Config){
		"mean": func(*config.Config) {},
		"additive gradients, cm": func(c *config.Config) {
			c.Aggregator.Rule = "cm"
			c.Corruption.Gradient.Kind, c.Corruption.Gradient.Fraction = "additive", 0.4
		},
		"bit flip, gm": func(c *config.Config) {
			c.Aggregator.Rule = "gm"
			c.Corruption.Gradient.Kind, c.Corruption.Gradient.Fraction = "bitflip", 0.4
		},
		"impulse noise, block with averaged memory": func(c *config.Config) {
			c.Aggregator.Rule, c.Aggregator.Block.Fraction = "gm", 0.1
			c.Corruption.Feature.Kind, c.Corruption.Feature.Fraction = "impulse", 0.4
		},
		"feature noise, random block, gm-weighted memory": func(c *config.Config) {
			c.Aggregator.Rule, c.Aggregator.Block.Fraction = "gm", 0.1
			c.Aggregator.Block.Select, c.Aggregator.Block.Memory = "random", "gm-weighted"
			c.Corruption.Feature.Kind, c.Corruption.Feature.Fraction = "additive", 0.4
		},
		"backdoor, memory a client": func(c *config.Config) {
			c.Aggregator.Rule, c.Aggregator.Block.Fraction, c.Aggregator.Block.Memory = "gm", 0.1, "client"
			c.Corruption.Label.Kind, c.Corruption.Label.Fraction = "backdoor", 0.4
		},
		"random signs, gm": func(c *config.Config) {
			c.Aggregator.Rule = "gm"
			c.Corruption.Gradient.Kind, c.Corruption.Gradient.Fraction = "random-sign-flip", 0.4
		},
		"a little, cm": func(c *config.Config) {
			c.Aggregator.Rule = "cm"
			c.Corruption.Gradient.Kind, c.Corruption.Gradient.Fraction, c.Corruption.Gradient.Z = "alie", 0.4, 1.5
		},
		"resnet18, noise": func(c *config.Config) {
			c.Model.Name = "resnet18"
			c.Corruption.Feature.Kind, c.Corruption.Feature.Fraction = "additive", 0.4
		},
		"mimicry": func(c *config.Config) {
			c.Corruption.Gradient.Kind, c.Corruption.Gradient.Fraction = "mimic", 0.4
		},
		"shards, crops and flips": func(c *config.Config) {
			c.Data.Partition, c.Data.Shards, c.Data.Crop, c.Data.Flip = "shards", 2, 4, true
			c.Corruption.Feature.Kind, c.Corruption.Feature.Fraction = "impulse", 0.4
		},
		"dirichlet, crops": func(c *config.Config) {
			c.Data.Partition, c.Data.Alpha, c.Data.Crop = "dirichlet", 2, 1
		},
		"adam, warm-up": func(c *config.Config) {
			c.Optimizer.Kind, c.Optimizer.LR, c.Schedule.Warmup = "adam", 1e-3, 1
		},
		"authors' code": func(c *config.Config) {
			authors, _ := config.Profile("author-code", "")
			authors.Name, authors.Epochs, authors.Workers, authors.Data = c.Name, c.Epochs, c.Workers, c.Data
			*c = authors
			c.Data.Partition = "pooled"
			c.Aggregator.Rule = "gm"
			c.Corruption.Gradient.Kind, c.Corruption.Gradient.Fraction = "additive", 0.4
			c.Corruption.Label.Kind, c.Corruption.Label.Fraction = "backdoor", 0.3
		},
	}
}

// TestResume stops a run in the middle of an epoch and goes on with it, with
// other numbers of workers before and after: it must end as a run with one
// worker that nothing disturbed.
func TestResume(t *testing.T) {
	for name, change := range cases() {
		t.Run(name, func(t *testing.T) {
			c := tiny(t)
			change(&c)
			if (testing.Short() || racing.Enabled) && c.Model.Name == "resnet18" {
				t.Skip("large under the race detector")
			}
			c.Workers = 1
			want := run(t, c).Summary
			resumed := stopAndResume(t, c, 3) // of 4 steps, 2 an epoch
			if resumed.Digest != want.Digest {
				t.Errorf("digest is %s, undisturbed it is %s", resumed.Digest, want.Digest)
			}
			if got, want := resumed.RealisedCorruption, want.RealisedCorruption; !reflect.DeepEqual(got, want) {
				t.Errorf("realised corruption is %v, undisturbed it is %v", got, want)
			}
		})
	}
}

func TestResumeBeforeTheFirstEpoch(t *testing.T) {
	c := tiny(t)
	want := run(t, c).Summary.Digest
	if got := stopAndResume(t, c, 1).Digest; got != want {
		t.Errorf("digest is %s, undisturbed it is %s", got, want)
	}
}

// stopAndResume runs c with 2 workers up to the given step and on with 3.
func stopAndResume(t *testing.T, c config.Config, stop int) *record.Summary {
	t.Helper()
	c.Workers = 2
	dir := interruptedAt(t, c, stop)
	c.Workers = 3
	s, err := Run(context.Background(), c, dir, Options{Resume: true})
	if err != nil {
		t.Fatal(err)
	}
	if s.Status != record.Finished {
		t.Errorf("status of the resumed run is %q", s.Status)
	}
	return s
}

// steps is 1 for the report of a step and 0 for that of an epoch.
func steps(p Progress) int {
	if p.Done != nil {
		return 0
	}
	return 1
}

func TestSeedDecides(t *testing.T) {
	c := tiny(t)
	first := run(t, c).Summary
	c.Seed++
	if other := run(t, c).Summary; other.Digest == first.Digest {
		t.Error("another seed gave the same digest")
	}
}

func TestDivergenceIsAnOutcome(t *testing.T) {
	c := tiny(t)
	c.Optimizer.LR, c.Epochs, c.DivergedAt = 1e6, 5, "step"
	r := run(t, c)
	if s := r.Summary; s.Status != record.Diverged || s.DivergedAtStep < 2 {
		t.Errorf("status is %q at step %d, want diverged after the first step", s.Status, s.DivergedAtStep)
	}
	if last := r.Epochs[len(r.Epochs)-1]; !math.IsNaN(float64(last.TrainLoss)) {
		t.Errorf("training loss of the epoch that diverged is %v, want NaN", last.TrainLoss)
	}
	if s, err := Run(context.Background(), c, r.Dir, Options{Resume: true}); err != nil || s.Status != record.Diverged {
		t.Errorf("resumed, the run is %+v, %v, want diverged as it is", s, err)
	}
}

// TestWhoseLossDiverges: the loss of a step passes a bound that the test set's is
// below at every epoch's end.
func TestWhoseLossDiverges(t *testing.T) {
	c := tiny(t)
	c.Optimizer.LR, c.Epochs = 0.1, 3
	highest := 0.0
	dir := filepath.Join(t.TempDir(), "run")
	if _, err := Run(context.Background(), c, dir, Options{Observe: func(p Progress) {
		if p.Done == nil {
			highest = max(highest, p.Loss)
		}
	}}); err != nil {
		t.Fatal(err)
	}
	r, err := record.Read(dir)
	if err != nil {
		t.Fatal(err)
	}
	lowest := 0.0
	for _, e := range r.Epochs {
		lowest = max(lowest, float64(e.TestLoss))
	}
	if !(lowest < highest) {
		t.Fatalf("no bound between a test loss of %v and a training loss of %v", lowest, highest)
	}
	c.DivergedLoss = (lowest + highest) / 2
	for at, want := range map[string]record.Status{"epoch": record.Finished, "step": record.Diverged} {
		c.DivergedAt = at
		if got := run(t, c).Summary; got.Status != want {
			t.Errorf("diverged_at %s: %s, %s, want %s", at, got.Status, got.Reason, want)
		}
	}
}

// TestDroppedRowsAreRecorded: of 3 clients one sends what is not finite, in each of
// 2 steps.
func TestDroppedRowsAreRecorded(t *testing.T) {
	c := tiny(t)
	c.Epochs = 1
	c.Corruption.Gradient.Kind, c.Corruption.Gradient.Fraction = "not-finite", 0.34
	if got := run(t, c).Summary; got.Status != record.Diverged {
		t.Errorf("with such rows refused, the run is %s, want diverged", got.Status)
	}
	c.Aggregator.NonFinite = "drop"
	r := run(t, c)
	if got := r.Epochs[1].Dropped; r.Summary.Status != record.Finished || got != 2 {
		t.Errorf("%s, %d rows dropped, want finished and 2", r.Summary.Status, got)
	}
}

// TestLastStepDiverges: no step comes after it that would notice.
func TestLastStepDiverges(t *testing.T) {
	c := tiny(t)
	c.Optimizer.LR, c.Epochs, c.Data.Clients, c.Data.Batch = 1e30, 1, 1, 24
	s := run(t, c).Summary
	if s.Status != record.Diverged || s.DivergedAtStep != 1 || s.Epochs != 1 || !strings.HasPrefix(s.Reason, "the test loss is ") {
		t.Errorf("summary is %+v", s)
	}
}

func TestARecordIsNotOverwritten(t *testing.T) {
	c := tiny(t)
	c.Epochs = 1
	r := run(t, c)
	_, err := Run(context.Background(), c, r.Dir, Options{})
	if exists := (*record.ExistsError)(nil); !errors.As(err, &exists) {
		t.Errorf("error is %v, want a record.ExistsError", err)
	}
	before := readFiles(t, r.Dir)
	c.Data.Dir = t.TempDir() // where there is none: nothing is to be trained
	s, err := Run(context.Background(), c, r.Dir, Options{Resume: true})
	if err != nil || s.Status != record.Finished {
		t.Errorf("resumed, a finished run is %+v, %v", s, err)
	}
	if after := readFiles(t, r.Dir); !reflect.DeepEqual(after, before) {
		t.Error("resumed, a finished run has changed")
	}
	c.Optimizer.LR /= 2
	_, err = Run(context.Background(), c, r.Dir, Options{Resume: true})
	if err == nil || !strings.Contains(err.Error(), "it was begun with another configuration: config.yaml, line ") {
		t.Errorf("with another configuration the error is %v", err)
	}
}

func TestResumeWithAnotherConfigIsRefused(t *testing.T) {
	c := tiny(t)
	dir := interruptedAt(t, c, 1)
	c.Optimizer.LR /= 2
	_, err := Run(context.Background(), c, dir, Options{Resume: true})
	if err == nil || !strings.Contains(err.Error(), "begun with another configuration") {
		t.Errorf("error is %v", err)
	}
}

// interruptedAt begins a run, stops it at the given step and returns its folder.
func interruptedAt(t *testing.T, c config.Config, stop int) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "run")
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	s, err := Run(ctx, c, dir, Options{Observe: func(p Progress) {
		if stop -= steps(p); stop == 0 {
			cancel()
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	if s.Status != record.Interrupted {
		t.Fatalf("status of the stopped run is %q", s.Status)
	}
	return dir
}

func TestMissingDataIsNamed(t *testing.T) {
	c := tiny(t)
	c.Data.Dir = t.TempDir()
	dir := filepath.Join(t.TempDir(), "run")
	if _, err := Run(context.Background(), c, dir, Options{}); !errors.Is(err, data.ErrData) {
		t.Errorf("error is %v, want data.ErrData", err)
	}
	if _, err := os.Stat(dir); !os.IsNotExist(err) {
		t.Error("the run's folder was made")
	}
}

func TestBackdoorToNoClass(t *testing.T) {
	c := tiny(t)
	c.Corruption.Label.Kind, c.Corruption.Label.Target = "backdoor", 10
	_, err := Run(context.Background(), c, filepath.Join(t.TempDir(), "run"), Options{})
	if want := "corruption.label.target is 10, want below 10, the classes of mnist"; err == nil || err.Error() != want {
		t.Errorf("error is %v, want %q", err, want)
	}
}

func TestCropBeyondTheImage(t *testing.T) {
	c := tiny(t)
	c.Data.Crop = 28
	_, err := Run(context.Background(), c, filepath.Join(t.TempDir(), "run"), Options{})
	if want := "data.crop is 28, want below 28, the side of mnist's images"; err == nil || err.Error() != want {
		t.Errorf("error is %v, want %q", err, want)
	}
}

func TestMeasure(t *testing.T) {
	c := tiny(t)
	cost, err := Measure(t.Context(), c, "")
	if err != nil {
		t.Fatal(err)
	}
	if cost.Step <= 0 || cost.Evaluation <= 0 || cost.Steps != 2 { // 24 images, 3 clients × 4
		t.Errorf("measured %+v", cost)
	}
	if got, want := cost.Epochs(3), 3*(2*cost.Step+cost.Evaluation); got != want {
		t.Errorf("three epochs take %v, want %v", got, want)
	}
	c.Optimizer.LR = 1e30 // the second step cannot be taken
	if _, err := Measure(t.Context(), c, ""); err != nil {
		t.Error(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Measure(ctx, c, ""); !errors.Is(err, context.Canceled) {
		t.Errorf("error is %v, want %v", err, context.Canceled)
	}
}
