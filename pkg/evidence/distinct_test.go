package evidence

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/bgmd/bgmd/pkg/record"
)

// repeated are four runs of one configuration and three seeds, and a fifth of
// another configuration.
func repeated(t *testing.T) []*record.Run {
	t.Helper()
	halfway := ended("clean", "bgmd", 3, 3, 60, 61)
	halfway.status = record.Interrupted
	runs := write(t, []made{
		ended("clean", "bgmd", 3, 1, 60, 70, 80), ended("clean", "bgmd", 3, 2, 61, 71, 82),
		halfway, ended("clean", "bgmd", 3, 3, 60, 61, 84), ended("clean", "gmd", 3, 1, 50, 60, 70),
	})
	for i, r := range runs {
		r.Dir = fmt.Sprint("res/", i)
	}
	return runs
}

// another is a run with the same configuration in another folder, under another
// name, on another machine.
func another(run *record.Run, dir string) *record.Run {
	other := *run
	other.Dir, other.Epochs = dir, slices.Clone(run.Epochs)
	other.Config = []byte(strings.Replace(string(run.Config), "name: x", "name: y", 1))
	return &other
}

func TestDistinct(t *testing.T) {
	runs := repeated(t)
	differs := another(runs[1], "res/differs")
	differs.Epochs[2].TestAccuracy++
	rebuilt, elsewhere, otherData, other := another(differs, "res/rebuilt"), another(differs, "res/elsewhere"), another(differs, "res/data"), another(differs, "res/init")
	rebuilt.Environment.Commit = "another"
	elsewhere.Environment.Backend = "else\x1bwhere"
	otherData.Environment.DataFiles = []record.DataFile{{Name: "a", MD5: "1"}}
	other.Environment.Initial = &record.Initial{Name: "a", MD5: "1"}
	unreadable := []*record.Run{{Dir: "a", Config: []byte("epochs: [")}, {Dir: "b", Config: []byte("epochs: [")}}

	kept, err := Distinct(slices.Concat(runs, []*record.Run{another(runs[0], "res/a-b\xe9ckup"), differs, rebuilt, elsewhere, otherData, other}, unreadable))
	if want := []*record.Run{runs[0], runs[1], runs[3], runs[4], unreadable[0], unreadable[1]}; !slices.Equal(kept, want) {
		t.Errorf("kept %d runs, want the first of each that ended", len(kept))
	}
	const others = "has the configuration and seed of res/1, which is shown, but other metrics (digest "
	want := []string{
		"evidence: res/2 repeats res/3: the same configuration, seed and metrics",
		`evidence: res/a-b\xe9ckup repeats res/0: the same configuration, seed and metrics`,
		"evidence: res/differs " + others + "DIGESTS): they should be equal",
		"evidence: res/rebuilt " + others + "DIGESTS): they are of different builds of the program",
		"evidence: res/elsewhere " + others + `DIGESTS): its backend is else\x1bwhere, not , which rounds otherwise`,
		"evidence: res/data " + others + "DIGESTS): they read different files",
		"evidence: res/init " + others + "DIGESTS): they read different files",
	}
	digests := fmt.Sprintf("%.8s, not %.8s", record.Digest(differs.Epochs), record.Digest(runs[1].Epochs))
	if got, want := fmt.Sprint(err), strings.ReplaceAll(strings.Join(want, "\n"), "DIGESTS", digests); got != want {
		t.Errorf("error is\n%s\nwant\n%s", got, want)
	}
	again, err := Distinct(kept)
	if err != nil || !slices.Equal(again, kept) {
		t.Errorf("of distinct runs: %d of %d, %v", len(again), len(kept), err)
	}
}

// A copied folder changes no figure anywhere: 82.00 ± 2.00 of three seeds.
// TestNewestIsKept: of runs that have ended, the one that was begun last is shown,
// wherever it stands in the list.
func TestNewestIsKept(t *testing.T) {
	older := repeated(t)[0]
	newer := another(older, "res/newer")
	newer.Environment.Start = older.Environment.Start.Add(time.Second)
	for _, runs := range [][]*record.Run{{older, newer}, {newer, older}} {
		if kept, err := Distinct(runs); !slices.Equal(kept, []*record.Run{newer}) || err == nil {
			t.Errorf("kept %v, %v, want the newer run, and an error that names the other", kept[0].Dir, err)
		}
	}
}

