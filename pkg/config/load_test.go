package config

import (
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

var update = flag.Bool("update", false, "rewrite the expected outputs in testdata")

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
		t.Errorf("%s (go test ./pkg/config -update writes it anew):\ngot:\n%s\nwant:\n%s", file, got, want)
	}
}

// writeFile writes a file into a folder of the test's and returns its path.
func writeFile(t testing.TB, dir, name, text string) string {
	t.Helper()
	file := filepath.Join(dir, name)
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return file
}

// changed lists the keys in which c differs from the defaults, in their order.
func changed(c Config) string {
	var b strings.Builder
	for _, change := range changes(Defaults(), c) {
		fmt.Fprintln(&b, change)
	}
	return b.String()
}

func TestGoodFiles(t *testing.T) {
	t.Chdir("testdata")
	files, _ := filepath.Glob("*.good.yml")
	if len(files) == 0 {
		t.Fatal("there are none")
	}
	for _, file := range files {
		t.Run(file, func(t *testing.T) {
			c, err := Load([]string{file}, nil)
			if err != nil {
				t.Fatal(err)
			}
			golden(t, strings.TrimSuffix(file, ".yml")+".txt", changed(c))
			checkReload(t, c)
		})
	}
}

func TestBadFiles(t *testing.T) {
	t.Chdir("testdata")
	files, _ := filepath.Glob("*.bad.yml")
	if len(files) == 0 {
		t.Fatal("there are none")
	}
	for _, file := range files {
		t.Run(file, func(t *testing.T) {
			_, err := Load([]string{file}, nil)
			if err == nil {
				t.Fatal("it was accepted")
			}
			golden(t, strings.TrimSuffix(file, ".yml")+".txt", err.Error()+"\n")
		})
	}
}

// checkReload writes c as a run does and reads it again.
func checkReload(t testing.TB, c Config) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "config.yaml")
	if err := os.WriteFile(file, c.YAML(), 0o644); err != nil {
		t.Fatal(err)
	}
	again, err := Load([]string{file}, nil)
	if err != nil {
		t.Fatalf("%v\n%s", err, c.YAML())
	}
	if changes(again, c) != nil || again.Hash() != c.Hash() {
		t.Errorf("read again, the configuration is another:\n%s\nwas:\n%s", again.YAML(), c.YAML())
	}
}

