package plots

import (
	"encoding/xml"
	"errors"
	"flag"
	"image/png"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bgmd/bgmd/pkg/record"
)

var keep = flag.String("keep", "", "folder to keep the plots of TestSave in, for looking at them")

// run is a made-up record: the accuracies of its epochs, each of which takes
// the given number of seconds and 117 steps.
func run(name string, status record.Status, seconds float64, accuracies ...float64) *record.Run {
	r := &record.Run{
		Dir:     filepath.Join("runs", "fmnist-bitflip", name),
		Summary: &record.Summary{Outcome: record.Outcome{Status: status}},
	}
	if status == record.Unfinished {
		r.Summary = nil
	}
	for i, a := range accuracies {
		r.Epochs = append(r.Epochs, record.Epoch{
			Epoch: i, Step: 117 * i, Elapsed: seconds * float64(i), TestAccuracy: record.Float(a),
		})
	}
	return r
}

// learning is n+1 accuracies that rise from 10 to near top.
func learning(seed uint64, n int, top, rate float64) []float64 {
	noise := rand.New(rand.NewPCG(seed, 0))
	accuracies := []float64{10}
	for i := range n {
		a := top - (top-10)*math.Exp(-rate*float64(i+1)) + 0.6*noise.NormFloat64()
		accuracies = append(accuracies, a)
	}
	return accuracies
}

// plots are the sets of runs whose drawings have to look right.
func plots() map[string][]Series {
	five := []Series{
		One(run("1", record.Finished, 3.1, learning(1, 50, 89, 0.5)...), "block(0.1, gm)"),
		One(run("2", record.Finished, 11, learning(2, 50, 87.5, 0.4)...), "gm"),
		One(run("3", record.Finished, 7, learning(3, 50, 84, 0.3)...), "cm"),
		One(run("4", record.Interrupted, 3.4, learning(4, 38, 77, 0.2)...), "block(0.1, cm)"),
		One(run("5", record.Diverged, 2, 10, 52, 31, 10), "mean"),
	}
	many := make([]Series, 9)
	for i := range many {
		many[i] = One(run("x", record.Finished, 200, learning(uint64(i), 30, 60+3*float64(i), 0.3)...), strings.Repeat("β", i+1))
	}
	return map[string][]Series{
		"three-points":   {One(run("seed-1", record.Finished, 4.2, 10.3, 71.4, 80.2), "")},
		"five-runs":      five,
		"diverged-only":  {One(run("seed-1", record.Diverged, 0, 9.8), "mean")},
		"diverged-among": {five[0], One(run("d", record.Diverged, 0, 9.8), "mean")},
		"narrow":         {One(run("n", record.Unfinished, 700, 88.1, 88.6, 88.4, 88.9), "a rule with quite a long name(0.123, 17)"), One(run("m", record.Failed, 600, 88.3, math.NaN(), 88.4), "gm")},
		"nine-runs":      many,
	}
}

// panels are those of plots with a band, a hole and an empty panel.
func panels() []Panel {
	seeds := Series{Label: "gm"}
	for i := range uint64(3) {
		seeds.Runs = append(seeds.Runs, run("s", record.Finished, 10+float64(i), learning(i, 30, 80+3*float64(i), 0.3)...))
	}
	five := plots()["five-runs"]
	return []Panel{
		{"clean", []Series{five[0], seeds, five[4]}},
		{"bit flip 20 %", []Series{five[4], five[0]}},
		{"bit flip 40 %", nil},
	}
}

func TestPanels(t *testing.T) {
	dir := *keep
	if dir == "" {
		dir = t.TempDir()
	}
	p, err := PanelPlot(panels(), Time)
	if err != nil {
		t.Fatal(err)
	}
	svg := save(t, p, filepath.Join(dir, "panels.svg"))
	for _, want := range []string{">clean<", ">bit flip 40 %<", ">gm<", ">mean<", "wall-clock time (s)"} {
		if !strings.Contains(svg, want) {
			t.Errorf("panels.svg does not contain %q", want)
		}
	}
	if n := strings.Count(svg, ">mean<"); n != 1 {
		t.Errorf("%d entries for one label in the legend", n)
	}
	save(t, p, filepath.Join(dir, "panels.png"))
	if _, err := PanelPlot(panels()[2:], Time); err == nil || !strings.Contains(err.Error(), "no runs") {
		t.Errorf("empty panels alone: %v", err)
	}
}