func TestCopiesDoNotCount(t *testing.T) {
	runs := repeated(t)
	copies := slices.Clone(runs)
	for i, r := range runs {
		copies = append(copies, another(r, fmt.Sprintf("res/%d-copy", i)))
	}
	for name, build := range map[string]func([]*record.Run) (*Table, error){
		"paper": func(r []*record.Run) (*Table, error) { return PaperTable(2, r, "author-code") },
		"runs":  func(r []*record.Run) (*Table, error) { return RunsTable("all", r, "author-code") },
	} {
		table, err := build(copies)
		m := cell(t, table, "clean", 3, "bgmd").Measured
		if m.N != 3 || m.String() != "82.00 ± 2.00 (3)" {
			t.Errorf("%s: %d runs, %s, want 82.00 ± 2.00 of 3", name, m.N, m)
		}
		if err == nil || strings.Count(err.Error(), "repeats") != 6 {
			t.Errorf("%s: error is %v, want six copies named", name, err)
		}
		const note = "clean, GMD: res/4-copy repeats res/4: the same configuration, seed and metrics."
		if !slices.Contains(table.Notes, note) {
			t.Errorf("%s: notes are %q, want %q", name, table.Notes, note)
		}
	}
	panels, _ := Panels(copies, "author-code", "fashion-mnist", "lenet", []string{"clean"})
	if got := len(panels[0].Runs["bgmd"]); got != 3 {
		t.Errorf("%d runs in a panel, want 3", got)
	}
	races, _ := Races(copies, "author-code", "fashion-mnist", "lenet")
	alone, _ := Races(runs, "author-code", "fashion-mnist", "lenet")
	if !slices.Equal(races, alone) {
		t.Errorf("races are %+v, want %+v", races, alone)
	}
	few := append(slices.Clone(copies), write(t, []made{{setting: "clean", aggregator: "sgd", epochs: 1, seed: 1, accuracy: []float64{1}, status: record.Finished, profile: "paper"}})...)
	for i := range 9 {
		few = append(few, another(few[len(few)-1], fmt.Sprint("res/paper-", i)))
	}
	if got := MainProfile(few); got != "author-code" {
		t.Errorf("the main profile is %s, that of one run and its copies", got)
	}
}

// A grid over a key that no row or column stands for loses none of its runs.
func TestRunsTableHasEveryRun(t *testing.T) {
	var runs []made
	for _, lr := range []string{"0.1", "0.01", "0.001"} {
		for seed := range uint64(2) {
			for _, setting := range []string{"clean", "bitflip40"} {
				run := ended(setting, "cmd", 3, seed, 50)
				run.extra = "optimizer: {lr: " + lr + "}\n"
				runs = append(runs, run)
			}
		}
	}
	halfway := ended("clean", "cmd", 3, 9, 60)
	halfway.status = record.Interrupted
	table, err := RunsTable("all", write(t, append(runs, halfway)), "author-code")
	if err != nil {
		t.Fatal(err)
	}
	counted := 0
	var labels []string
	for _, r := range table.Rows {
		for _, c := range r.Cells {
			counted += c.Measured.N
			if strings.Contains(c.Note, "left out") {
				t.Errorf("%s: %s", r.Label, c.Note)
			}
		}
		first := filepath.Base(r.Cells[0].Measured.Runs[0])
		label, folder, _ := strings.Cut(r.Label, ", ")
		if folder != "" && filepath.Base(folder) != first {
			t.Errorf("the row of %s is called %q", first, r.Label)
		}
		labels = append(labels, label)
	}
	if got := strings.Join(labels, ", "); counted != 12 || got != "clean, clean, clean, bit flip 40 %, bit flip 40 %, bit flip 40 %" {
		t.Errorf("%d of 12 runs in the rows %q", counted, got)
	}
	if note := table.Rows[0].Cells[0].Note; !strings.HasPrefix(note, "1 not ended: ") || !strings.HasSuffix(note, "run-12") {
		t.Errorf("note on the run that goes on: %q", note)
	}
	var b strings.Builder
	if err := table.Write(&b, "csv"); err != nil {
		t.Fatal(err)
	}
	for i := range 13 {
		if name := fmt.Sprintf("run-%02d", i); !strings.Contains(b.String(), name) {
			t.Errorf("the CSV has no %s", name)
		}
	}
}
