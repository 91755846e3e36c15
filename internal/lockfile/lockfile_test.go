package lockfile

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"golang.org/x/sys/unix"
)

// While holders come and go, no two may hold the lock, although each removes
// the file that the others may have opened.
func TestLockIsExclusive(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	var mu sync.Mutex // held by whoever holds the lock
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 200 {
				l, err := Acquire(path)
				if held := (*HeldError)(nil); errors.As(err, &held) {
					continue
				}
				if err != nil {
					t.Error(err)
					return
				}
				if !mu.TryLock() {
					t.Error("two hold the lock")
					return
				}
				mu.Unlock()
				if err := l.Release(); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
}

func TestHeldErrorNamesTheHolder(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	l, err := Acquire(path)
	if err != nil {
		t.Fatal(err)
	}
	_, err = Acquire(path)
	if want := fmt.Sprintf("%s is locked by process %d", path, os.Getpid()); err == nil || err.Error() != want {
		t.Errorf("error is %v, want %s", err, want)
	}
	if got, want := Holder(path), fmt.Sprint(os.Getpid()); got != want {
		t.Errorf("the holder is %q, want %s", got, want)
	}
	if err := l.Release(); err != nil {
		t.Fatal(err)
	}
	if got := Holder(path); got != "" {
		t.Errorf("the holder of a free lock is %q", got)
	}
	if _, err := os.Stat(path); !os.IsNotExist(err) {
		t.Errorf("the file is still there: %v", err)
	}
}

// Writing a process's id into what lies under the lock's name would spoil it.
func TestOtherFilesAreLeftAlone(t *testing.T) {
	dir := t.TempDir()
	precious := filepath.Join(dir, "precious")
	if err := os.WriteFile(precious, []byte("two words"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		make func(path string) error
		want string
	}{
		"link":      {func(path string) error { return os.Symlink(precious, path) }, "a link"},
		"hard link": {func(path string) error { return os.Link(precious, path) }, "a file with another name"},
		"long file": {func(path string) error { return os.WriteFile(path, make([]byte, 1000), 0o600) }, "a file of 1000 bytes"},
		"pipe":      {func(path string) error { return unix.Mkfifo(path, 0o600) }, "a pipe"},
	} {
		path := filepath.Join(dir, name)
		if err := c.make(path); err != nil {
			t.Skip(err)
		}
		_, err := Acquire(path)
		if want := fmt.Sprintf("lock: open %s: it is %s, want a lock: a file with a process's id", path, c.want); err == nil || err.Error() != want {
			t.Errorf("error is %v, want %s", err, want)
		}
		if got := Holder(path); got != "" { // at once, from a pipe too
			t.Errorf("%s: the holder is %q", name, got)
		}
	}
	if text, err := os.ReadFile(precious); err != nil || string(text) != "two words" {
		t.Errorf("the other file holds %q, %v", text, err)
	}
}

func TestPermissions(t *testing.T) {
	defer unix.Umask(unix.Umask(0o002))
	path := filepath.Join(t.TempDir(), "lock")
	l, err := Acquire(path)
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o664 {
		t.Errorf("the lock has %v, %v, want what the umask 002 leaves", info.Mode(), err)
	}
	if err := l.Release(); err != nil {
		t.Error(err)
	}
}
