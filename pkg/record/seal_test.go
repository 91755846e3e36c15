package record

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// No flipped bit of a finished record passes, in no file, times included. Of the
// bits every seventh is tried, one of every byte at least.
func TestSealFindsEveryFlippedBit(t *testing.T) {
	dir := t.TempDir()
	end(t, begin(t, dir, 2), Finished)
	if !mustRead(t, dir).Sealed() {
		t.Error("the run is not sealed")
	}
	for _, name := range []string{configName, environmentName, metricsName, summaryName} {
		path := filepath.Join(dir, name)
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		tried, passed := 0, 0
		for bit := 0; bit < 8*len(text); bit += 7 {
			tried++
			text[bit/8] ^= 1 << (bit % 8)
			if err := os.WriteFile(path, text, 0o644); err != nil {
				t.Fatal(err)
			}
			if _, err := Read(dir); err == nil {
				passed++
			}
			text[bit/8] ^= 1 << (bit % 8)
		}
		if passed > 0 {
			t.Errorf("%s: %d of %d flipped bits passed", name, passed, tried)
		}
		if err := os.WriteFile(path, text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	mustRead(t, dir)
}

func TestSealSaysWhatHasChanged(t *testing.T) {
	for name, c := range map[string]struct{ old, new string }{
		environmentName: {`"cores": 2`, `"cores": 4`},
		metricsName:     {`"total":4`, `"total":3`},
		summaryName:     {`"gradient": 1`, `"gradient": 3`},
	} {
		dir := t.TempDir()
		end(t, begin(t, dir, 2), Finished)
		path := filepath.Join(dir, name)
		seal := *mustRead(t, dir).Summary.Seal
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		changed := strings.Replace(string(text), c.old, c.new, 1)
		if err := os.WriteFile(path, []byte(changed), 0o644); err != nil {
			t.Fatal(err)
		}
		want := map[string]string{environmentName: seal.Environment, metricsName: seal.Metrics, summaryName: seal.Summary}[name]
		found := sum([]byte(changed))
		if name == summaryName {
			found = sum([]byte(strings.Replace(changed, want, blank, 1)))
		}
		_, err = Read(dir)
		wantError(t, name, err, dir, fmt.Sprintf("record: DIR/%s has changed since the run ended: its SHA-256 is %s, and summary.json has %s", name, found, want))
	}
}

// Records from before there were seals are read as ever, and so are sealed ones
// whose plots were drawn again and whose checkpoint is gone.
func TestUnsealedRecordsAreRead(t *testing.T) {
	dir := t.TempDir()
	end(t, begin(t, dir, 2), Finished)
	for _, name := range []string{"accuracy.png", "checkpoint.safetensors"} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(name), 0o644); err != nil {
			t.Fatal(err)
		}
		mustRead(t, dir)
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		mustRead(t, dir)
	}
	s := *mustRead(t, dir).Summary
	s.Seal = nil
	text, err := encode(s)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, summaryName), text, 0o644); err != nil {
		t.Fatal(err)
	}
	if mustRead(t, dir).Sealed() {
		t.Error("a record without a seal is sealed")
	}
}
