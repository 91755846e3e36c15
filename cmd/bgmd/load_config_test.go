package main

import (
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/spf13/cobra"
	"go.yaml.in/yaml/v3"

	"github.com/bgmd/bgmd/pkg/config"
)

var update = flag.Bool("update", false, "rewrite the expected outputs in testdata")

// load returns the configuration that a command with the given flags runs.
func load(t testing.TB, args ...string) (config.Config, error) {
	t.Helper()
	cmd := &cobra.Command{}
	addConfigFlags(cmd)
	if err := cmd.ParseFlags(args); err != nil {
		t.Fatal(err)
	}
	c, _, err := loadConfig(cmd)
	return c, err
}

// golden compares got with a file, or writes the file with -update.
func golden(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s (go test ./cmd/bgmd -update writes it anew):\ngot:\n%s\nwant:\n%s", file, got, want)
	}
}

// flat returns the keys of a configuration with their values.
func flat(t testing.TB, c config.Config) map[string]any {
	t.Helper()
	var tree map[string]any
	if err := yaml.Unmarshal(c.YAML(), &tree); err != nil {
		t.Fatal(err)
	}
	keys := map[string]any{}
	var walk func(prefix string, tree map[string]any)
	walk = func(prefix string, tree map[string]any) {
		for name, v := range tree {
			if sub, ok := v.(map[string]any); ok {
				walk(joinKey(prefix, name), sub)
			} else {
				keys[joinKey(prefix, name)] = v
			}
		}
	}
	walk("", tree)
	return keys
}

// changed lists the keys in which c differs from the defaults.
func changed(t testing.TB, c config.Config) string {
	t.Helper()
	defaults := flat(t, config.Defaults())
	keys := flat(t, c)
	var b strings.Builder
	for _, path := range slices.Sorted(maps.Keys(keys)) {
		if !reflect.DeepEqual(keys[path], defaults[path]) {
			if text, ok := keys[path].(string); ok {
				fmt.Fprintf(&b, "%s: %q\n", path, text)
			} else {
				fmt.Fprintf(&b, "%s: %v\n", path, keys[path])
			}
		}
	}
	return b.String()
}

func TestGoodFiles(t *testing.T) {
	t.Chdir("testdata/config")
	files, _ := filepath.Glob("*.good.yml")
	if len(files) == 0 {
		t.Fatal("there are none")
	}
	for _, file := range files {
		t.Run(file, func(t *testing.T) {
			c, err := load(t, "--config", file)
			if err != nil {
				t.Fatal(err)
			}
			golden(t, strings.TrimSuffix(file, ".yml")+".txt", changed(t, c))
			checkReload(t, c)
		})
	}
}

func TestBadFiles(t *testing.T) {
	t.Chdir("testdata/config")
	files, _ := filepath.Glob("*.bad.yml")
	if len(files) == 0 {
		t.Fatal("there are none")
	}
	for _, file := range files {
		t.Run(file, func(t *testing.T) {
			_, err := load(t, "--config", file)
			if err == nil {
				t.Fatal("it was accepted")
			}
			if !errors.Is(err, errConfig) {
				t.Errorf("error is not an errConfig: %v", err)
			}
			golden(t, strings.TrimSuffix(file, ".yml")+".txt", err.Error()+"\n")
		})
	}
}

// checkReload writes c as a run does and reads it again.
func checkReload(t testing.TB, c config.Config) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "config.yaml")
	if err := os.WriteFile(file, c.YAML(), 0o644); err != nil {
		t.Fatal(err)
	}
	again, err := load(t, "--config", file)
	if err != nil {
		t.Fatalf("%v\n%s", err, c.YAML())
	}
	if !reflect.DeepEqual(again, c) || again.Hash() != c.Hash() {
		t.Errorf("read again, the configuration is another:\n%s\nwas:\n%s", again.YAML(), c.YAML())
	}
}

