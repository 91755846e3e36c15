//go:build unix

package data

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// The names are those that torchvision 0.20 and Kaggle's hojjatk/mnist-dataset and
// zalando-research/fashionmnist leave.
func TestLoadAsPeopleHaveThem(t *testing.T) {
	dotted := func(name string) string { return strings.Replace(name, "-idx", ".idx", 1) }
	for _, c := range []struct {
		set, folder string
		spell       func(name string) string
	}{
		{"mnist", "MNIST/raw", func(name string) string { return name }},
		{"mnist", "MNIST/raw", func(name string) string { return name + ".gz" }},
		{"mnist", "mnist", dotted},
		{"fashion-mnist", "FashionMNIST/raw", func(name string) string { return name + ".gz" }},
		{"fashion-mnist", "fashion-mnist", func(name string) string { return dotted(name) + ".gz" }},
	} {
		name := c.spell("t10k-labels-idx1-ubyte")
		t.Run(c.folder+" "+name, func(t *testing.T) {
			files := map[string][]byte{}
			for name, raw := range smallFiles() {
				if name = c.spell(name); strings.HasSuffix(name, ".gz") {
					raw = zipped(t, raw)
				}
				files[name] = raw
			}
			layOut(t, c.folder, files)
			set, err := Load(c.set, "data", 1)
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(set.Test.Labels, []uint8{1, 2}) || set.Files[3].Name != "t10k-labels-idx1-ubyte" {
				t.Errorf("labels are %v, files %v", set.Test.Labels, set.Files)
			}
		})
	}
}

// Kaggle's archive of MNIST has a folder beside each file, of the name that the
// file would have.
func TestLoadBesideFolders(t *testing.T) {
	layOut(t, "mnist", nil)
	for name, raw := range smallFiles() {
		if err := os.Mkdir("data/mnist/"+name, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile("data/mnist/"+strings.Replace(name, "-idx", ".idx", 1), raw, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := Load("mnist", "data", 1); err != nil {
		t.Error(err)
	}
}

// A set comes from one place, or pixels of one copy meet labels of another.
func TestLoadMixesNoPlaces(t *testing.T) {
	files := smallFiles()
	layOut(t, "MNIST/raw", files)
	if err := os.Mkdir("data/mnist", 0o755); err != nil {
		t.Fatal(err)
	}
	if _, err := Load("mnist", "data", 1); err != nil {
		t.Errorf("an empty folder counts: %v", err)
	}
	if err := os.Rename("data/MNIST/raw/t10k-labels-idx1-ubyte", "data/mnist/t10k-labels-idx1-ubyte"); err != nil {
		t.Fatal(err)
	}
	_, err := Load("mnist", "data", 1)
	want := `data: load set "mnist": data/mnist: found no train-images-idx3-ubyte, no train-labels-idx1-ubyte, no t10k-images-idx3-ubyte, ` +
		"want all of the set's files; get it with: bgmd data get mnist"
	if err == nil || err.Error() != want {
		t.Errorf("error is\n%v, want\n%s", err, want)
	}
}

// A read from a pipe would wait for ever, and one from a device never end.
func TestLoadRefusesPipesAndDevices(t *testing.T) {
	for _, c := range []struct{ set, file, what string }{
		{"mnist", "mnist/train-images-idx3-ubyte.gz", "a pipe"},
		{"mnist", "mnist/t10k-labels-idx1-ubyte", "a device"},
		{"cifar-10", "cifar-10-batches-bin/data_batch_3.bin", "a pipe"},
		{"cifar-10", "cifar-10-batches-bin/test_batch.bin", "a device"},
		{"cifar-10", "cifar-10-binary.tar.gz", "a pipe"},
		{"cifar-10", "cifar-10-batches-py/test_batch", "a pipe"},
		{"cifar-10", "cifar-10-python.tar.gz", "a device"},
	} {
		t.Run(c.file+" "+c.what, func(t *testing.T) {
			layOut(t, filepath.Dir(c.file), nil)
			path := filepath.Join("data", c.file)
			err := os.Symlink("/dev/zero", path)
			if c.what == "a pipe" {
				err = errors.Join(os.Remove(path), syscall.Mkfifo(path, 0o600))
			}
			if err != nil {
				t.Skip(err)
			}
			done := make(chan error)
			go func() {
				_, err := Load(c.set, "data", 1)
				done <- err
			}()
			select {
			case err := <-done:
				if want := fmt.Sprintf("%s: found an error: it is %s, want a regular file", path, c.what); err == nil || !strings.Contains(err.Error(), want) {
					t.Errorf("error is %v, want %s", err, want)
				}
			case <-time.After(10 * time.Second):
				t.Error("hangs")
			}
		})
	}
}