// Every profile survives being written and read, whatever is set over it.
func TestReload(t *testing.T) {
	for _, profile := range Profiles() {
		c, err := Load(nil, []string{"profile=" + profile, "name=", "optimizer.lr=1e-300",
			"optimizer.weight_decay=1e+300", "data.dir=true"})
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
			c, err := Load(nil, []string{key + "=" + text})
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
		_, err := Load([]string{path}, nil)
		if got := fmt.Sprint(err); got != "--config "+path+": "+want {
			t.Errorf("got %s, want %s", got, want)
		}
		_, err = Load([]string{writeFile(t, ".", "a.yaml", "base: "+path+"\n")}, nil)
		if got := fmt.Sprint(err); got != "a.yaml:1: base "+path+": "+want {
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
	c, err := Load([]string{fmt.Sprintf("/dev/fd/%d", read.Fd())}, nil)
	if err != nil || c.Epochs != 3 {
		t.Errorf("from an open pipe: %d epochs, %v, want 3", c.Epochs, err)
	}
}

// A run's file says everything itself: no profile can change it later.
func TestResolvedFileNeedsNoProfile(t *testing.T) {
	c, err := Load(nil, []string{"profile=author-code"})
	if err != nil {
		t.Fatal(err)
	}
	l := parseFile("config.yaml", c.YAML())
	for _, s := range settings {
		if s.written.effect == nil && s.written.before == nil && l.origin[s.path] == "" {
			t.Errorf("%s is not in it", s.path)
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
			continue // see TestGrids of package sweep
		}
		c, err := Load([]string{file}, nil)
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

func TestLoad(t *testing.T) {
	t.Chdir("testdata")
	tests := []struct {
		name string
		file string // none if empty
		sets []string
		want string // changed keys, or the error
	}{
		{"none", "", nil, ""},
		{"--set over the file", "base.good.yml", []string{"optimizer.lr=2", "data.clients=9"},
			"name=base.good\nseed=5\ndata.clients=9\ndata.batch=2\noptimizer.lr=2\n"},
		{"the last --set counts", "", []string{"seed=2", "seed=3"}, "seed=3\n"},
		{"a profile", "", []string{"optimizer.lr=0.5", "profile=corrected"}, `profile=corrected
data.partition=pooled
data.batch=16
corruption.feature.clip=true
corruption.feature.amount=0.95
corruption.gradient.scale=5
aggregator.solver=vardi-zhang
aggregator.stop=step
aggregator.eps=1e-05
aggregator.max_iter=50
aggregator.block.memory=client
optimizer.lr=0.5
schedule.factor=0.9
`},
		{"name of its own", "minimal.good.yml", []string{"name=mine"}, "name=mine\nseed=7\n"},
		{"name of all sorts", "own-key-over-profile.good.yml", []string{"name=a b"},
			`--set name=a b: name is "a b", want at most 100 letters, digits and . _ -, not a dot first`},
		{"every mistake", "", []string{"seed", "sede=1", "data=1", "base=x",
			"seed=1.5", "epochs=0", "optimizer.lr=[", "workers="},
			`--set seed: want key=value
--set sede=1: unknown key "sede", did you mean seed? (have name, profile, seed, epochs, workers, diverged_loss, diverged_at, data, model, corruption, aggregator, optimizer, schedule)
--set data=1: data is a section, want one of its keys: set, dir, partition, clients, batch, shards, alpha, crop, flip
--set base=x: base can be set in a file only
--set seed=1.5: seed is 1.5, want an integer (≥ 0)
--set optimizer.lr=[: optimizer.lr is [, want a number (> 0)
--set workers=: workers is empty, want an integer (0 to 100000)
--set epochs=0: epochs is 0, want 1 to 100000`},
		{"no such file", "nowhere.yml", nil, "--config nowhere.yml: no such file or directory"},
		{"a folder", ".", nil, "--config .: it is a folder, want a regular file"},
		{"a list", "", []string{"model.widths= [ 30,20 ]"}, "model.widths=[30, 20]\n"},
		{"an empty list", "", []string{"model.widths=[ ]"}, "model.widths=[]\n"},
		{"no list", "", []string{"model.widths=[1, 2] # [3]", "model.widths=[1\n---\n2]", "model.widths=7",
			"model.widths=[[1]]", "model.widths=[1,]"},
			`--set model.widths=[1, 2] # [3]: model.widths has in place 2 what is 2] # [3, want an integer (up to 100, each 1 to 1000000)
--set "model.widths=[1\n---\n2]": model.widths has in place 1 what is "1\n---\n2", want an integer (up to 100, each 1 to 1000000)
--set model.widths=7: model.widths is 7, want a list of integers, such as [200, 100] (up to 100, each 1 to 1000000)
--set model.widths=[[1]]: model.widths has in place 1 what is [1], want an integer (up to 100, each 1 to 1000000)
--set model.widths=[1,]: model.widths has in place 2 what is empty, want an integer (up to 100, each 1 to 1000000)`},
		{"numbers with a tail", "", []string{"epochs=5 # or 6", "seed=5\n---\n6", "data.flip=&a true", "optimizer.lr='1'"},
			`--set epochs=5 # or 6: epochs is 5 # or 6, want an integer (1 to 100000)
--set "seed=5\n---\n6": seed is "5\n---\n6", want an integer (≥ 0)
--set data.flip=&a true: data.flip is &a true, want true or false
--set optimizer.lr='1': optimizer.lr is '1', want a number (> 0)`},
		{"quotes in a name", "", []string{`name="x"`},
			`--set name="x": name is "\"x\"", want at most 100 letters, digits and . _ -, not a dot first`},
		{"no UTF-8", "", []string{"model.init=\xff"}, `--set "model.init=\xff": model.init is "\xff", want text in UTF-8`},
		{"a long list", "", []string{"model.widths=[" + strings.Repeat("1,", 100) + "1]"},
			"--set model.widths=[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,…: " +
				"model.widths is [1, 1, 1, 1, 1, 1, 1, 1, 1, 1… (101 numbers), want up to 100, each 1 to 1000000"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var files []string
			if tt.file != "" {
				files = []string{tt.file}
			}
			c, err := Load(files, tt.sets)
			got := ""
			if err != nil {
				got = err.Error()
			} else {
				got = changed(c)
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
	files, _ := filepath.Glob("testdata/*.yml")
	for _, file := range files {
		source, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(source)
	}
	f.Fuzz(func(t *testing.T, source []byte) {
		c, problems := Merge(parseFile("fuzz.yaml", source))
		if problems != nil {
			return
		}
		if err := c.Validate(); err != nil {
			t.Fatalf("accepted, but %v", err)
		}
		again, problems := Merge(parseFile("config.yaml", c.YAML()))
		if problems != nil {
			t.Fatalf("%v\n%s", problems, c.YAML())
		}
		if changes(again, c) != nil || again.Hash() != c.Hash() {
			t.Fatalf("read again, the configuration is another:\n%s\nwas:\n%s", again.YAML(), c.YAML())
		}
	})
}
