// Package lockfile keeps two processes from writing one folder at a time.
package lockfile

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/bgmd/bgmd/internal/safefile"
)

// Lock is a held lock: an advisory lock (flock) on a file, which holds the
// process id of its holder for people to read. The kernel drops it with the
// process, however that ends.
type Lock struct{ file *os.File }

// maxID is the length in bytes that a process id never reaches.
const maxID = 32

// HeldError is [Acquire]'s error when another process, or another Lock of this
// one, holds the lock.
type HeldError struct {
	Path   string
	Holder string // process id; "unknown" for a moment after the lock was taken
}

func (e *HeldError) Error() string {
	return fmt.Sprintf("%s is locked by process %s", e.Path, e.Holder)
}

// patience is how long [Acquire] waits for a lock whose holder is dead. If the holder was
// starting another process when it was killed, that process shares the lock until it
// runs its own program, which closes the holder's files.
const patience = 2 * time.Second

// Acquire locks the file at path, which it makes if need be, or fails with a
// [*HeldError]: at once if the holder is alive. It leaves alone what is no lock file: it
// follows no link, and writes to no file that has a second name or much in it.
func Acquire(path string) (*Lock, error) {
	path, err := resolve(path)
	if err != nil {
		return nil, fmt.Errorf("lock: %w", err)
	}
	for start := time.Now(); ; {
		f, err := open(path, os.O_RDWR|os.O_CREATE)
		if err != nil {
			return nil, fmt.Errorf("lock: %w", err)
		}
		err = unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		if errors.Is(err, unix.EWOULDBLOCK) {
			by := holder(f)
			f.Close()
			if alive(by) || time.Since(start) > patience {
				return nil, &HeldError{path, by}
			}
			time.Sleep(patience / 200)
			continue
		}
		if err != nil {
			f.Close()
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
	f, err := open(path, os.O_RDONLY)
	if err != nil {
		return ""
	}
	defer f.Close()
	if errors.Is(unix.Flock(int(f.Fd()), unix.LOCK_SH|unix.LOCK_NB), unix.EWOULDBLOCK) {
		return holder(f)
	}
	return ""
}

// resolve follows the links in path but for its last part.
func resolve(path string) (string, error) {
	folder, name := filepath.Split(path)
	folder, err := safefile.Follow(folder)
	return filepath.Join(folder, name), err
}

// open opens what may be a lock file: nothing that writing an id would spoil.
func open(path string, flag int) (*os.File, error) {
	f, err := safefile.OpenOwn(path, flag)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil && info.Size() > maxID {
		err = fmt.Errorf("open %s: it is a file of %d bytes, want a lock: a process's id", path, info.Size())
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// holder reads the process id in a lock file, for an error message.
func holder(f *os.File) string {
	data, _ := io.ReadAll(io.NewSectionReader(f, 0, maxID))
	if pid := strings.TrimSpace(string(data)); pid != "" {
		return pid
	}
	return "unknown"
}

// alive tells whether there is a process with this id.
func alive(id string) bool {
	pid, err := strconv.Atoi(id)
	return err == nil && pid > 0 && !errors.Is(unix.Kill(pid, 0), unix.ESRCH)
}

// named tells whether path still leads to the open file f.
func named(f *os.File, path string) bool {
	open, err := f.Stat()
	if err != nil {
		return false
	}
	now, err := os.Lstat(path)
	return err == nil && os.SameFile(open, now)
}

func writeAt(f *os.File, text string) error {
	_, err := f.WriteAt([]byte(text), 0)
	return err
}
