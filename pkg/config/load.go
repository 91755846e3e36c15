package config

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/bgmd/bgmd/internal/yamltext"
)

// Load returns the configuration that files and assignments describe. Each layer
// lies over the one before: [Defaults], the profile, the files in order, each over
// those that it names as its base, and sets. These are assignments key=value, whose value
// is plain text, not YAML. A run without a name is called after the last file; a file
// called "-" is standard input.
//
// The error lists every problem, one a line: each says where the value was written,
// as "FILE:LINE" or "--set KEY=VALUE", the key, the value and what is allowed. With an
// error the config is of no use. [Config.Warnings] lists what is allowed but hardly meant.
func Load(files, sets []string) (Config, error) {
	var layers []*Layer
	for _, file := range files {
		layers = append(layers, readFiles("", file)...)
	}
	top := Assignments(sets)
	if len(files) > 0 {
		top.nameAfter(files[len(files)-1], layers)
	}
	c, problems := Merge(append(layers, top)...)
	return c, errors.Join(problems...)
}

// nameAfter names a run that has no name after its file.
func (l *Layer) nameAfter(file string, layers []*Layer) {
	for _, other := range append(layers, l) {
		if other.Where("name") != "" {
			return
		}
	}
	l.Set(file, "name", strings.Map(func(r rune) rune {
		if strings.ContainsRune("._-", r) || r < 128 && (r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9') {
			return r
		}
		return '-'
	}, strings.TrimLeft(yamltext.Stem(file), ".")))
}

// Base reads the file that another names as its base, at the place where, and the files
// below it, and returns them from the lowest up.
func Base(where, file, base string) []*Layer { return readFiles(where, beside(file, base)) }

// readFiles reads a file and the ones below it, and returns them from the lowest up. where
// is the place in another file that names it, or empty. It stops at the first base that
// cannot be read or closes a cycle.
func readFiles(where, file string) []*Layer {
	var layers []*Layer
	var chain []string // files read so far, the highest first
	var seen []fs.FileInfo
	for {
		chain = append(chain, file)
		l, info := readFile(where, file)
		layers = append([]*Layer{l}, layers...)
		if info == nil {
			return layers
		}
		for _, other := range seen {
			if os.SameFile(info, other) {
				l = newLayer()
				l.Complain(where, "base goes round in a circle: %s", strings.Join(chain, " → "))
				layers[0] = l
				return layers
			}
		}
		seen = append(seen, info)
		if l.base == "" {
			return layers
		}
		where = l.Where("base")
		file = beside(file, l.base)
	}
}

// beside returns the path of a base that file names.
func beside(file, base string) string {
	if filepath.IsAbs(base) {
		return base
	}
	return filepath.Join(filepath.Dir(file), base)
}

// readFile reads one file; where is as for readFiles. It returns no info where the file
// cannot be read.
func readFile(where, file string) (*Layer, fs.FileInfo) {
	source, info, err := yamltext.Read(file)
	if err == nil {
		return parseFile(file, source), info
	}
	l := newLayer()
	if where == "" {
		l.Complain("--config "+file, "%v", err)
	} else {
		l.Complain(where, "base %s: %v", file, err)
	}
	return l, nil
}
