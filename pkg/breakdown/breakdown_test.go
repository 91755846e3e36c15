package breakdown

import (
	"context"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// published is what the program has measured before, with all rules and attacks.
const published = "../../results/breakdown/breakdown.csv"

// TestRunAsPublished measures some of the published points again, with the ten seeds of
// results/README.md.
func TestRunAsPublished(t *testing.T) {
	points, err := Read(published)
	if err != nil {
		t.Fatal(err)
	}
	e := Experiment{Rules: []string{"mean", "gm", "krum", block}, Attacks: []string{"ipm"}, N: 32, D: 1000, Seeds: 10}
	got, err := e.Run(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if want := len(e.Rules) * (e.N/2 + 1); len(got) != want {
		t.Fatalf("%d points, want %d", len(got), want)
	}
	for _, p := range got {
		i := slices.IndexFunc(points, func(q Point) bool {
			return q.Rule == p.Rule && q.Attack == p.Attack && q.Corrupt == p.Corrupt
		})
		if i < 0 {
			t.Fatalf("%s under %s by %d rows is not in %s", p.Rule, p.Attack, p.Corrupt, published)
		}
		want := points[i]
		if p.N != want.N || p.D != want.D || p.Told != want.Told || !near(p.Mean, want.Mean) || !near(p.Max, want.Max) {
			t.Errorf("got %+v, want %+v", p, want)
		}
	}
}

// near tells whether two distances differ by no more than the sums of another
// processor do. The mean of honest rows alone has one that is rounding and nothing else.
func near(a, b float64) bool {
	return max(a, b) < 1e-6 || math.Abs(a-b) <= 1e-4*math.Abs(b)
}

// TestWriteRead: what is written is read again, to the six digits of the file.
func TestWriteRead(t *testing.T) {
	e := Experiment{Rules: []string{"mean", "cm"}, Attacks: []string{"alie"}, N: 4, D: 3, Seeds: 2}
	points, err := e.Run(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "new")
	paths, err := e.Write(dir, points)
	want := []string{filepath.Join(dir, "breakdown.csv"), filepath.Join(dir, "alie.png"), filepath.Join(dir, "toy.png")}
	if err != nil || !slices.Equal(paths, want) {
		t.Fatalf("%v, %v, want %v", paths, err, want)
	}
	for _, path := range paths {
		if info, err := os.Stat(path); err != nil || info.Size() == 0 {
			t.Errorf("%s is not there, or empty: %v", path, err)
		}
	}
	back, err := Read(paths[0])
	if err != nil {
		t.Fatal(err)
	}
	same := func(a, b Point) bool {
		close := math.Abs(a.Mean-b.Mean) <= 1e-5*a.Mean && math.Abs(a.Max-b.Max) <= 1e-5*a.Max
		a.Mean, a.Max = b.Mean, b.Max
		return close && a == b
	}
	if !slices.EqualFunc(points, back, same) {
		t.Errorf("read %+v, want %+v", back, points)
	}
}

func TestReadRefuses(t *testing.T) {
	head := strings.Join(columns, ",") + "\n"
	for text, want := range map[string]string{
		"":                                  "line 1: want the columns attack,rule,",
		"attack,rule\n":                     "line 1: want the columns attack,rule,",
		head + "ipm,gm,32,20,x,1,1,1,9\n":   `line 2: strconv.Atoi: parsing "x"`,
		head + "ipm,gm,32,20,1,1,1,1,far\n": `line 2: strconv.ParseFloat: parsing "far"`,
		head + "ipm,gm,32\n":                "wrong number of fields",
	} {
		path := filepath.Join(t.TempDir(), "breakdown.csv")
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := Read(path); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), path) {
			t.Errorf("%q: got %v, want %s and the file's name", text, err, want)
		}
	}
}

// TestCheck: all that is wrong is said at once, and nothing is run.
func TestCheck(t *testing.T) {
	for _, rules := range [][]string{nil, {"all"}, {"mean", block}} {
		e := Experiment{Rules: rules, Attacks: []string{"mimic"}, N: 3, D: 1, Seeds: 1}
		if err := e.Check(); err != nil {
			t.Errorf("%v: %v", rules, err)
		}
	}
	e := Experiment{Rules: []string{"krun"}, Attacks: []string{"none"}, N: 2, D: 1, Seeds: 1}
	_, err := e.Run(context.Background())
	if err == nil {
		t.Fatal("a wrong experiment is run")
	}
	lines := strings.Split(err.Error(), "\n")
	for i, want := range []string{"n is 2, want at least 3", `rules has "krun", want some of `, `attacks has "none", want some of `} {
		if i >= len(lines) || !strings.HasPrefix(lines[i], want) {
			t.Errorf("line %d of %q, want %s", i, lines, want)
		}
	}
}
