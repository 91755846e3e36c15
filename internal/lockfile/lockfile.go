// Package lockfile keeps two processes from writing one folder at a time.
package lockfile

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// Lock is a held lock: an advisory lock (flock) on a file, which holds the
// process id of its holder for people to read. The kernel drops it with the
// process, however that ends.
type Lock struct{ file *os.File }

// HeldError is [Acquire]'s error when another process, or another Lock of this
// one, holds the lock.
type HeldError struct {
	Path   string
	Holder string // process id; "unknown" for a moment after the lock was taken
}

func (e *HeldError) Error() string {
	return fmt.Sprintf("%s is locked by process %s", e.Path, e.Holder)
}

// Acquire locks the file at path, which it makes if need be, or fails at once
// with a [*HeldError].
func Acquire(path string) (*Lock, error) {
	for {
		f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o644)
		if err != nil {
			return nil, fmt.Errorf("lock: %w", err)
		}
		if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
			defer f.Close()
			if errors.Is(err, unix.EWOULDBLOCK) {
				return nil, &HeldError{path, holder(path)}
			}
			return nil, fmt.Errorf("lock %s: %w", path, err)
		}
		// The previous holder may have removed the file between the opening
		// and the locking of it; then this lock is on a file without a name.
		if !named(f, path) {
			f.Close()
			continue
		}
		pid := strconv.Itoa(os.Getpid()) + "\n"
		if err := errors.Join(f.Truncate(0), writeAt(f, pid)); err != nil {
			f.Close()
			return nil, fmt.Errorf("lock %s: %w", path, err)
		}
		return &Lock{f}, nil
	}
}

// Release removes the lock file and gives the lock up, in this order, so that
// nobody's lock but this one's is removed.
func (l *Lock) Release() error {
	return errors.Join(os.Remove(l.file.Name()), l.file.Close())
}

// Holder is the process id of whoever holds the lock at path, empty for nobody.
func Holder(path string) string {
	f, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer f.Close()
	if errors.Is(unix.Flock(int(f.Fd()), unix.LOCK_SH|unix.LOCK_NB), unix.EWOULDBLOCK) {
		return holder(path)
	}
	return ""
}

// holder reads the process id in the lock file at path, for an error message.
func holder(path string) string {
	data, _ := os.ReadFile(path)
	if pid := strings.TrimSpace(string(data)); pid != "" {
		return pid
	}
	return "unknown"
}

// named tells whether path still leads to the open file f.
func named(f *os.File, path string) bool {
	open, err := f.Stat()
	if err != nil {
		return false
	}
	now, err := os.Stat(path)
	return err == nil && os.SameFile(open, now)
}

func writeAt(f *os.File, text string) error {
	_, err := f.WriteAt([]byte(text), 0)
	return err
}
