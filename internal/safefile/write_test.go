//go:build unix

package safefile

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

func TestWrite(t *testing.T) {
	dir := t.TempDir()
	file, link := filepath.Join(dir, "file"), filepath.Join(dir, "link")
	for _, text := range []string{"first", "second"} {
		if err := Write(file, []byte(text)); err != nil {
			t.Fatal(err)
		}
		wantText(t, file, text)
	}
	if err := os.Symlink("file", link); err != nil {
		t.Skip(err)
	}
	if err := Write(link, []byte("third")); err != nil {
		t.Fatal(err)
	}
	wantText(t, file, "third")
	if to, err := os.Readlink(link); err != nil || to != "file" {
		t.Errorf("the link leads to %q, %v", to, err)
	}
	if err := os.Symlink("later", filepath.Join(dir, "ahead")); err != nil {
		t.Skip(err)
	}
	if err := Write(filepath.Join(dir, "ahead"), []byte("fourth")); err != nil {
		t.Fatal(err)
	}
	wantText(t, filepath.Join(dir, "later"), "fourth")
	if err := Write(dir, nil); err == nil {
		t.Error("a folder was written to")
	}
	if entries, _ := os.ReadDir(dir); len(entries) != 4 {
		t.Errorf("%v, want two files and their links", entries)
	}
}

func TestWriteIntoPipe(t *testing.T) {
	pipe := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Skip(err)
	}
	got := make(chan string)
	go func() {
		f, err := os.Open(pipe)
		if err != nil {
			t.Error(err)
		}
		defer f.Close()
		text, _ := io.ReadAll(f)
		got <- string(text)
	}()
	if err := Write(pipe, []byte("through")); err != nil {
		t.Fatal(err)
	}
	if text := <-got; text != "through" {
		t.Errorf("%q came through", text)
	}
	if info, err := os.Stat(pipe); err != nil || info.Mode()&os.ModeNamedPipe == 0 {
		t.Errorf("the pipe is %v, %v", info, err)
	}
}

func wantText(t *testing.T, path, want string) {
	t.Helper()
	if got, err := os.ReadFile(path); err != nil || string(got) != want {
		t.Errorf("%s holds %q, %v, want %q", path, got, err, want)
	}
}

func TestOpen(t *testing.T) {
	dir := t.TempDir()
	file, link, pipe := filepath.Join(dir, "file"), filepath.Join(dir, "link"), filepath.Join(dir, "pipe")
	if err := errors.Join(Write(file, []byte("text")), os.Symlink(file, link), syscall.Mkfifo(pipe, 0o600)); err != nil {
		t.Skip(err)
	}
	for _, path := range []string{file, link} {
		f, err := Open(path)
		if err != nil {
			t.Fatal(err)
		}
		if text, _ := io.ReadAll(f); string(text) != "text" {
			t.Errorf("%s: read %q", path, text)
		}
		f.Close()
	}
	for path, want := range map[string]string{
		dir:         "it is a folder, want a regular file",
		pipe:        "it is a pipe, want a regular file",
		"/dev/zero": "it is a device, want a regular file",
	} {
		if _, err := Open(path); err == nil || err.Error() != "open "+path+": "+want {
			t.Errorf("error is %v, want %s", err, want)
		}
	}
}

// What a log's writer must not write to, and what it makes and goes on with.
func TestOpenOwn(t *testing.T) {
	dir := t.TempDir()
	in := func(name string) string { return filepath.Join(dir, name) }
	if err := errors.Join(Write(in("precious"), []byte("text")), os.Symlink(in("precious"), in("link")), os.Link(in("precious"), in("second")),
		os.Symlink(in("none"), in("ahead")), syscall.Mkfifo(in("pipe"), 0o600)); err != nil {
		t.Skip(err)
	}
	for name, want := range map[string]string{
		"link":   "it is a link, want a regular file",
		"ahead":  "it is a link, want a regular file",
		"second": "it is a file with another name too, want one of its own",
		"pipe":   "it is a pipe, want a regular file",
		".":      "it is a folder, want a regular file",
	} {
		if _, err := OpenOwn(in(name), os.O_WRONLY|os.O_CREATE|os.O_APPEND); err == nil || err.Error() != "open "+in(name)+": "+want {
			t.Errorf("error is %v, want %s", err, want)
		}
	}
	wantText(t, in("precious"), "text")
	for range 2 {
		f, err := OpenOwn(in("log"), os.O_WRONLY|os.O_CREATE|os.O_APPEND)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.WriteString("line "); err != nil {
			t.Error(err)
		}
		f.Close()
	}
	wantText(t, in("log"), "line line ")
	if entries, _ := os.ReadDir(dir); len(entries) != 6 {
		t.Errorf("%v, want what was there, and a log", entries)
	}
}

func TestRemoveTemporary(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"file", ".hidden", ".year2024", ".file12345678901234567"} {
		if err := Write(filepath.Join(dir, name), nil); err != nil {
			t.Fatal(err)
		}
	}
	if err := RemoveTemporary(dir); err != nil {
		t.Fatal(err)
	}
	if entries, _ := os.ReadDir(dir); len(entries) != 3 {
		t.Errorf("%v are left, want three that are not temporary", entries)
	}
}
