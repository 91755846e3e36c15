package main

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bgmd/bgmd/pkg/data"
)

// A configuration that somebody else has written can call the data folder anything.
func TestDataFolderDrivesNoTerminal(t *testing.T) {
	const folder = "da\x1b[2Jta"
	var warning strings.Builder
	warnOfOtherFiles(&warning, &data.Set{Name: "mnist", Files: []data.FileSum{{Name: "a"}, {Name: "b", Official: true}}}, folder)
	if want := "bgmd: warning: mnist in da\\x1b[2Jta is not the published set: the MD5 sums of a differ\n"; warning.String() != want {
		t.Errorf("got %q, want %q", warning.String(), want)
	}
	grid := filepath.Join(t.TempDir(), "grid.yaml")
	if err := os.WriteFile(grid, []byte("config: {data: {set: mnist, dir: \"da\\e[2Jta\"}}\ngrid: {epochs: [1]}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	if code := execute(t.Context(), []string{"sweep", "--config", grid, "--dry-run"}, &out, io.Discard); code != exitOK {
		t.Errorf("exit code %d", code)
	}
	if text := out.String(); strings.Contains(text, "\x1b") || !strings.Contains(text, `no estimate of the time: data: load set "mnist": da\x1b[2Jta: found `) {
		t.Errorf("it says %q", text)
	}
}
