package safefile

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
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

// ReadFile reads a file that [Open] opens.
func ReadFile(path string) ([]byte, error) {
	f, err := Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(f)
}

// OpenOwn opens, or makes where flag (see [os.OpenFile]) says so, a file that only
// this program has to do with, such as a log or a lock. It follows no link at path
// and refuses at once whatever is no regular file or has a second name: writing to
// it would change another file.
func OpenOwn(path string, flag int) (*os.File, error) {
	f, err := os.OpenFile(path, flag|unix.O_NOFOLLOW|unix.O_NONBLOCK, FileMode)
	if err != nil {
		if info, lerr := os.Lstat(path); lerr == nil { // ELOOP, or ENXIO of a pipe, say less
			err = cmp.Or(regular("open", path, info), err)
		}
		return nil, err
	}
	info, err := f.Stat()
	if err == nil {
		err = regular("open", path, info)
	}
	if err == nil && info.Sys().(*syscall.Stat_t).Nlink > 1 {
		err = &fs.PathError{Op: "open", Path: path, Err: errors.New("it is a file with another name too, want one of its own")}
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
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
	case mode&fs.ModeSymlink != 0:
		return "a link"
	case mode&fs.ModeNamedPipe != 0:
		return "a pipe"
	case mode&fs.ModeSocket != 0:
		return "a socket"
	case mode&fs.ModeDevice != 0:
		return "a device"
	}
	return "no file that can be read"
}
