package data

import (
	"crypto/md5"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// smallFiles are the four files of a set of three training and two test
// images, without .gz.
func smallFiles() map[string][]byte {
	return map[string][]byte{
		"train-images-idx3-ubyte": imageBytes(3, 10),
		"train-labels-idx1-ubyte": labelBytes(9, 0, 8),
		"t10k-images-idx3-ubyte":  imageBytes(2, 200),
		"t10k-labels-idx1-ubyte":  labelBytes(1, 2),
	}
}

// layOut writes files into a data folder's subfolder and moves to the data
// folder's parent, so that it is "data" and messages do not depend on where
// tests run.
func layOut(t *testing.T, folder string, files map[string][]byte) {
	t.Helper()
	t.Chdir(t.TempDir())
	if err := os.MkdirAll(filepath.Join("data", folder), 0o755); err != nil {
		t.Fatal(err)
	}
	for name, content := range files {
		if err := os.WriteFile(filepath.Join("data", folder, name), content, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func TestLoadFiles(t *testing.T) {
	for _, c := range []struct {
		name, folder string
		mean, std    float32
		class8       string
	}{
		{"fashion-mnist", "fashion-mnist", 0.2860, 0.3530, "bag"},
		{"mnist", "mnist", 0.1307, 0.3081, "8"},
	} {
		t.Run(c.name, func(t *testing.T) {
			files := smallFiles()
			files["train-images-idx3-ubyte.gz"] = zipped(t, files["train-images-idx3-ubyte"])
			delete(files, "train-images-idx3-ubyte")
			layOut(t, c.folder, files)
			set, err := Load(c.name, "data", 1)
			if err != nil {
				t.Fatal(err)
			}
			if set.Name != c.name || set.Shape != (Shape{1, 28, 28}) || set.Classes != 10 ||
				len(set.ClassNames) != 10 || set.ClassNames[8] != c.class8 ||
				!slices.Equal(set.Mean, []float32{c.mean}) || !slices.Equal(set.Std, []float32{c.std}) {
				t.Errorf("set is %s %v, %d classes %q, mean %v, deviation %v",
					set.Name, set.Shape, set.Classes, set.ClassNames, set.Mean, set.Std)
			}
			if !slices.Equal(set.Train.Labels, []uint8{9, 0, 8}) || !slices.Equal(set.Test.Labels, []uint8{1, 2}) {
				t.Errorf("labels are %v and %v, want [9 0 8] and [1 2]", set.Train.Labels, set.Test.Labels)
			}
			if set.Train.Len() != 3 || len(set.Train.Pixels) != 3*784 || set.Train.Pixels[784] != 11 || set.Test.Pixels[783] != 200 {
				t.Errorf("pixels are not those of the files")
			}
			names := []string{"train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"}
			for i, file := range set.Files {
				want := FileSum{Name: names[i], MD5: fmt.Sprintf("%x", md5.Sum(smallFiles()[names[i]])), Official: false}
				if file != want {
					t.Errorf("file %d is %+v, want %+v", i, file, want)
				}
			}
		})
	}
}

func TestLoadKnowsOfficialFiles(t *testing.T) {
	layOut(t, "mnist", smallFiles())
	set := mnist
	set.test.labels.md5 = fmt.Sprintf("%x", md5.Sum(labelBytes(1, 2)))
	got, err := set.load("data", 0)
	if err != nil {
		t.Fatal(err)
	}
	for i, file := range got.Files {
		if want := i == 3; file.Official != want {
			t.Errorf("%s: official is %v, want %v", file.Name, file.Official, want)
		}
	}
}

func TestLoadPrefersZipped(t *testing.T) {
	files := smallFiles()
	files["t10k-labels-idx1-ubyte.gz"] = zipped(t, labelBytes(5, 6))
	layOut(t, "mnist", files)
	set, err := Load("mnist", "data", 1)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(set.Test.Labels, []uint8{5, 6}) {
		t.Errorf("labels are %v, want those of the .gz file, [5 6]", set.Test.Labels)
	}
}

func TestLoadDamaged(t *testing.T) {
	const fetch = "; get it with: bgmd data get mnist"
	for _, c := range []struct {
		name   string
		damage func(files map[string][]byte)
		want   []string
	}{
		{"one missing", func(files map[string][]byte) { delete(files, "t10k-labels-idx1-ubyte") },
			[]string{"data/mnist: found no t10k-labels-idx1-ubyte, want all of the set's files"}},
		{"all missing", func(files map[string][]byte) { clear(files) },
			[]string{"data: found none of them, want train-images-idx3-ubyte(.gz) and its like in mnist or MNIST/raw"}},
		{"label out of range", func(files map[string][]byte) { files["train-labels-idx1-ubyte"] = labelBytes(1, 2, 10) },
			[]string{"data/mnist/train-labels-idx1-ubyte: byte 10: found label 10, want 0 to 9"}},
		{"counts differ", func(files map[string][]byte) { files["t10k-labels-idx1-ubyte"] = labelBytes(1, 2, 3) },
			[]string{"data/mnist/t10k-labels-idx1-ubyte: byte 4: found 3 labels, want one for each of the 2 images of data/mnist/t10k-images-idx3-ubyte"}},
		{"damaged and missing", func(files map[string][]byte) {
			files["train-images-idx3-ubyte.gz"] = []byte("<html>")
			delete(files, "t10k-images-idx3-ubyte")
		}, []string{
			"data/mnist: found no t10k-images-idx3-ubyte, want all of the set's files",
			`data/mnist/train-images-idx3-ubyte.gz: found a web page, which starts with "<html>", want an IDX file`,
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			files := smallFiles()
			c.damage(files)
			layOut(t, "mnist", files)
			_, err := Load("mnist", "data", 1)
			if !errors.Is(err, ErrData) {
				t.Fatalf("error is %v, want one that wraps ErrData", err)
			}
			want := "data: load set \"mnist\": " + strings.Join(c.want, fetch+"\n") + fetch
			if err.Error() != want {
				t.Errorf("error is\n%s\nwant\n%s", err, want)
			}
		})
	}
}

func TestLoadUnreadable(t *testing.T) {
	files := smallFiles()
	delete(files, "train-images-idx3-ubyte")
	layOut(t, "mnist", files)
	if err := os.Mkdir("data/mnist/train-images-idx3-ubyte.gz", 0o755); err != nil {
		t.Fatal(err)
	}
	_, err := Load("mnist", "data", 1)
	want := `data: load set "mnist": data/mnist/train-images-idx3-ubyte.gz: found an error: it is a folder, want a regular file; ` +
		"get it with: bgmd data get mnist"
	if err == nil || err.Error() != want {
		t.Errorf("error is\n%v\nwant\n%s", err, want)
	}

	layOut(t, "fashion-mnist", nil)
	if err := os.WriteFile("data/mnist", nil, 0o644); err != nil {
		t.Fatal(err)
	}
	_, err = Load("mnist", "data", 1)
	if !errors.Is(err, ErrData) || !strings.Contains(err.Error(), "found an error: not a directory, want a readable file") {
		t.Errorf("error is %v, want one that says that the set's folder is none", err)
	}
}

func TestFileErrorFields(t *testing.T) {
	t.Chdir(t.TempDir())
	_, err := Load("fashion-mnist", "my data", 1)
	bad, ok := errors.AsType[*FileError](err)
	if !ok || !errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("error is %v, want a FileError that wraps fs.ErrNotExist", err)
	}
	if want := "bgmd data get fashion-mnist --dir 'my data'"; bad.Fetch != want || bad.Offset >= 0 {
		t.Errorf("fetch is %q at %d, want %q and a negative offset", bad.Fetch, bad.Offset, want)
	}
}

func TestFetchCommand(t *testing.T) {
	for dir, want := range map[string]string{
		"data":      "bgmd data get mnist",
		"../x_1/é":  "bgmd data get mnist --dir ../x_1/é",
		"it's here": `bgmd data get mnist --dir 'it'\''s here'`,
		"$HOME":     "bgmd data get mnist --dir '$HOME'",
		"mnist":     "bgmd data get mnist --dir mnist",
		"data/":     "bgmd data get mnist",
		"":          "bgmd data get mnist --dir .",
	} {
		if got := fetchCommand("mnist", dir); got != want {
			t.Errorf("command for %q is %s, want %s", dir, got, want)
		}
	}
}

func TestNames(t *testing.T) {
	if got, want := fmt.Sprint(Names()), "[cifar-10 fashion-mnist mnist synthetic]"; got != want {
		t.Errorf("names are %s, want %s", got, want)
	}
	_, err := Load("cats", "", 1)
	if want := `data: unknown set "cats" (have cifar-10, fashion-mnist, mnist, synthetic)`; err == nil || err.Error() != want {
		t.Errorf("error is %v, want %s", err, want)
	}
	if errors.Is(err, ErrData) {
		t.Error("an unknown name is no missing file")
	}
}
