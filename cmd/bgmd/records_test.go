package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/bgmd/bgmd/pkg/config"
	"github.com/bgmd/bgmd/pkg/record"
)

// TestCommittedRecordsKeepTheirHashes: the configuration of every record in results/
// is read as it was meant when it was written, whatever keys and profiles have come
// since, so that its hash, and its folder's name, hold.
func TestCommittedRecordsKeepTheirHashes(t *testing.T) {
	records := 0
	err := filepath.WalkDir("../../results", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.Name() != "config.yaml" {
			return err
		}
		records++
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		c, _, err := resolve([]*layer{parseFile(path, text)})
		if err != nil {
			t.Errorf("%s: %v", path, err)
		} else if c.Hash() != record.ConfigHash(text) {
			t.Errorf("%s is read as another configuration:\n%s", path, c.Recorded().YAML())
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if records < 100 {
		t.Errorf("%d records found", records)
	}
}

// TestLateKeysOfAFile: a file that leaves something to its profile has the
// profile's late keys; one that leaves nothing, as an old record, has them as then.
func TestLateKeysOfAFile(t *testing.T) {
	short, _, err := resolve([]*layer{parseFile("short", []byte("profile: author-code\ndata: {set: cifar-10}\n"))})
	if err != nil || short.DivergedAt != "epoch" || short.Model.EvalBatch != 128 || short.Model.Conv != "auto" {
		t.Errorf("%s, %d, %s, %v", short.DivergedAt, short.Model.EvalBatch, short.Model.Conv, err)
	}
	old := short
	old.DivergedAt, old.Model.EvalBatch, old.Model.Conv = "step", 80, "direct"
	for _, c := range []config.Config{short, old} {
		again, _, err := resolve([]*layer{parseFile("whole", c.YAML())})
		if err != nil || again.DivergedAt != c.DivergedAt || again.Model.EvalBatch != c.Model.EvalBatch || again.Model.Conv != c.Model.Conv {
			t.Errorf("read again: %s, %d, %s, %v", again.DivergedAt, again.Model.EvalBatch, again.Model.Conv, err)
		}
	}
}

// TestEverySetHasItsProfilesModel: a file that names a set alone has the default
// profile's settings for that set.
func TestEverySetHasItsProfilesModel(t *testing.T) {
	for set, want := range map[string]string{"fashion-mnist": "lenet", "mnist": "mlp", "cifar-10": "resnet18"} {
		for _, profile := range []string{"", "profile: paper\n"} {
			c, _, err := resolve([]*layer{parseFile("x", []byte(profile+"data: {set: "+set+"}\n"))})
			if err != nil || c.Model.Name != want {
				t.Errorf("%q, %s: model %s, %v, want %s", profile, set, c.Model.Name, err, want)
			}
		}
	}
}
