//go:build unix

package whole

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
