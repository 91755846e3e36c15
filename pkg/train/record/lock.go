package record

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// ErrLocked is wrapped by the errors of [Create] and [Resume] when another
// process, or another Writer of this one, is writing the run.
var ErrLocked = errors.New("the run is being written")

// lock is a held lock on a run's folder: an advisory lock (flock) on the file
// called lock, which holds the writer's process id for people to read. The
// kernel drops it with the process, however that ends.
type lock struct{ file *os.File }

// acquire locks dir, or fails at once with ErrLocked.
func acquire(dir string) (*lock, error) {
	path := filepath.Join(dir, lockName)
	for {
		f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o644)
		if err != nil {
			return nil, fmt.Errorf("lock: %w", err)
		}
		if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
			defer f.Close()
			if errors.Is(err, unix.EWOULDBLOCK) {
				return nil, fmt.Errorf("%w by process %s", ErrLocked, holder(path))
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
		return &lock{f}, nil
	}
}

// release removes the lock file and gives the lock up, in this order, so that
// nobody's lock but this one's is removed.
func (l *lock) release() error {
	return errors.Join(os.Remove(l.file.Name()), l.file.Close())
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
