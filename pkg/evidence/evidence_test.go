package evidence

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"flag"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/bgmd/bgmd/internal/table"
	"github.com/bgmd/bgmd/pkg/paper"
	"github.com/bgmd/bgmd/pkg/record"
)

var update = flag.Bool("update", false, "write the files in testdata anew")

// made is a run to be written: a cell of Table 2 unless config says otherwise.
type made struct {
	setting, aggregator string
	profile             string
	epochs              int
	seed                uint64
	accuracy            []float64 // after each epoch that is recorded; none for a run that diverged at once
	status              record.Status
	old                 bool   // from before diverged_at
	extra               string // of the configuration
	files               []record.DataFile
}

// settings and aggregators as configurations have them.
var (
	settings = map[string]string{
		"clean":              "",
		"bitflip40":          "  gradient: {kind: bitflip, fraction: 0.4}\n",
		"feature-additive20": "  feature: {kind: additive, fraction: 0.2}\n",
		"alie30+impulse10":   "  gradient: {kind: alie, fraction: 0.3}\n  feature: {kind: impulse, fraction: 0.1}\n",
	}
	aggregators = map[string]string{
		"sgd":              "  rule: mean\n  solver: gram\n  block: {fraction: 1, memory: mean}\n",
		"cmd":              "  rule: cm\n",
		"gmd":              "  rule: gm\n  solver: gram\n",
		"bgmd":             "  rule: gm\n  solver: gram\n  block: {fraction: 0.1, memory: client}\n",
		"nnm + block krum": "  rule: krum\n  pre: nnm\n  block: {fraction: 0.1, memory: none}\n",
	}
)

func (m made) config() string {
	profile := m.profile
	if profile == "" {
		profile = "author-code"
	}
	criterion := "diverged_at: epoch\n"
	if m.old {
		criterion = ""
	}
	return fmt.Sprintf("name: x\nprofile: %s\nseed: %d\nepochs: %d\n%sworkers: %d\ndata:\n  set: fashion-mnist\n  dir: /somewhere/%d\n  clients: 32\n  batch: 16\nmodel:\n  name: lenet\ncorruption:\n%s  label: {kind: none, fraction: 0}\naggregator:\n%s%s",
		profile, m.seed, m.epochs, criterion, m.seed, m.seed, settings[m.setting], aggregators[m.aggregator], m.extra)
}

