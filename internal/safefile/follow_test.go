//go:build unix

package safefile

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// The links of a path are followed as the system follows them.
func TestFollow(t *testing.T) {
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(dir)
	if err := os.MkdirAll("a/b", 0o755); err != nil {
		t.Fatal(err)
	}
	for link, to := range map[string]string{"in": "a/b", "a/b/up": "../x", "chain": "in/up", "away": dir + "/a", "circle": "circle"} {
		if err := os.Symlink(to, link); err != nil {
			t.Skip(err)
		}
	}
	for path, want := range map[string]string{
		"a/b":             "a/b",
		"a/../none/below": "a/../none/below", // no links: as it stands
		"in":              dir + "/a/b",
		"in/../y":         dir + "/a/y",
		"in/up":           dir + "/a/x",
		"chain":           dir + "/a/x",
		dir + "/away/b/z": dir + "/a/b/z",
	} {
		if got, err := Follow(path); err != nil || got != want {
			t.Errorf("%s leads to %s, %v, want %s", path, got, err, want)
		}
	}
	if got, err := Follow("circle"); err == nil || err.Error() != "follow circle: too many levels of symbolic links" {
		t.Errorf("a circle leads to %s, %v", got, err)
	}
}

// A folder that all can write, such as /tmp, in which another user has put links to
// a file and a folder of this user's.
func TestForeignLinksAreRefused(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("gives links to another user, as root alone can")
	}
	const other = 12345
	mine, shared := t.TempDir(), t.TempDir()
	file := filepath.Join(mine, "file")
	if err := os.WriteFile(file, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, l := range []struct{ name, to string }{{"out", file}, {"runs", mine}, {"ahead", filepath.Join(mine, "none")}} {
		link := filepath.Join(shared, l.name)
		if err := os.Symlink(l.to, link); err != nil {
			t.Fatal(err)
		}
		if err := os.Lchown(link, other, other); err != nil {
			t.Skip(err)
		}
		for path, write := range map[string]func(string) error{
			link:                            func(path string) error { return Write(path, []byte("theirs")) },
			filepath.Join(link, "in", "it"): MkdirAll,
		} {
			want := fmt.Sprintf("follow %s: it is a link that user %d has put there, to %q: if you want that, name it instead", link, other, l.to)
			if err := write(path); err == nil || err.Error() != want {
				t.Errorf("%s: error is\n%v, want\n%s", path, err, want)
			}
		}
		// Where the folder is theirs the links are as good as what they lead to.
		if err := os.Chown(shared, other, other); err != nil {
			t.Fatal(err)
		}
		if got, err := Follow(link); err != nil || got != l.to {
			t.Errorf("in their own folder %s leads to %s, %v", link, got, err)
		}
		if err := os.Chown(shared, 0, 0); err != nil {
			t.Fatal(err)
		}
	}
	wantText(t, file, "mine")
}

func TestReplace(t *testing.T) {
	dir := t.TempDir()
	file, link, pipe := filepath.Join(dir, "file"), filepath.Join(dir, "link"), filepath.Join(dir, "pipe")
	if err := os.WriteFile(file, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(file, link); err != nil {
		t.Skip(err)
	}
	if err := Replace(link, []byte("text")); err != nil {
		t.Fatal(err)
	}
	wantText(t, link, "text")
	wantText(t, file, "precious")
	if err := Replace(file, []byte("new")); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("a private file has become %v, %v", info.Mode(), err)
	}
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Skip(err)
	}
	for path, want := range map[string]string{pipe: "a pipe", dir: "a folder"} {
		if err := Replace(path, nil); err == nil || !strings.HasSuffix(err.Error(), "it is "+want+", want a regular file") {
			t.Errorf("%s: error is %v", path, err)
		}
	}
	if entries, _ := os.ReadDir(dir); len(entries) != 3 {
		t.Errorf("%v, want a file, what was a link, and a pipe", entries)
	}
}

// What is made has the permissions that the umask leaves, so that a group can
// share a folder.
func TestPermissions(t *testing.T) {
	for umask, want := range map[int][2]os.FileMode{0o002: {0o775, 0o664}, 0o022: {0o755, 0o644}, 0o077: {0o700, 0o600}} {
		dir := filepath.Join(t.TempDir(), "a", "b")
		before := syscall.Umask(umask)
		err := MkdirAll(dir)
		if err == nil {
			err = Write(filepath.Join(dir, "file"), nil)
		}
		syscall.Umask(before)
		if err != nil {
			t.Fatal(err)
		}
		for path, want := range map[string]os.FileMode{filepath.Dir(dir): want[0], dir: want[0], filepath.Join(dir, "file"): want[1]} {
			if info, err := os.Stat(path); err != nil || info.Mode().Perm() != want {
				t.Errorf("umask %03o: %s has %v, want %v", umask, path, info.Mode().Perm(), want)
			}
		}
	}
}