// Every profile survives being written and read, whatever is set over it.
func TestReload(t *testing.T) {
	for _, profile := range config.Profiles() {
		c, err := load(t, "--set", "profile="+profile, "--set", "name=", "--set", "optimizer.lr=1e-300",
			"--set", "optimizer.weight_decay=1e+300", "--set", "data.dir=true")
		if err != nil {
			t.Fatal(err)
		}
		checkReload(t, c)
	}
}

// Text on the command line is taken to the letter, and reads back from the file
// that a run writes.
func TestSetText(t *testing.T) {
	for _, text := range []string{
		"/tmp/my #1 data", "a: b", " a ", "\ta", "'a'", `"a"`, `C:\data\new`, "null", "~", "yes", "true", "1e3", "010", "[a]", "{a: b}",
		"&a", "*a", "!a", "!!binary YQ==", "a=b", "- a", "? a", "|", ">", "%a", "@a", "`a`", "---", "...", "#", "<<", "=", "2026-01-02",
		"a\nb", "a\r\nb", "\n", "a\n", "\na\n\n", "a\u0085b", "a\u2028b", "\ufeffa", "\x01", "日本 語", "e\u0301", "🙂",
	} {
		for _, key := range []string{"data.dir", "model.init"} {
			c, err := load(t, "--set", key+"="+text)
			if err != nil {
				t.Errorf("%q: %v", text, err)
				continue
			}
			if got := map[string]string{"data.dir": c.Data.Dir, "model.init": c.Model.Init}[key]; got != text {
				t.Errorf("%s=%q gives %q", key, text, got)
			}
			checkReload(t, c)
		}
	}
}

