//go:build linux

package record

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
)

// ReadAll names what it cannot read and finds all that comes after it.
func TestReadAllGoesOn(t *testing.T) {
	root := t.TempDir()
	names := []string{"a/locked", "b/listed", "caf\xe9/latin-1", "d/1"}
	for _, name := range names {
		end(t, begin(t, filepath.Join(root, name), 2), Finished)
	}
	if err := errors.Join(
		os.MkdirAll(filepath.Join(root, "c", "closed"), 0o755),
		os.Symlink(filepath.Join(root, "d", "1"), filepath.Join(root, "e")), // a run as well
		os.Symlink(root, filepath.Join(root, "round")),
		os.WriteFile(filepath.Join(root, metricsName), nil, 0o644), // where no run is
		os.Chmod(filepath.Join(root, "c", "closed"), 0),
		os.Chmod(filepath.Join(root, "a", "locked"), 0),
		os.Chmod(filepath.Join(root, "b", "listed"), 0o444),
	); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		for _, dir := range []string{"c/closed", "a/locked", "b/listed"} {
			_ = os.Chmod(filepath.Join(root, dir), 0o755) // for TempDir to remove
		}
	})
	asNobody(t, root)
	runs, err := ReadAll(root)
	var found []string
	for _, r := range runs {
		found = append(found, strings.TrimPrefix(r.Dir, root+"/"))
	}
	if got, want := strings.Join(found, ", "), "caf\xe9/latin-1, d/1, e"; got != want {
		t.Errorf("found %q, want %q", got, want)
	}
	wantError(t, "folders that cannot be read", err, root, `record: open DIR/config.yaml: no such file or directory
record: open DIR/a/locked/summary.json: permission denied
record: open DIR/b/listed/summary.json: permission denied
record: open DIR/c/closed/summary.json: permission denied
record: open DIR/round/config.yaml: no such file or directory`)
	link := filepath.Join(root, "round")
	if runs, _ := ReadAll(link); len(runs) != 3 || runs[1].Dir != filepath.Join(link, "d", "1") {
		t.Errorf("through a link: %d runs, want the same", len(runs))
	}
}

// A pipe in the place of one of a run's files is named at once: no table waits for
// what never comes. One called like the lock is nobody's lock.
func TestReadAllDoesNotWait(t *testing.T) {
	for _, name := range []string{configName, environmentName, metricsName, summaryName, lockName} {
		root := t.TempDir()
		dir := filepath.Join(root, "run")
		end(t, begin(t, dir, 2), Finished)
		pipe := filepath.Join(dir, name)
		if err := errors.Join(os.RemoveAll(pipe), syscall.Mkfifo(pipe, 0o600)); err != nil {
			t.Skip(err)
		}
		_, err := ReadAll(root)
		if name != lockName {
			wantError(t, name, err, pipe, "record: open DIR: it is a pipe, want a regular file")
		} else if by := WrittenBy(dir); err != nil || by != "" {
			t.Errorf("a pipe as the lock: written by %q, %v", by, err)
		}
	}
}

// asNobody lets the test see a folder of its own as a user other than root, for
// whom permissions mean nothing.
func asNobody(t *testing.T, dir string) {
	t.Helper()
	if os.Getuid() != 0 {
		return
	}
	if err := os.Chmod(filepath.Dir(dir), 0o755); err != nil { // TempDir is a folder in one of its own
		t.Fatal(err)
	}
	runtime.LockOSThread() // the thread ends with the test
	if err := syscall.Setfsuid(65534); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = syscall.Setfsuid(0) })
}
