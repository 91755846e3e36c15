package whole

import (
	"fmt"
	"io/fs"
	"os"
)

// Open opens a file, or what a link leads to, for reading. It refuses at once
// what is no regular file: a read from a pipe waits for a writer that may never
// come, and one from a device may never end.
func Open(path string) (*os.File, error) {
	info, err := os.Stat(path)
	if err != nil {
		return os.Open(path) // which says what is wrong
	}
	if err := regular("open", path, info); err != nil {
		return nil, err
	}
	return os.Open(path)
}

// regular refuses what is no regular file, for what op does.
func regular(op, path string, info fs.FileInfo) error {
	if kind := Kind(info.Mode()); kind != "" {
		return &fs.PathError{Op: op, Path: path, Err: fmt.Errorf("it is %s, want a regular file", kind)}
	}
	return nil
}

// Kind says what a file is that is no regular one ("a pipe"), empty for those.
func Kind(mode fs.FileMode) string {
	switch {
	case mode.IsRegular():
		return ""
	case mode.IsDir():
		return "a folder"
	case mode&fs.ModeNamedPipe != 0:
		return "a pipe"
	case mode&fs.ModeSocket != 0:
		return "a socket"
	case mode&fs.ModeDevice != 0:
		return "a device"
	}
	return "no file that can be read"
}
