package config

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

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
		c, problems := Merge(parseFile(path, text))
		if problems != nil {
			t.Errorf("%s: %v", path, problems)
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

// TestHashesHold: configs with one thing set, such as each rule, have the hashes that
// the program gave them which wrote the committed records, whatever options and keys have
// come since. A line is the first eight digits and what is set.
func TestHashesHold(t *testing.T) {
	text, err := os.ReadFile("testdata/hashes.txt")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		fields := strings.Fields(line)
		c, err := Load(nil, fields[1:])
		if err != nil || c.Hash()[:8] != fields[0] {
			t.Errorf("%v: hash is %.8s, %v, want %s:\n%s", fields[1:], c.Hash(), err, fields[0], c.YAML())
		}
	}
}

// TestEverySetHasItsProfilesModel: a file that names a set alone has the default
// profile's settings for that set.
func TestEverySetHasItsProfilesModel(t *testing.T) {
	for set, want := range map[string]string{"fashion-mnist": "lenet", "mnist": "mlp", "cifar-10": "resnet18"} {
		for _, profile := range []string{"", "profile: paper\n"} {
			c, problems := Merge(parseFile("x", []byte(profile+"data: {set: "+set+"}\n")))
			if problems != nil || c.Model.Name != want {
				t.Errorf("%q, %s: model %s, %v, want %s", profile, set, c.Model.Name, problems, want)
			}
		}
	}
}