// TestBand holds a series of several runs to its mean and its extremes, over the
// epochs that all have.
func TestBand(t *testing.T) {
	s := Series{Runs: []*record.Run{run("a", record.Finished, 1, 10, 20, 90), run("b", record.Finished, 3, 20, 60)}}
	mean, low, high, err := s.points(Time)
	if err != nil || len(mean) != 2 || mean[1].X != 2 || mean[1].Y != 40 || low[1].Y != 20 || high[1].Y != 60 {
		t.Errorf("mean %v, band %v to %v, %v", mean, low, high, err)
	}
}

func TestSave(t *testing.T) {
	dir, axes := *keep, []Axis{Time, Epoch, Step}
	if dir == "" {
		dir, axes = t.TempDir(), []Axis{Time}
	}
	for name, runs := range plots() {
		for _, x := range axes {
			p, err := AccuracyPlot(runs, x, "")
			if err != nil {
				t.Fatal(err)
			}
			path := filepath.Join(dir, name+"-"+string(x))
			save(t, p, path+".svg")
			if pdf := save(t, p, path+".pdf"); !strings.HasPrefix(pdf, "%PDF-") {
				t.Errorf("%s.pdf is no PDF", path)
			}
			if *keep == "" && len(runs) != 1 {
				continue // filling pixels takes seconds under the race detector
			}
			image, err := png.Decode(strings.NewReader(save(t, p, path+".png")))
			if err != nil {
				t.Errorf("%s.png: %v", path, err)
			} else if size := image.Bounds().Size(); size.X < 1200 || size.Y < 700 {
				t.Errorf("%s.png is %v pixels, want at least 1200×700", path, size)
			}
		}
	}
}

func TestSVGHasItsTexts(t *testing.T) {
	dir := t.TempDir()
	for _, c := range []struct {
		plot string
		x    Axis
		want []string
	}{
		{"five-runs", Time, []string{"fmnist-bitflip", "wall-clock time (s)", "test accuracy (%)",
			"block(0.1, gm)", "block(0.1, cm) (interrupted)", "mean (diverged)"}},
		{"narrow", Time, []string{"wall-clock time (min)", "a rule with quite a long name(0.123, 17) (unfinished)", "gm (failed)"}},
		{"three-points", Epoch, []string{">epoch<", ">seed-1<", ">2<"}},
		{"nine-runs", Step, []string{">step<", ">3000<", "βββββββββ"}},
	} {
		p, err := AccuracyPlot(plots()[c.plot], c.x, "")
		if err != nil {
			t.Fatal(err)
		}
		svg := save(t, p, filepath.Join(dir, c.plot+".svg"))
		for _, want := range append(c.want, "'Liberation Sans',Arial,") {
			if !strings.Contains(svg, want) {
				t.Errorf("%s.svg does not contain %q", c.plot, want)
			}
		}
	}
}

