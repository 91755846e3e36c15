package main

import (
	"bytes"
	"os/exec"
	"path/filepath"
	"testing"
)

// TestShort runs every campaign for some seconds.
func TestShort(t *testing.T) {
	if testing.Short() {
		t.Skip("builds the program, and starts it some dozens of times")
	}
	bgmd := filepath.Join(t.TempDir(), "bgmd")
	if out, err := exec.Command("go", "build", "-o", bgmd, "../../cmd/bgmd").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, c := range campaigns {
		var out bytes.Buffer
		if code := run([]string{c.name, "--for", "2s", "--bgmd", bgmd}, &out, &out); code != 0 {
			t.Errorf("%s: exit code %d\n%s", c.name, code, out.String())
		}
	}
}
