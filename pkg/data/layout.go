package data

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// layouts lists, for each set, the places below the data folder where its files may be.
// The first place that has one of them is the set's, even if the others are missing
// there or damaged: a set is never put together from two places.
var layouts = map[string][]string{
	"cifar-10": {
		cifarBinary.folder, // "bgmd data get"
		cifarBinary.archive,
		cifarPython.folder, // torchvision
		cifarPython.archive,
	},
	"fashion-mnist": {
		"fashion-mnist",    // "bgmd data get"
		"FashionMNIST/raw", // torchvision
	},
	"mnist": {
		"mnist",     // "bgmd data get"
		"MNIST/raw", // torchvision
	},
}

// spellings are the names under which the IDX file called name is found: zipped, as it
// is published, unzipped, and with the dot of Kaggle's copies.
func spellings(name string) []string {
	dotted := strings.Replace(name, "-idx", ".idx", 1)
	return []string{name + ".gz", name, dotted, dotted + ".gz"}
}

// place returns the set's place in the data folder: the first for which has reports that
// any of the files is there. Its error is a [*FileError].
func place(set, dir string, has func(path string) bool, want string) (string, error) {
	for _, l := range layouts[set] {
		if path := filepath.Join(dir, filepath.FromSlash(l)); has(path) {
			return path, nil
		}
	}
	found := "none of them"
	if !exists(dir) {
		found = "no such folder"
	}
	return "", &FileError{File: dir, Offset: -1, Found: found, Err: fs.ErrNotExist,
		Want: fmt.Sprintf("%s %s", want, strings.Join(layouts[set], " or "))}
}

// exists reports whether there is something at path, readable or not.
func exists(path string) bool {
	_, err := os.Stat(path)
	return !errors.Is(err, fs.ErrNotExist)
}

// spelled returns the file in the folder that goes by one of the name's
// spellings, empty if there is none. A folder counts only where there is no file:
// Kaggle's archives have both.
func spelled(folder, name string) string {
	last := ""
	for _, s := range spellings(name) {
		path := filepath.Join(folder, s)
		info, err := os.Stat(path)
		switch {
		case errors.Is(err, fs.ErrNotExist):
		case err == nil && info.IsDir():
			last = path
		default:
			return path
		}
	}
	return last
}