// write writes runs below a folder and reads them all.
func write(t *testing.T, runs []made) []*record.Run {
	t.Helper()
	root := t.TempDir()
	for i, m := range runs {
		here := record.Here()
		here.DataFiles = m.files
		w, err := record.Create(filepath.Join(root, fmt.Sprintf("%s-%s", strings.ReplaceAll(m.setting, "+", "-"), strings.ReplaceAll(m.aggregator, " ", "-")), fmt.Sprintf("run-%02d", i)), []byte(m.config()), here)
		if err != nil {
			t.Fatal(err)
		}
		outcome := record.Outcome{Status: m.status}
		if m.status == record.Diverged {
			outcome.DivergedAtStep = 3
		}
		for epoch, a := range append([]float64{10}, m.accuracy...) {
			if err := w.Epoch(record.Epoch{Epoch: epoch, TestAccuracy: record.Float(a), Seconds: record.Seconds{Total: 2}}); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Close(outcome); err != nil {
			t.Fatal(err)
		}
	}
	all, err := record.ReadAll(root)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func ended(setting, aggregator string, epochs int, seed uint64, accuracy ...float64) made {
	return made{setting: setting, aggregator: aggregator, epochs: epochs, seed: seed, accuracy: accuracy, status: record.Finished}
}

func diverged(setting, aggregator string, epochs int) made {
	return made{setting: setting, aggregator: aggregator, epochs: epochs, seed: 1, status: record.Diverged}
}

func TestFacts(t *testing.T) {
	for setting := range settings {
		for aggregator := range aggregators {
			run := write(t, []made{ended(setting, aggregator, 1, 7, 80)})[0]
			f, err := FactsOf(run)
			want := setting
			if setting == "alie30+impulse10" {
				want = "impulse10+alie30" // features before gradients
			}
			if err != nil || f.Setting != want || f.Aggregator != aggregator || f.Seed != 7 || f.Epochs != 1 || f.DataSet != "fashion-mnist" {
				t.Errorf("%s, %s: %+v, %v", setting, aggregator, f, err)
			}
			if blocked := strings.Contains(aggregator, "b"); blocked != (f.Beta == 0.1) || blocked != (f.Memory != "") {
				t.Errorf("%s: β = %v, memory %q", aggregator, f.Beta, f.Memory)
			}
		}
	}
	for _, config := range []string{"", "data: 3\n", "- a\n", "data: {set: x}\nepochs: 1\n"} {
		if f, err := FactsOf(&record.Run{Dir: "there", Config: []byte(config)}); err == nil || !strings.Contains(err.Error(), "there/config.yaml") {
			t.Errorf("%q: %+v, %v, want an error that names the file", config, f, err)
		}
	}
}

// cell finds a cell of a table.
func cell(t *testing.T, table *Table, setting string, epochs int, aggregator string) Cell {
	t.Helper()
	for _, r := range table.Rows {
		if r.DataSet == "fashion-mnist" && r.Setting == setting && r.Epochs == epochs {
			for _, c := range r.Cells {
				if c.Aggregator == aggregator {
					return c
				}
			}
		}
	}
	t.Fatalf("no cell %s, %d epochs, %s", setting, epochs, aggregator)
	return Cell{}
}

func TestVerdicts(t *testing.T) {
	full := func(aggregator string, final ...float64) (runs []made) {
		for i, a := range final {
			runs = append(runs, ended("clean", aggregator, 50, uint64(i), a))
		}
		return runs
	}
	// The paper, clean: sgd 89.39 ± 0.28, cmd 83.82 ± 0.26; bit flip 40 %: sgd diverged, bgmd 85.67 ± 0.09.
	for _, c := range []struct {
		name    string
		runs    []made
		setting string
		epochs  int
		column  string
		verdict Verdict
		scaled  string
	}{
		{"no run", nil, "clean", 50, "sgd", Missing, ""},
		{"five near", full("sgd", 89.3, 89.5, 89.4, 89.2, 89.4), "clean", 50, "sgd", Reproduced, ""},
		{"five, 0.8 off", full("sgd", 90.2, 90.2, 90.1, 90.3, 90.2), "clean", 50, "sgd", Close, ""},
		{"five, 1.2 off", full("sgd", 90.6, 90.6, 90.5, 90.7, 90.6), "clean", 50, "sgd", NotReproduced, ""},
		{"five scattered about 1.2 off", full("sgd", 91.6, 89.6, 92.6, 88.6, 90.6), "clean", 50, "sgd", Reproduced, ""},
		{"one near", full("sgd", 89.4), "clean", 50, "sgd", Close, "1/5 seeds"},
		{"one off", full("sgd", 89.9), "clean", 50, "sgd", NotReproduced, "1/5 seeds"},
		{"few epochs", []made{ended("clean", "sgd", 2, 1, 50, 89.39)}, "clean", 2, "sgd", ScaledDown, "2/50 epochs, 1/5 seeds"},
		{"diverged too", []made{diverged("bitflip40", "sgd", 2)}, "bitflip40", 2, "sgd", DivergedToo, "2/50 epochs, 1/5 seeds"},
		{"diverged alone", []made{diverged("bitflip40", "bgmd", 2)}, "bitflip40", 2, "bgmd", NotReproduced, "2/50 epochs, 1/5 seeds"},
		{"trained alone, so far", []made{ended("bitflip40", "sgd", 2, 1, 80)}, "bitflip40", 2, "sgd", ScaledDown, "2/50 epochs, 1/5 seeds"},
		{"trained alone", []made{ended("bitflip40", "sgd", 50, 1, 80)}, "bitflip40", 50, "sgd", NotReproduced, "1/5 seeds"},
		{"not ended", []made{{setting: "clean", aggregator: "sgd", epochs: 50, accuracy: []float64{89}, status: record.Interrupted}}, "clean", 50, "sgd", Missing, ""},
	} {
		table, err := PaperTable(2, write(t, c.runs), "author-code")
		if err != nil {
			t.Fatal(err)
		}
		got := cell(t, table, c.setting, c.epochs, c.column)
		if got.Verdict != c.verdict || got.Scaled != c.scaled {
			t.Errorf("%s: %s (%s), want %s (%s)", c.name, got.Verdict, got.Scaled, c.verdict, c.scaled)
		}
		if (c.verdict == Missing) != (got.Measured == nil) {
			t.Errorf("%s: measured %+v", c.name, got.Measured)
		}
	}
}

// TestLost: the paper's Table 3 prints 9.51 for SGD under bit flips, which is a guess.
func TestLost(t *testing.T) {
	for lost, want := range map[bool]Verdict{true: DivergedToo, false: NotReproduced} {
		c := Cell{Paper: &paper.Figure{Accuracy: 9.51, Lost: lost}, Measured: &Measured{N: 3, Diverged: 3}}
		if c.judge(10, 10, 2); c.Verdict != want || c.Difference != nil {
			t.Errorf("diverged, lost %v: %q, difference %v, want %q and none", lost, c.Verdict, c.Difference, want)
		}
		c.Measured = &Measured{N: 3, Final: 50, Deviation: 1}
		if c.judge(10, 10, 2); c.Verdict != NotReproduced {
			t.Errorf("50 beside 9.51, lost %v: %q", lost, c.Verdict)
		}
	}
}

// TestHowConvolutionsAreComputed is no matter either.
func TestHowConvolutionsAreComputed(t *testing.T) {
	fast := ended("clean", "gmd", 2, 1, 70, 80)
	fast.extra = "  conv: auto\n"
	table, err := PaperTable(2, write(t, []made{fast, ended("clean", "gmd", 2, 2, 75, 84)}), "author-code")
	if err != nil {
		t.Fatal(err)
	}
	if c := cell(t, table, "clean", 2, "gmd"); c.Measured.N != 2 || c.Note != "" {
		t.Errorf("measured %+v, note %q", c.Measured, c.Note)
	}
}

// TestWhenDivergenceIsLookedFor: it is no matter to runs that finished. One that
// diverged when it was looked for at every step is another experiment.
func TestWhenDivergenceIsLookedFor(t *testing.T) {
	early := diverged("clean", "gmd", 2)
	early.old = true
	older := ended("clean", "gmd", 2, 2, 70, 82)
	older.old = true
	table, err := PaperTable(2, write(t, []made{early, older, ended("clean", "gmd", 2, 3, 75, 84), diverged("clean", "gmd", 2)}), "author-code")
	if err != nil {
		t.Fatal(err)
	}
	c := cell(t, table, "clean", 2, "gmd")
	if m := c.Measured; m.N != 3 || m.Diverged != 1 || m.Final != 83 || !strings.Contains(c.Note, "run-00") {
		t.Errorf("measured %+v, note %q", m, c.Note)
	}
}

func TestMeasured(t *testing.T) {
	lost := diverged("clean", "gmd", 2)
	lost.seed = 4
	runs := []made{
		ended("clean", "gmd", 2, 1, 90, 80), ended("clean", "gmd", 2, 2, 70, 82), ended("clean", "gmd", 2, 3, 75, 84),
		lost,
		{setting: "clean", aggregator: "gmd", epochs: 2, seed: 1, accuracy: []float64{50, 60}, status: record.Finished, extra: "  eps: 3\n"},
		{setting: "clean", aggregator: "gmd", epochs: 2, seed: 5, accuracy: []float64{50}, status: record.Interrupted},
		{setting: "clean", aggregator: "gmd", epochs: 2, seed: 1, accuracy: []float64{50, 99}, status: record.Finished, profile: "paper"},
	}
	table, err := PaperTable(2, write(t, runs), "author-code")
	if err != nil {
		t.Fatal(err)
	}
	c := cell(t, table, "clean", 2, "gmd")
	m := c.Measured
	// Student's t for two degrees of freedom: 4.303; 4.303 · 2/√3 = 4.968.
	if m.N != 4 || m.Diverged != 1 || m.Final != 82 || m.Deviation != 2 || m.Best != 86-2.0/3 ||
		math.Abs(m.Interval[0]-77.032) > 1e-3 || math.Abs(m.Interval[1]-86.968) > 1e-3 {
		t.Errorf("measured %+v", m)
	}
	if c.Verdict != NotReproduced || !strings.Contains(c.Note, "1 not ended") || !strings.Contains(c.Note, "run-04") {
		t.Errorf("verdict %s, note %q", c.Verdict, c.Note)
	}
	if got := m.String(); got != "82.00 ± 2.00 (3 of 4, others diverged)" {
		t.Error(got)
	}
}

func TestOrder(t *testing.T) {
	// The paper, clean: sgd 89.39 ± 0.28 and gmd 88.98 ± 0.30 are too close to tell, cmd 83.82 ± 0.26 is last.
	for _, c := range []struct {
		sgd, cmd, gmd float64
		want          string
	}{
		{85, 80, 86, "the paper's order holds"},
		{85, 85.5, 86, "not as in the paper: CMD > SGD"},
	} {
		table, err := PaperTable(2, write(t, []made{
			ended("clean", "sgd", 1, 1, c.sgd), ended("clean", "cmd", 1, 1, c.cmd), ended("clean", "gmd", 1, 1, c.gmd),
		}), "author-code")
		if err != nil {
			t.Fatal(err)
		}
		if got := table.Rows[0].Order; got != c.want {
			t.Errorf("%+v: %q", c, got)
		}
		if !cell(t, table, "clean", 1, "gmd").Winner || cell(t, table, "clean", 1, "sgd").Winner || !cell(t, table, "clean", 1, "sgd").Best {
			t.Errorf("%+v: wrong winners", c)
		}
	}
}

func TestRunsTable(t *testing.T) {
	table, err := RunsTable("all", write(t, []made{
		ended("alie30+impulse10", "nnm + block krum", 3, 1, 50), ended("bitflip40", "bgmd", 3, 1, 60), ended("clean", "sgd", 3, 1, 70),
	}), "author-code")
	if err != nil {
		t.Fatal(err)
	}
	var rows []string
	for _, r := range table.Rows {
		rows = append(rows, r.Setting)
	}
	if got := strings.Join(rows, " ") + ": " + strings.Join(table.Columns, ", "); got != "clean bitflip40 impulse10+alie30: sgd, bgmd, nnm + block krum" {
		t.Error(got)
	}
	if c := table.Rows[2].Cells[2]; c.Verdict != Unprinted || c.Measured == nil || c.Paper != nil {
		t.Errorf("a cell that the paper has not: %+v", c)
	}
}

func TestOtherDataAreToldOf(t *testing.T) {
	published, other := ended("clean", "sgd", 50, 1, 89), ended("clean", "cmd", 50, 1, 84)
	published.files = []record.DataFile{{Name: "a", Official: true}}
	other.files = []record.DataFile{{Name: "a", Official: true}, {Name: "b"}}
	jpeg := other // the sum is that of results/table2/cifar-10's records
	jpeg.files = []record.DataFile{{Name: "data_batch_1.bin", MD5: "d43b5bc4e9aab9035b5ad568f118432a"}}
	const note = "Runs on fashion-mnist read files that are not the published ones; their sums are in the records."
	const jpegNote = "Runs on fashion-mnist read CIFAR-10 (JPEG), pictures that went through JPEG once, not the published files; their sums are in the records."
	for _, c := range []struct {
		runs []made
		note string
		want bool
	}{
		{[]made{published}, note, false}, {[]made{published, other}, note, true},
		{[]made{published, jpeg}, note, false}, {[]made{published, jpeg}, jpegNote, true},
	} {
		table, err := PaperTable(2, write(t, c.runs), "author-code")
		if err != nil {
			t.Fatal(err)
		}
		if got := slices.Contains(table.Notes, c.note); got != c.want {
			t.Errorf("%d runs: notes are %q, want the one on files: %v", len(c.runs), table.Notes, c.want)
		}
	}
}

func TestUnreadableConfigIsToldOf(t *testing.T) {
	runs := write(t, []made{ended("clean", "sgd", 1, 1, 80)})
	runs = append(runs, &record.Run{Dir: "broken", Config: []byte("epochs: [")})
	table, err := PaperTable(2, runs, "author-code")
	if err == nil || !strings.Contains(err.Error(), "broken") {
		t.Errorf("error %v, want one that names the run", err)
	}
	if cell(t, table, "clean", 1, "sgd").Measured == nil {
		t.Error("the run that can be read is missing")
	}
}

// TestFormats writes one table in every format: the files in testdata are what
// they should be, and are written anew by go test -run TestFormats -update.
func TestFormats(t *testing.T) {
	var runs []made
	for seed := range uint64(5) {
		runs = append(runs, ended("clean", "sgd", 50, seed, 89+float64(seed)/5), ended("clean", "cmd", 50, seed, 84))
	}
	runs = append(runs, ended("clean", "gmd", 3, 1, 85.25), diverged("bitflip40", "sgd", 3), ended("bitflip40", "bgmd", 3, 1, 81))
	measured, err := PaperTable(2, write(t, runs), "author-code")
	if err != nil {
		t.Fatal(err)
	}
	measured.Rows = measured.Rows[:4] // clean twice, and two that follow
	for i := range measured.Rows {
		for j := range measured.Rows[i].Cells {
			if m := measured.Rows[i].Cells[j].Measured; m != nil {
				m.Runs = nil // temporary folders
			}
		}
	}
	for _, format := range table.Formats() {
		var b bytes.Buffer
		if err := measured.Write(&b, format); err != nil {
			t.Fatal(err)
		}
		golden := filepath.Join("testdata", "table."+format)
		if *update {
			if err := os.WriteFile(golden, b.Bytes(), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(golden)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(b.Bytes(), want) {
			t.Errorf("%s is not as in %s:\n%s", format, golden, b.String())
		}
	}
	if err := measured.Write(&bytes.Buffer{}, "html"); err == nil || !strings.Contains(err.Error(), "markdown") {
		t.Errorf("unknown format: %v", err)
	}
}

func TestCSVAndJSONCanBeRead(t *testing.T) {
	table, err := PaperTable(2, write(t, []made{ended("clean", "sgd", 50, 1, 89)}), "author-code")
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := table.Write(&b, "csv"); err != nil {
		t.Fatal(err)
	}
	lines, err := csv.NewReader(&b).ReadAll()
	if err != nil || len(lines) != 1+16*4 {
		t.Errorf("%d lines, %v, want a header and 64 cells", len(lines), err)
	}
	if err := table.Write(&b, "json"); err != nil {
		t.Fatal(err)
	}
	var back Table
	if err := json.Unmarshal(b.Bytes(), &back); err != nil || len(back.Rows) != 16 || back.Rows[0].Cells[0].Measured.Final != 89 {
		t.Errorf("%v, %d rows", err, len(back.Rows))
	}
}

// TestLaTeXCompiles compiles the table of TestFormats where there is a LaTeX.
func TestLaTeXCompiles(t *testing.T) {
	program, err := exec.LookPath("pdflatex")
	if err != nil {
		t.Skip("no pdflatex (Debian: texlive-latex-recommended)")
	}
	measured, err := os.ReadFile(filepath.Join("testdata", "table.latex"))
	if err != nil {
		t.Fatal(err)
	}
	odd := table.LaTeX(`[ \ & % $ # _ { } ] ~ ^ ± – − < > ψ² ³ β τ ε → ≥`)
	var hostile strings.Builder
	if err := hostileTable(t).Write(&hostile, "latex"); err != nil {
		t.Fatal(err)
	}
	source := "\\documentclass{article}\n\\usepackage{booktabs}\n\\begin{document}\n" + string(measured) + hostile.String() + odd + "\n\\end{document}\n"
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "table.tex"), []byte(source), 0o644); err != nil {
		t.Fatal(err)
	}
	compile := exec.Command(program, "-interaction=nonstopmode", "-halt-on-error", "table.tex")
	compile.Dir = dir
	if out, err := compile.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
