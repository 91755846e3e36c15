package train

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bgmd/bgmd/pkg/checkpoint"
	"github.com/bgmd/bgmd/pkg/config"
	"github.com/bgmd/bgmd/pkg/data"
	"github.com/bgmd/bgmd/pkg/record"
)

// TestInitialParameters begins a run with the parameters that another ended with,
// stops it, takes the file away, and goes on.
func TestInitialParameters(t *testing.T) {
	c := tiny(t)
	dir := filepath.Join(t.TempDir(), "first")
	if _, err := Run(context.Background(), c, dir, Options{}); err != nil {
		t.Fatal(err)
	}
	first, err := record.Read(dir)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "trained.safetensors")
	if err := os.Rename(filepath.Join(dir, CheckpointName), file); err != nil {
		t.Fatal(err)
	}

	c.Seed, c.Model.Init = 2, file
	want := run(t, c)
	last := first.Epochs[len(first.Epochs)-1]
	if got := want.Epochs[0].TestLoss; got != last.TestLoss {
		t.Errorf("begins with a test loss of %v, want the %v that the other ended with", got, last.TestLoss)
	}
	env := want.Environment
	if env.Initial == nil || env.Initial.Name != "trained.safetensors" || len(env.Initial.MD5) != 32 {
		t.Errorf("the record has the file as %+v", env.Initial)
	}
	if got, want := len(env.DataFiles), len(first.Environment.DataFiles); got != want {
		t.Errorf("%d data files, want %d", got, want)
	}

	dir = filepath.Join(t.TempDir(), "stopped")
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	stop := 3 // of 4 steps
	if _, err := Run(ctx, c, dir, Options{Observe: func(p Progress) {
		if stop -= steps(p); stop == 0 {
			cancel()
		}
	}}); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	s, err := Run(context.Background(), c, dir, Options{Resume: true})
	if err != nil {
		t.Fatal(err)
	}
	if s.Digest != want.Summary.Digest {
		t.Errorf("digest after a stop is %s, undisturbed it is %s", s.Digest, want.Summary.Digest)
	}

	dir = filepath.Join(t.TempDir(), "missing")
	_, err = Run(context.Background(), c, dir, Options{})
	if key := (*config.KeyError)(nil); !errors.As(err, &key) || key.Path != "model.init" {
		t.Errorf("without the file: %v, want an error of model.init", err)
	}
	if _, err := os.Stat(dir); !os.IsNotExist(err) {
		t.Errorf("a run that cannot begin leaves %s: %v", dir, err)
	}
}

// TestInitialFiles begins with a checkpoint as PyTorch's DataParallel names its tensors,
// and refuses one of which a byte has changed.
func TestInitialFiles(t *testing.T) {
	c := tiny(t)
	first := filepath.Join(t.TempDir(), "first")
	if _, err := Run(context.Background(), c, first, Options{}); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(first, CheckpointName)
	tensors, _, err := checkpoint.ReadTensors(file)
	if err != nil {
		t.Fatal(err)
	}
	for i := range tensors {
		tensors[i].Name = "module." + tensors[i].Name
	}
	parallel := filepath.Join(t.TempDir(), "parallel.safetensors")
	if err := checkpoint.Save(parallel, tensors, nil); err != nil {
		t.Fatal(err)
	}
	c.Seed, c.Model.Init = 2, file
	want := run(t, c).Epochs[0].TestLoss
	c.Model.Init = parallel
	if got := run(t, c).Epochs[0].TestLoss; got != want {
		t.Errorf("with «module.» before the names it begins with a test loss of %v, want %v", got, want)
	}

	contents, err := os.ReadFile(parallel)
	if err != nil {
		t.Fatal(err)
	}
	contents[len(contents)-1] ^= 1
	if err := os.WriteFile(parallel, contents, 0o644); err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "damaged")
	_, err = Run(context.Background(), c, dir, Options{})
	if !errors.Is(err, data.ErrData) || !strings.Contains(err.Error(), "parallel.safetensors: contents are damaged: sha256 is ") {
		t.Errorf("error is %v, want damaged data", err)
	}
	if _, err := os.Stat(dir); !os.IsNotExist(err) {
		t.Errorf("a run that cannot begin leaves %s: %v", dir, err)
	}
}
