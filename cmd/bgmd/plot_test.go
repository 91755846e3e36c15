package main

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Of a run whose configuration cannot be read a figure says so once, although both
// its panels and its times look at every run.
func TestFigureNamesARunOnce(t *testing.T) {
	dir := t.TempDir()
	finished, err := filepath.Glob("../../results/table2/fashion-mnist/clean-bgmd/seed-1-*")
	if err != nil || len(finished) == 0 {
		t.Fatal("no committed record: ", err)
	}
	good, bad := filepath.Join(dir, "good"), filepath.Join(dir, "bad")
	err = errors.Join(os.CopyFS(good, os.DirFS(finished[0])), os.CopyFS(bad, os.DirFS(finished[0])),
		os.Remove(filepath.Join(bad, "summary.json")), os.WriteFile(filepath.Join(bad, "config.yaml"), []byte("{"), 0o644))
	if err != nil {
		t.Fatal(err)
	}
	for _, figure := range []string{"fig2", "fig3", "fig4"} {
		var stderr strings.Builder
		code := execute(context.Background(), []string{"plot", figure, "--results", dir, "-o", filepath.Join(dir, figure+".svg")}, io.Discard, &stderr)
		if code != exitOK || strings.Count(stderr.String(), bad) != 1 {
			t.Errorf("%s: exit code %d, want the run in bad to be named once:\n%s", figure, code, stderr.String())
		}
	}
}
