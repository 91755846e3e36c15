package sweep

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The records of Table 2 were begun by bgmd run, before there were grids and when
// divergence was looked for at every step. The grid has to find them, but for those
// that diverged: these are the folders of some.
func TestTable2Folders(t *testing.T) {
	out := "../../results/table2/fashion-mnist"
	f := Spec{File: "../../configs/table2/fashion-mnist.yaml", Sets: []string{"epochs=5"}, Out: out}
	runs, _, err := f.Runs()
	if err != nil {
		t.Fatal(err)
	}
	if len(runs) != 44 {
		t.Errorf("the grid has %d runs, want 11 settings × 4 aggregators", len(runs))
	}
	have := map[string]Run{}
	for _, r := range runs {
		have[r.Dir] = r
	}
	for _, dir := range []string{
		"clean-sgd/seed-1-d5ab62a9", "clean-cmd/seed-1-bf1cd22c", "clean-bgmd/seed-1-60a9ecdb", "clean-gmd/seed-1-62015fed",
		"bitflip20-cmd/seed-1-03ab0aa5", "bitflip20-gmd/seed-1-416a6182",
		"bitflip40-cmd/seed-1-0fb63405", "bitflip40-bgmd/seed-1-7f43d39c",
		"additive20-cmd/seed-1-8d067b4d",
	} {
		if have[filepath.Join(out, dir)].Dir == "" {
			t.Errorf("no run in %s", dir)
		}
	}
	if diverged := "bitflip20-sgd/seed-1-5620f5ee"; have[filepath.Join(out, diverged)].Dir != "" {
		t.Errorf("a run that diverged at a step, %s, is taken for one to be judged at an epoch's end", diverged)
	}
	for name, beta := range map[string]float64{"clean-bgmd": 0.05, "additive40-bgmd": 0.2, "additive20-bgmd": 0.1, "backdoor40-gmd": 1} {
		f.Only = name
		runs, _, err := f.Runs()
		if err != nil || len(runs) != 1 || runs[0].Config.Aggregator.Block.Fraction != beta {
			t.Errorf("%s: %v, %v, want one run with a block of %g", name, runs, err, beta)
		}
	}
}

// TestGrids: every grid in configs can be swept over.
func TestGrids(t *testing.T) {
	grids := 0
	err := filepath.WalkDir("../../configs", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil || !strings.Contains(string(text), "\ngrid:\n") {
			return err
		}
		grids++
		if _, _, err := (Spec{File: path}).Runs(); err != nil {
			t.Error(err)
		}
		return nil
	})
	if err != nil || grids < 3 {
		t.Errorf("%d grids, %v, want at least 3", grids, err)
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

func TestSweepLayers(t *testing.T) {
	dir := t.TempDir()
	writeFile(t, dir, "lowest.yaml", "profile: author-code\noptimizer: {lr: 5}\nname: unused\n")
	writeFile(t, dir, "base.yaml", "base: lowest.yaml\nepochs: 7\n")
	f := Spec{Out: "out", File: writeFile(t, dir, "grid.yaml", `
base: base.yaml
config: {epochs: 8, optimizer: {lr: 4, momentum: 0.1}}
seeds: [3, 1]
grid:
  optimizer.lr: [3, 1e-2]
  z:
    b: {optimizer: {momentum: 0.2}}
    a: {}
exclude:
  - {optimizer.lr: 1e-2, z: b}
override:
  - {when: {z: b}, config: {epochs: 9}}
  - {when: {z: b, optimizer.lr: 3}, config: {epochs: 10}}
`)}
	list := func() string {
		t.Helper()
		runs, _, err := f.Runs()
		if err != nil {
			t.Fatal(err)
		}
		var b strings.Builder
		for _, r := range runs {
			c := r.Config
			if want := filepath.Join("out", c.Folder()); r.Dir != want {
				t.Errorf("folder %s, want %s", r.Dir, want)
			}
			fmt.Fprintln(&b, r, c.Profile, c.Epochs, c.Optimizer.LR, c.Optimizer.Momentum)
		}
		return b.String()
	}
	check := func(want string) {
		t.Helper()
		if got := list(); got != want {
			t.Errorf("got:\n%swant:\n%s", got, want)
		}
	}
	check(`lr-3-b seed 3 author-code 10 3 0.2
lr-3-b seed 1 author-code 10 3 0.2
lr-3-a seed 3 author-code 8 3 0.1
lr-3-a seed 1 author-code 8 3 0.1
lr-1e-2-a seed 3 author-code 8 0.01 0.1
lr-1e-2-a seed 1 author-code 8 0.01 0.1
`)
	f.Sets, f.Seeds, f.Only = []string{"epochs=2"}, []uint{9}, "*-b,lr-1e*"
	check("lr-3-b seed 9 author-code 2 3 0.2\nlr-1e-2-a seed 9 author-code 2 0.01 0.1\n")
}

// What is allowed but hardly meant is said once, with its runs, and only of runs
// that are wanted.
func TestSweepWarnings(t *testing.T) {
	t.Chdir(t.TempDir())
	f := Spec{File: writeFile(t, ".", "g.yaml", "seeds: [1, 2]\ngrid:\n  corruption.gradient.kind: [none, bitflip]\n  optimizer.lr: [1, 2]\n")}
	const warning = `g.yaml:3: corruption.gradient.kind is "bitflip", but nothing is corrupt: corruption.gradient.fraction is 0 (corruption.gradient.fraction: profile paper), in `
	for only, want := range map[string]string{
		"":           warning + "runs kind-bitflip-lr-1, kind-bitflip-lr-2",
		"*lr-1":      warning + "run kind-bitflip-lr-1",
		"kind-none*": "<nil>",
	} {
		f.Only = only
		_, warnings, err := f.Runs()
		if got := fmt.Sprint(errors.Join(warnings...)); err != nil || got != want {
			t.Errorf("--only %q: got %s, %v, want %s", only, got, err, want)
		}
	}
}

// manySeeds is a line of a grid's file.
func manySeeds(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, ", %d", i)
	}
	return "seeds: [" + b.String()[2:] + "]\n"
}

