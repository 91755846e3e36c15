package report

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/bgmd/bgmd/pkg/record"
)

// hostile is text that would become part of the page if it were not escaped.
const hostile = `</script><script>throw 1</script><b class="point">&amp;`

func config(setting, rule string, seed int) string {
	corruption := ""
	if setting == "bitflip40" {
		corruption = "corruption:\n  gradient: {kind: bitflip, fraction: 0.4}\n"
	}
	return fmt.Sprintf("profile: paper\nseed: %d\nepochs: 3\ndata: {set: fashion-mnist, clients: 32, batch: 64}\nmodel: {name: lenet}\n%saggregator: {rule: %s, solver: gram}\n# %s\n",
		seed, corruption, rule, hostile)
}

// records writes five runs, one of which diverged and two of which differ in
// their seeds alone, and a folder that is damaged.
func records(t *testing.T) string {
	t.Helper()
	root := t.TempDir()
	for _, r := range []struct {
		setting, rule string
		seed          int
		accuracy      []record.Float
	}{
		{"clean", "gm", 1, []record.Float{10, 60, 70, 80}},
		{"clean", "gm", 2, []record.Float{10, 62, 74, 81}},
		{"clean", "mean", 1, []record.Float{10, 65, 75, 82}},
		{"bitflip40", "mean", 1, []record.Float{10}},
		{"bitflip40", "krum", 1, []record.Float{10, 50, 60, 65}},
	} {
		w, err := record.Create(filepath.Join(root, r.setting+"-"+r.rule, fmt.Sprint("seed-", r.seed)), []byte(config(r.setting, r.rule, r.seed)), record.Environment{Commit: hostile})
		if err != nil {
			t.Fatal(err)
		}
		for epoch, a := range r.accuracy {
			e := record.Epoch{Epoch: epoch, Step: 10 * epoch, TestAccuracy: a, Elapsed: 5 * float64(epoch), Seconds: record.Seconds{Gradient: 3, Aggregate: 1}}
			if err := w.Epoch(e); err != nil {
				t.Fatal(err)
			}
		}
		outcome := record.Outcome{Status: record.Finished}
		if len(r.accuracy) == 1 {
			outcome = record.Outcome{Status: record.Diverged, DivergedAtStep: 3, Reason: hostile}
		}
		if err := w.Close(outcome); err != nil {
			t.Fatal(err)
		}
	}
	damaged := filepath.Join(root, "damaged")
	if err := os.Mkdir(damaged, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(damaged, "metrics.jsonl"), []byte(hostile), 0o644); err != nil {
		t.Fatal(err)
	}
	return root
}

func TestHTML(t *testing.T) {
	root := records(t)
	data := Read(root)
	if len(data.Runs) != 5 || len(data.LeftOut) != 1 || !strings.Contains(data.LeftOut[0], "damaged") {
		t.Fatalf("%d runs, left out %q, want 5 and the damaged one", len(data.Runs), data.LeftOut)
	}
	if len(data.Tables) != 2 {
		t.Errorf("%d tables, want Table 2 and, because of krum, that of all runs", len(data.Tables))
	}
	html, err := data.HTML()
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(html, []byte("<b class")) {
		t.Error("text of a record is markup in the page")
	}
	if outside := regexp.MustCompile(`(?i)(src|href)=|@import|url\(|https?://`).Find(bytes.ReplaceAll(html, []byte("http://www.w3.org/2000/svg"), nil)); outside != nil {
		t.Errorf("the page refers to something outside: %q", outside)
	}
	again, err := Read(root).HTML()
	if err != nil || !bytes.Equal(html, again) {
		t.Errorf("two pages of the same records differ, %v", err)
	}
}

