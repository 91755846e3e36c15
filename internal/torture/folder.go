package main

import (
	"bytes"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
)

// folder is the contents of a folder's files, by their paths in it.
type folder map[string][]byte

// readFolder reads all files below dir.
func readFolder(dir string) (folder, error) {
	f := folder{}
	err := fs.WalkDir(os.DirFS(dir), ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		f[path], err = os.ReadFile(filepath.Join(dir, path))
		return err
	})
	return f, err
}

// write writes the files below dir.
func (f folder) write(dir string) error {
	for name, data := range f {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(path, data, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// with returns the folder with another file of the given name.
func (f folder) with(name string, data []byte) folder {
	f = maps.Clone(f)
	f[name] = data
	return f
}

// differs names a file that is not as it is in g.
func (f folder) differs(g folder) string {
	for _, name := range slices.Sorted(maps.Keys(f)) {
		if data, ok := g[name]; !ok {
			return fmt.Sprintf("%s has come", name)
		} else if !bytes.Equal(data, f[name]) {
			return fmt.Sprintf("%s has changed", name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(g)) {
		if _, ok := f[name]; !ok {
			return fmt.Sprintf("%s has gone", name)
		}
	}
	return ""
}