// What is no file, or larger than any configuration, is refused at once. What the
// shell has opened for the program is read, whatever it is.
func TestSources(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	if err := syscall.Mkfifo("pipe", 0o600); err != nil {
		t.Fatal(err)
	}
	writeFile(t, dir, "large.yaml", strings.Repeat("#", 1<<20)+"\n")
	for path, want := range map[string]string{
		"pipe": "it is a pipe, want a regular file", "/dev/zero": "it is a device, want a regular file",
		"large.yaml": "it is larger than 1 MiB, want a configuration",
	} {
		_, err := load(t, "--config", path)
		if got := fmt.Sprint(err); got != "--config "+path+": "+want {
			t.Errorf("got %s, want %s", got, want)
		}
		_, err = load(t, "--config", writeFile(t, ".", "a.yaml", "base: "+path+"\n"))
		if got := fmt.Sprint(err); got != "a.yaml:1: base "+path+": "+want {
			t.Errorf("got %s, want %s", got, want)
		}
		_, _, err = (&sweepFlags{file: path}).runs()
		if got := fmt.Sprint(err); got != "--config "+path+": "+want {
			t.Errorf("got %s, want %s", got, want)
		}
	}

	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer read.Close()
	if _, err := write.WriteString("epochs: 3\n"); err != nil {
		t.Fatal(err)
	}
	if err := write.Close(); err != nil {
		t.Fatal(err)
	}
	c, err := load(t, "--config", fmt.Sprintf("/dev/fd/%d", read.Fd()))
	if err != nil || c.Epochs != 3 {
		t.Errorf("from an open pipe: %d epochs, %v, want 3", c.Epochs, err)
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

// A run's file says everything itself: no profile can change it later.
func TestResolvedFileNeedsNoProfile(t *testing.T) {
	c, err := load(t, "--set", "profile=author-code")
	if err != nil {
		t.Fatal(err)
	}
	l := parseFile("config.yaml", c.YAML())
	for _, key := range config.Keys() {
		if strings.HasPrefix(key.Path, "aggregator.") && !strings.HasPrefix(key.Path, "aggregator.block.") {
			continue // some are left out where they have no effect
		}
		if slices.Contains([]string{"data.shards", "data.alpha", "data.crop", "data.flip", "schedule.warmup",
			"optimizer.kind", "optimizer.beta1", "optimizer.beta2", "optimizer.eps",
			"model.widths", "model.stem", "model.buffers", "model.eval_batch_stats", "model.eval_batch", "model.init"}, key.Path) {
			continue
		}
		if strings.HasSuffix(key.Path, ".z") || strings.HasSuffix(key.Path, ".epsilon") {
			continue
		}
		if l.origin[key.Path] == "" {
			t.Errorf("%s is not in it", key.Path)
		}
	}
}

func TestConfigs(t *testing.T) {
	var files []string
	err := filepath.WalkDir("../../configs", func(path string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			files = append(files, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]string{}
	for _, file := range files {
		if filepath.Ext(file) != ".yaml" {
			t.Errorf("%s: want only .yaml files", file)
			continue
		}
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(text), "\ngrid:\n") {
			if _, _, err := (&sweepFlags{file: file}).runs(); err != nil {
				t.Errorf("%v", err)
			}
			continue
		}
		c, err := load(t, "--config", file)
		if err != nil {
			t.Errorf("%v", err)
			continue
		}
		if other := names[c.Name]; other != "" && c.Name != "base" {
			t.Errorf("%s and %s are both called %s", file, other, c.Name)
		}
		names[c.Name] = file
		checkReload(t, c)
	}
	if len(names) < 10 {
		t.Errorf("found %d files, want at least 10", len(names))
	}
}

func TestFlags(t *testing.T) {
	t.Chdir("testdata/config")
	tests := []struct {
		name string
		args []string
		want string // changed keys, or the error
	}{
		{"none", nil, ""},
		{"--set over the file", []string{"-c", "base.good.yml", "--set", "optimizer.lr=2", "--set", "data.clients=9"},
			"data.batch: 2\ndata.clients: 9\nname: \"base.good\"\noptimizer.lr: 2\nseed: 5\n"},
		{"the last --set counts", []string{"--set", "seed=2", "--set", "seed=3"}, "seed: 3\n"},
		{"--seed over --set", []string{"--seed", "4", "--set", "seed=3"}, "seed: 4\n"},
		{"--seed 0 is a seed", []string{"--seed", "0"}, "seed: 0\n"},
		{"a profile", []string{"--set", "optimizer.lr=0.5", "--set", "profile=corrected"},
			"aggregator.block.memory: \"client\"\naggregator.eps: 1e-05\naggregator.max_iter: 50\n" +
				"aggregator.solver: \"vardi-zhang\"\naggregator.stop: \"step\"\ncorruption.feature.amount: 0.95\n" +
				"corruption.feature.clip: true\ncorruption.gradient.scale: 5\ndata.batch: 16\n" +
				"data.partition: \"pooled\"\noptimizer.lr: 0.5\nprofile: \"corrected\"\nschedule.factor: 0.9\n"},
		{"name of its own", []string{"-c", "minimal.good.yml", "--set", "name=mine"}, "name: \"mine\"\nseed: 7\n"},
		{"name of all sorts", []string{"-c", "own-key-over-profile.good.yml", "--set", "name=a b"},
			`--set name=a b: name is "a b", want at most 100 letters, digits and . _ -, not a dot first`},
		{"every mistake", []string{"--set", "seed", "--set", "sede=1", "--set", "data=1", "--set", "base=x",
			"--set", "seed=1.5", "--set", "epochs=0", "--set", "optimizer.lr=[", "--set", "workers="},
			`--set seed: want key=value
--set sede=1: unknown key "sede", did you mean seed? (have name, profile, seed, epochs, workers, diverged_loss, diverged_at, data, model, corruption, aggregator, optimizer, schedule)
--set data=1: data is a section, want one of its keys: set, dir, partition, clients, batch, shards, alpha, crop, flip
--set base=x: base can be set in a file only
--set seed=1.5: seed is 1.5, want an integer (≥ 0)
--set optimizer.lr=[: optimizer.lr is [, want a number (> 0)
--set workers=: workers is empty, want an integer (0 to 100000)
--set epochs=0: epochs is 0, want 1 to 100000`},
		{"no such file", []string{"-c", "nowhere.yml"}, "--config nowhere.yml: no such file or directory"},
		{"a folder", []string{"-c", "."}, "--config .: it is a folder, want a regular file"},
		{"a list", []string{"--set", "model.widths= [ 30,20 ]"}, "model.widths: [30 20]\n"},
		{"an empty list", []string{"--set", "model.widths=[ ]"}, "model.widths: []\n"},
		{"no list", []string{"--set", "model.widths=[1, 2] # [3]", "--set", "model.widths=[1\n---\n2]", "--set", "model.widths=7",
			"--set", "model.widths=[[1]]", "--set", "model.widths=[1,]"},
			`--set model.widths=[1, 2] # [3]: model.widths has in place 2 what is 2] # [3, want an integer (up to 100, each 1 to 1000000)
--set "model.widths=[1\n---\n2]": model.widths has in place 1 what is "1\n---\n2", want an integer (up to 100, each 1 to 1000000)
--set model.widths=7: model.widths is 7, want a list of integers, such as [200, 100] (up to 100, each 1 to 1000000)
--set model.widths=[[1]]: model.widths has in place 1 what is [1], want an integer (up to 100, each 1 to 1000000)
--set model.widths=[1,]: model.widths has in place 2 what is empty, want an integer (up to 100, each 1 to 1000000)`},
		{"numbers with a tail", []string{"--set", "epochs=5 # or 6", "--set", "seed=5\n---\n6", "--set", "data.flip=&a true", "--set", "optimizer.lr='1'"},
			`--set epochs=5 # or 6: epochs is 5 # or 6, want an integer (1 to 100000)
--set "seed=5\n---\n6": seed is "5\n---\n6", want an integer (≥ 0)
--set data.flip=&a true: data.flip is &a true, want true or false
--set optimizer.lr='1': optimizer.lr is '1', want a number (> 0)`},
		{"quotes in a name", []string{"--set", `name="x"`},
			`--set name="x": name is "\"x\"", want at most 100 letters, digits and . _ -, not a dot first`},
		{"no UTF-8", []string{"--set", "model.init=\xff"}, `--set "model.init=\xff": model.init is "\xff", want text in UTF-8`},
		{"a long list", []string{"--set", "model.widths=[" + strings.Repeat("1,", 100) + "1]"},
			"--set model.widths=[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,…: " +
				"model.widths is [1, 1, 1, 1, 1, 1, 1, 1, 1, 1… (101 numbers), want up to 100, each 1 to 1000000"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c, err := load(t, tt.args...)
			got := ""
			if err != nil {
				got = err.Error()
			} else {
				got = changed(t, c)
			}
			if got != tt.want {
				t.Errorf("got:\n%s\nwant:\n%s", got, tt.want)
			}
		})
	}
}

// Whatever a file holds, reading it returns a valid configuration or says where
// it is wrong.
func FuzzParseFile(f *testing.F) {
	files, _ := filepath.Glob("testdata/config/*.yml")
	for _, file := range files {
		source, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(source)
	}
	f.Fuzz(func(t *testing.T, source []byte) {
		c, _, err := resolve([]*layer{parseFile("fuzz.yaml", source)})
		if err != nil {
			return
		}
		if err := c.Validate(); err != nil {
			t.Fatalf("accepted, but %v", err)
		}
		again, _, err := resolve([]*layer{parseFile("config.yaml", c.YAML())})
		if err != nil {
			t.Fatalf("%v\n%s", err, c.YAML())
		}
		if !reflect.DeepEqual(again, c) || again.Hash() != c.Hash() {
			t.Fatalf("read again, the configuration is another:\n%s\nwas:\n%s", again.YAML(), c.YAML())
		}
	})
}
