package lockfile

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

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

// A process that was killed while it started another one, which holds its open
// files for a moment, leaves its lock to the next that waits as long.
func TestLockOfTheDead(t *testing.T) {
	for _, test := range []struct {
		seconds string // for which the lock is held on
		free    bool
	}{{"0.3", true}, {"30", false}} {
		path := filepath.Join(t.TempDir(), "lock")
		dead := exec.Command("true")
		if err := dead.Run(); err != nil {
			t.Skip(err)
		}
		l, err := Acquire(path)
		if err != nil {
			t.Fatal(err)
		}
		heir := exec.Command("sleep", test.seconds)
		heir.ExtraFiles = []*os.File{l.file}
		id := fmt.Sprintln(dead.Process.Pid)
		if err := errors.Join(os.WriteFile(path, []byte(id), 0o600), heir.Start(), l.file.Close()); err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		l, err = Acquire(path)
		took := time.Since(start)
		_ = heir.Process.Kill()
		_ = heir.Wait() // killed, or slept enough
		if test.free {
			if err != nil {
				t.Errorf("after %v: %v", took, err)
			} else if err := l.Release(); err != nil {
				t.Error(err)
			}
			continue
		}
		held, ok := errors.AsType[*HeldError](err)
		if !ok || held.Holder != fmt.Sprint(dead.Process.Pid) || took > 10*time.Second {
			t.Errorf("a lock that is held on for long: %v after %v", err, took)
		}
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
		"link":      {func(path string) error { return os.Symlink(precious, path) }, "a link, want a regular file"},
		"hard link": {func(path string) error { return os.Link(precious, path) }, "a file with another name too, want one of its own"},
		"long file": {func(path string) error { return os.WriteFile(path, make([]byte, 1000), 0o600) }, "a file of 1000 bytes, want a lock: a process's id"},
		"pipe":      {func(path string) error { return unix.Mkfifo(path, 0o600) }, "a pipe, want a regular file"},
	} {
		path := filepath.Join(dir, name)
		if err := c.make(path); err != nil {
			t.Skip(err)
		}
		_, err := Acquire(path)
		if want := fmt.Sprintf("lock: open %s: it is %s", path, c.want); err == nil || err.Error() != want {
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