// TestHostileNames draws runs whose folders' names are no text: the SVG stays one,
// and nothing in it is markup.
func TestHostileNames(t *testing.T) {
	one, two := run("a", record.Finished, 1, 10, 20), run("b", record.Finished, 1, 10, 30)
	one.Dir, two.Dir = "runs/caf\xe9/<script>\x1b]0;x\a", "runs/caf\xe9/b\u202e"
	p, err := AccuracyPlot([]Series{One(one, ""), One(two, "")}, Time, "")
	if err != nil {
		t.Fatal(err)
	}
	svg := save(t, p, filepath.Join(t.TempDir(), "a.svg"))
	for _, want := range []string{`>caf\xe9<`, `>&lt;script&gt;\x1b]0;x\a<`, `>b\u202e<`} {
		if !strings.Contains(svg, want) {
			t.Errorf("the SVG has no %q", want)
		}
	}
	for decoder := xml.NewDecoder(strings.NewReader(svg)); ; {
		_, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, extension := range []string{".pdf", ".png"} {
		save(t, p, filepath.Join(t.TempDir(), "a"+extension))
	}
}

func TestTitleIsTheCallers(t *testing.T) {
	p, err := AccuracyPlot(plots()["three-points"], Time, "Bit flip, 20% of the clients")
	if err != nil {
		t.Fatal(err)
	}
	if svg := save(t, p, filepath.Join(t.TempDir(), "a.svg")); !strings.Contains(svg, ">Bit flip, 20% of the clients<") {
		t.Error("the plot does not contain the title given")
	}
}

// TestLongTitleIsFolded: a title wider than the data would be cut off on both sides.
func TestLongTitleIsFolded(t *testing.T) {
	p, err := AccuracyPlot(plots()["three-points"], Time, strings.Repeat("wide words ", 12))
	if err != nil {
		t.Fatal(err)
	}
	save(t, p, filepath.Join(t.TempDir(), "a.svg"))
	lines := strings.Split(p.plot.Title.Text, "\n")
	for _, line := range lines {
		if w := p.plot.Title.TextStyle.Width(line); w > width {
			t.Errorf("%q is %v wide, and the plot %v", line, w, width)
		}
	}
	if len(lines) < 2 || strings.Join(lines, " ") != strings.TrimSpace(strings.Repeat("wide words ", 12)) {
		t.Errorf("the title is %q", lines)
	}
}

func TestEqualRunsGiveEqualBytes(t *testing.T) {
	dir := t.TempDir()
	for _, extension := range []string{".png", ".svg"} {
		var files []string
		for range 2 {
			p, err := AccuracyPlot(plots()["three-points"], Time, "")
			if err != nil {
				t.Fatal(err)
			}
			files = append(files, save(t, p, filepath.Join(dir, "a"+extension)))
		}
		if files[0] != files[1] {
			t.Errorf("%s: two plots of the same runs differ", extension)
		}
	}
}

func TestAccuracyPlotErrors(t *testing.T) {
	fine := One(run("fine", record.Finished, 1, 10, 20), "")
	for name, c := range map[string]struct {
		runs []Series
		x    Axis
		want string
	}{
		"no runs":       {nil, Time, "plots: accuracy plot: there are no runs to plot"},
		"unknown axis":  {[]Series{fine}, "tim", `plots: unknown axis "tim" (have epoch, step, time)`},
		"no epoch":      {[]Series{fine, One(run("bare", record.Failed, 1), "")}, Time, "plots: accuracy plot: run runs/fmnist-bitflip/bare has no evaluated epoch"},
		"none measured": {[]Series{One(run("nan", record.Diverged, 1, math.NaN()), "")}, Time, "plots: accuracy plot: run runs/fmnist-bitflip/nan has no evaluated epoch"},
	} {
		if _, err := AccuracyPlot(c.runs, c.x, ""); err == nil || err.Error() != c.want {
			t.Errorf("%s: error is\n\t%v, want\n\t%s", name, err, c.want)
		}
	}
}

func TestSaveErrors(t *testing.T) {
	p, err := AccuracyPlot(plots()["three-points"], Time, "")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	path := filepath.Join(dir, "a.gif")
	want := "plots: save plot to " + path + `: unknown format ".gif" (have .pdf, .png, .svg)`
	if err := p.Save(path); err == nil || err.Error() != want {
		t.Errorf("error is\n\t%v, want\n\t%s", err, want)
	}
	taken := filepath.Join(dir, "taken.svg")
	if err := os.MkdirAll(taken, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := p.Save(taken); err == nil || !strings.HasPrefix(err.Error(), "plots: save plot to "+taken+": ") {
		t.Errorf("saving over a folder: error is %v", err)
	}
	if entries, _ := os.ReadDir(dir); len(entries) != 1 {
		t.Errorf("a failed Save left %v", entries)
	}
}

func TestParseAxis(t *testing.T) {
	for _, want := range []Axis{Time, Epoch, Step} {
		if a, err := ParseAxis(string(want)); err != nil || a != want {
			t.Errorf("ParseAxis(%q) = %q, %v", want, a, err)
		}
	}
}

// save saves p to path and returns the file's content.
func save(t *testing.T, p *Plot, path string) string {
	t.Helper()
	if err := p.Save(path); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestTitleOfSeveralExperiments(t *testing.T) {
	series := func(dirs ...string) (runs []Series) {
		for _, dir := range dirs {
			runs = append(runs, One(&record.Run{Dir: dir}, ""))
		}
		return runs
	}
	for want, runs := range map[string][]Series{
		"gm":      series("results/set/gm/seed-1", "results/set/gm/seed-2"),
		"set":     series("results/set/gm/seed-1", "results/set/cm/seed-1"),
		"":        series("results/set/gm/seed-1", "results/other/cm/seed-1"),
		"results": series("results/gm/seed-1", "results/cm/seed-1"),
	} {
		if got := commonTitle(runs); got != want {
			t.Errorf("title is %q, want %q", got, want)
		}
	}
}
