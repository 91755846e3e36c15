package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

var update = flag.Bool("update", false, "rewrite the expected outputs in testdata")

// writeFile writes a file into a folder of the test's and returns its path.
func writeFile(t testing.TB, dir, name, text string) string {
	t.Helper()
	file := filepath.Join(dir, name)
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return file
}

// TestConfigFlags: --set lies over the file and --seed over both; 0 is a seed. What is
// wrong is an errConfig.
func TestConfigFlags(t *testing.T) {
	file := writeFile(t, t.TempDir(), "a.yaml", "seed: 2\nepochs: 5\n")
	for _, tt := range []struct {
		args         []string
		seed, epochs string
	}{
		{nil, "1", "50"},
		{[]string{"-c", file}, "2", "5"},
		{[]string{"-c", file, "--set", "seed=3"}, "3", "5"},
		{[]string{"--seed", "4", "--set", "seed=3"}, "4", "50"},
		{[]string{"--seed", "0"}, "0", "50"},
	} {
		cmd := &cobra.Command{}
		addConfigFlags(cmd)
		if err := cmd.ParseFlags(tt.args); err != nil {
			t.Fatal(err)
		}
		c, err := loadConfig(cmd)
		if got, want := fmt.Sprint(c.Seed, c.Epochs, err), tt.seed+" "+tt.epochs+" <nil>"; got != want {
			t.Errorf("%q: got %s, want %s", tt.args, got, want)
		}
	}
	cmd := &cobra.Command{}
	addConfigFlags(cmd)
	if err := cmd.ParseFlags([]string{"--set", "seed=x"}); err != nil {
		t.Fatal(err)
	}
	if _, err := loadConfig(cmd); !errors.Is(err, errConfig) {
		t.Errorf("error is not an errConfig: %v", err)
	}
}

// A file can have an error in each of its lines.
func TestManyErrors(t *testing.T) {
	var source strings.Builder
	for i := range 80_000 {
		fmt.Fprintf(&source, "k%d: 1\n", i)
	}
	file := writeFile(t, t.TempDir(), "keys.yaml", source.String())
	var out strings.Builder
	if code := execute(t.Context(), []string{"config", "--config", file}, &out, &out); code != exitUsage {
		t.Errorf("exit code %d, want %d", code, exitUsage)
	}
	if got, want := out.String(), "\nbgmd: … and 79950 lines more\n"; strings.Count(got, "\n") != 51 || !strings.HasSuffix(got, want) {
		t.Errorf("%d lines that end with %q, want 51 that end with %q", strings.Count(got, "\n"), got[max(0, len(got)-100):], want)
	}
}
