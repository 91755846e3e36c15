package lockfile

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
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
	if got := holder(path); got != "unknown" {
		t.Errorf("holder of no lock is %q", got)
	}
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