func TestSweepConfigErrors(t *testing.T) {
	t.Chdir(t.TempDir())
	const grid = "grid: {a: {x: {}, y: {}}}\n"
	tests := []struct {
		name, source string
		spec         Spec
		want         string
	}{
		{"of every run, once", "config: {sede: 1}\ngrid:\n  optimizer.lr: [0.1, x, -1]\n  a: {b: {epochs: 0}, c: {}}\n", Spec{},
			`g.yaml:1: unknown key "sede", did you mean seed? (have name, profile, seed, epochs, workers, diverged_loss, diverged_at, data, model, corruption, aggregator, optimizer, schedule)
g.yaml:4: epochs is 0, want 1 to 100000
g.yaml:3: optimizer.lr is x, want a number (> 0)
g.yaml:3: optimizer.lr is -1, want > 0`},
		{"keys that clash", "config: {data: {clients: 10}}\ngrid:\n  corruption.gradient.kind: [none, alie]\n  corruption.gradient.fraction: [0.2, 0.3]\n", Spec{},
			`g.yaml:3: corruption.gradient.kind is "alie", which with 2 of 10 clients corrupt has no z > 0 that hides: ` +
				`set corruption.gradient.z > 0, or corrupt 3 to 7 of 10 ` +
				`(corruption.gradient.fraction: g.yaml:4, data.clients: g.yaml:1, corruption.gradient.z: profile paper), in run kind-alie-fraction-0.2`},
		{"a rule that cannot run", "config: {aggregator: {rule: krum}, corruption: {gradient: {kind: bitflip}}}\ngrid:\n  corruption.gradient.fraction: [0.5, 0.1]\n  optimizer.lr: [1, 2, 3, 4]\n",
			Spec{Sets: []string{"data.clients=10"}},
			`g.yaml:1: aggregator.rule cannot run: rule "krum": n = 10 clients and f = 5 corrupt, want n > 2f + 2 ` +
				`(data.clients: --set data.clients=10, aggregator.f: profile paper, corruption.gradient.fraction: g.yaml:3), ` +
				`in runs fraction-0.5-lr-1, fraction-0.5-lr-2, fraction-0.5-lr-3 and 1 more`},
		{"keys of the sweep's own", "config: {seed: 1}\ngrid:\n  a:\n    x: {name: n}\n    y: {base: f.yaml}\n", Spec{Sets: []string{"workers=1"}},
			`g.yaml:1: a sweep has no use for seed: use seeds at the top of the file, or --seeds
g.yaml:4: a sweep has no use for name: runs are named after the grid's variants
--set workers=1: a sweep has no use for workers: use --jobs, which share the cores
g.yaml:5: base belongs at the top of the file`},
		{"no base", "base: nowhere.yaml\n" + grid, Spec{}, `g.yaml:1: base nowhere.yaml: no such file or directory`},
		{"an axis that is no key", "grid:\n  optimizer.momentun: [1]\n", Spec{},
			`g.yaml:2: unknown key "optimizer.momentun", did you mean optimizer.momentum? (have kind, lr, momentum, nesterov, weight_decay, beta1, beta2, eps)`},
		{"only", grid, Spec{Only: "x,z*"}, `--only: no run matches "z*" (have x, y)`},
		{"only, a bad pattern", grid, Spec{Only: "[x"}, `--only has "[x", want a pattern such as clean-*`},
		{"more runs than any machine trains", manySeeds(50_001) + grid, Spec{}, "g.yaml: 2 combinations × 50001 seeds, want at most 100000 runs"},
		{"seeds", grid, Spec{Seeds: []uint{1, 1}}, `--seeds has 1 twice`},
		{"one value twice", "grid:\n  optimizer.lr: [0.1, 1e-1]\n", Spec{}, `g.yaml:2: axis optimizer.lr has 0.1 and 1e-1, which are one value`},
		{"one configuration under two names", "seeds: [1, 2]\ngrid: {a: {x: {}, y: {optimizer: {momentum: 0.5}}, z: {optimizer: {momentum: 5e-1}}}}\n", Spec{},
			`g.yaml: the runs y and z have one configuration`},
		{"an axis that --set overrides", "grid: {epochs: [1, 2]}\n", Spec{Sets: []string{"epochs=3"}}, `g.yaml: the runs epochs-1 and epochs-2 have one configuration`},
		{"a long name", "grid: {a: {" + strings.Repeat("x", 101) + ": {}}}", Spec{},
			`g.yaml: name is "` + strings.Repeat("x", 60) + `"…, want at most 100 letters, digits and . _ -, not a dot first`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.spec.File = writeFile(t, ".", "g.yaml", tt.source)
			_, _, err := tt.spec.Runs()
			if got := fmt.Sprint(err); got != tt.want {
				t.Errorf("got:\n%s\nwant:\n%s", got, tt.want)
			}
		})
	}
	for path, want := range map[string]string{"nowhere.yaml": "no such file or directory", "/dev/zero": "it is a device, want a regular file"} {
		_, _, err := Spec{File: path}.Runs()
		if got := fmt.Sprint(err); got != "--config "+path+": "+want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}
