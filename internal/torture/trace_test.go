//go:build linux && (amd64 || arm64)

package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

// TestTrace kills a shell before, in and after its calls, and lets them fail.
func TestTrace(t *testing.T) {
	dir := t.TempDir()
	script := `exec 2>&-; echo first >"$1/one" || exit 5; echo second >"$1/two" || exit 6`
	path := func(name string) string { return filepath.Join(dir, name) }
	for _, c := range []struct {
		plan  plan
		code  int
		files map[string]string
	}{
		{plan{number: -1}, 0, map[string]string{"one": "first\n", "two": "second\n"}},
		{plan{number: 0, how: killedBefore}, -1, nil},
		{plan{number: 0, how: killedAfter}, -1, map[string]string{"one": ""}},
		{plan{number: 1, how: killedBefore}, -1, map[string]string{"one": ""}},
		{plan{number: 1, how: killedHalf}, -1, map[string]string{"one": "fir"}},
		{plan{number: 1, how: killedAfter}, -1, map[string]string{"one": "first\n"}},
		{plan{number: 2, how: failing, errno: unix.ENOSPC}, 6, map[string]string{"one": "first\n"}},
		{plan{number: 3, how: failing, errno: unix.EIO}, 6, map[string]string{"one": "first\n", "two": ""}},
	} {
		os.Remove(path("one"))
		os.Remove(path("two"))
		cmd := exec.Command("sh", "-c", script, "sh", dir)
		result, err := trace(cmd, dir, c.plan)
		if err != nil {
			t.Fatal(err)
		}
		files, err := readFolder(dir)
		if err != nil {
			t.Fatal(err)
		}
		if result.code != c.code || len(files) != len(c.files) {
			t.Errorf("%+v: %+v and files %q, want code %d and files %q", c.plan, result, files, c.code, c.files)
		}
		for name, want := range c.files {
			if string(files[name]) != want {
				t.Errorf("%+v: %s is %q, want %q", c.plan, name, files[name], want)
			}
		}
	}
}