// A copied record is no second line, bar or run of the page, and is named.
func TestCopies(t *testing.T) {
	root := records(t)
	from := filepath.Join(root, "clean-gm", "seed-1")
	if err := os.CopyFS(filepath.Join(root, "clean-gm-backup"), os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
	data := Read(root)
	want := "evidence: " + root + "/clean-gm-backup repeats " + from + ": the same configuration, seed and metrics"
	if len(data.Runs) != 5 || !slices.Contains(data.LeftOut, want) {
		t.Errorf("%d runs, left out %q, want 5 and %q", len(data.Runs), data.LeftOut, want)
	}
}

func TestNoRuns(t *testing.T) {
	data := Read(t.TempDir())
	if _, err := data.HTML(); err != nil || len(data.Runs) != 0 || len(data.Tables) != 0 {
		t.Errorf("%+v, %v", data, err)
	}
}

// TestCommittedRecords: every record of the repository is read, those from before
// there were seals too.
func TestCommittedRecords(t *testing.T) {
	const results = "../../results"
	summaries, sealed := 0, 0
	err := filepath.WalkDir(results, func(path string, _ fs.DirEntry, err error) error {
		if err != nil || filepath.Base(path) != "summary.json" {
			return err
		}
		text, err := os.ReadFile(path)
		if summaries++; bytes.Contains(text, []byte(`"sha256": {`)) {
			sealed++
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	data := Read(results)
	if len(data.LeftOut) > 0 || len(data.Runs) != summaries || summaries < 186 || data.Unsealed() != summaries-sealed {
		t.Errorf("%d runs, %d unsealed, want %d and %d; broken: %q", len(data.Runs), data.Unsealed(), summaries, summaries-sealed, data.LeftOut)
	}
}

// TestInBrowser opens the page in Chromium and looks at what it drew.
func TestInBrowser(t *testing.T) {
	browser := chromium(t)
	html, err := Read(records(t)).HTML()
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "report.html")
	if err := os.WriteFile(file, html, 0o644); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		hash    string
		figures int
		points  int // gm 4 (two seeds, one line), mean 4, mean 1, krum 4
		runs    int
		text    []string
	}{
		{"", 2, 13, 5, []string{"80.50 ± 0.71", "diverged as in the paper", "no run", "damaged", "wall-clock time (s)", "GMD × 2"}},
		{"#setting=bitflip40", 1, 5, 2, []string{"SGD (diverged)", "krum"}},
		{"#setting=bitflip40&aggregator=krum", 1, 4, 1, nil},
		{"#aggregator=sgd&x=epoch&hide=SGD", 2, 0, 2, nil},
		{"#x=epoch&log=1", 2, 9, 5, nil}, // epoch 0 has no place on it
		{"#y=test_loss&x=step", 2, 13, 5, []string{"test loss"}},
		{"#x=__proto__&y=constructor", 2, 13, 5, []string{"wall-clock time (s)", "test accuracy (%)"}},
		{"#data_set=nothing", 0, 0, 0, []string{"No run fits the filters."}},
	} {
		dom := dump(t, browser, "file://"+file+c.hash)
		if !strings.Contains(dom, `data-ready="1"`) || !strings.Contains(dom, `data-errors="0"`) {
			t.Errorf("%q: the page did not draw itself without an error", c.hash)
		}
		for what, want := range map[string]int{"<figure ": c.figures, `<details class="run"`: c.runs} {
			if got := strings.Count(dom, what); got != want {
				t.Errorf("%q: %d of %s, want %d", c.hash, got, what, want)
			}
		}
		if !strings.Contains(dom, fmt.Sprintf(`data-points="%d"`, c.points)) {
			t.Errorf("%q: %s, want %d points", c.hash, regexp.MustCompile(`data-points="\d*"`).FindString(dom), c.points)
		}
		for _, want := range c.text {
			if !strings.Contains(dom, want) {
				t.Errorf("%q: the page does not say %q", c.hash, want)
			}
		}
	}
}

func chromium(t *testing.T) string {
	t.Helper()
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	t.Skip("no Chromium (Debian: chromium)")
	return ""
}

// dump returns the document as the page's script leaves it.
func dump(t *testing.T, browser, url string) string {
	t.Helper()
	cmd := exec.Command(browser, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
		"--user-data-dir="+t.TempDir(), "--virtual-time-budget=2000", "--dump-dom", url)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, stderr.String())
	}
	if i := bytes.Index(out, []byte(`<script type="application/json"`)); i > 0 {
		out = out[:i] // what was drawn, not what was given
	}
	return string(out)
}
