package evidence

import (
	"fmt"
	"strings"
	"testing"

	"github.com/bgmd/bgmd/pkg/record"
)

func TestPanels(t *testing.T) {
	runs := write(t, []made{
		ended("clean", "sgd", 2, 1, 50, 60), ended("clean", "sgd", 2, 2, 50, 61), ended("clean", "gmd", 2, 1, 50, 60),
		diverged("bitflip40", "sgd", 2), ended("bitflip40", "gmd", 2, 1, 50, 60),
		ended("clean", "bgmd", 9, 1, 80), ended("feature-additive20", "bgmd", 9, 1, 80),
	})
	panels, err := Panels(runs, "author-code", "fashion-mnist", "lenet", []string{"clean", "bitflip20", "bitflip40"})
	if err != nil || len(panels) != 3 || panels[0].Epochs != 2 {
		t.Fatalf("%+v, %v", panels, err)
	}
	if len(panels[0].Runs["sgd"]) != 2 || len(panels[0].Runs["gmd"]) != 1 || panels[0].Runs["bgmd"] != nil {
		t.Errorf("clean: %v, want two seeds of sgd, one of gmd and none of bgmd with other epochs", panels[0].Runs)
	}
	if len(panels[1].Runs) != 0 || panels[1].Setting != "bitflip20" {
		t.Errorf("a setting without runs: %+v", panels[1])
	}
	if panels[2].Runs["sgd"][0].Status() != record.Diverged {
		t.Error("the run that diverged is missing")
	}
	if _, err := Panels(runs, "paper", "fashion-mnist", "lenet", []string{"clean"}); err == nil || !strings.Contains(err.Error(), "profile paper") {
		t.Errorf("no run: %v", err)
	}
}

func TestRaces(t *testing.T) {
	runs := write(t, []made{
		ended("clean", "gmd", 3, 1, 50, 70, 80), ended("clean", "bgmd", 3, 1, 71, 60, 75),
		ended("clean", "gmd", 9, 1, 99), ended("bitflip40", "bgmd", 3, 1, 90),
	})
	for _, r := range runs {
		for i := range r.Epochs {
			e := &r.Epochs[i]
			e.Elapsed = float64(10 * i)
			e.Seconds = record.Seconds{Gradient: 6, Aggregate: 3}
		}
	}
	races, err := Races(runs, "author-code", "fashion-mnist", "lenet")
	if err != nil || len(races) != 1 {
		t.Fatalf("%+v, %v, want one pair", races, err)
	}
	want := Race{Setting: "clean", Solver: "gram", Epochs: 3, Accuracy: 75, GMD: Lap{30, 24, 12}, BGMD: Lap{30, 24, 12}}
	if races[0] != want {
		t.Errorf("%+v, want %+v", races[0], want)
	}
}

// Runs that differ in more than their seeds are not averaged: 75 is the best that
// all seeds of one setup reached, and another lr is another setup.
func TestFiguresAreOfOneSetup(t *testing.T) {
	faster := ended("clean", "bgmd", 3, 1, 20, 30, 40)
	faster.extra = "optimizer: {lr: 1}\n"
	runs := write(t, []made{
		ended("clean", "gmd", 3, 1, 50, 70, 80), ended("clean", "bgmd", 3, 1, 71, 60, 75), ended("clean", "bgmd", 3, 2, 71, 60, 77), faster,
	})
	for i, r := range runs {
		r.Dir = r.Name() + string("abcd"[i])
	}
	const want = "evidence: run-03c is set up otherwise than run-01a, which is shown"
	races, err := Races(runs, "author-code", "fashion-mnist", "lenet")
	if len(races) != 1 || races[0].Accuracy != 75 || err == nil || err.Error() != want {
		t.Errorf("races are %+v, %v, want one to 75 and %s", races, err, want)
	}
	blocks, err := ByBlock(runs, "author-code", "fashion-mnist", "lenet")
	if len(blocks) != 1 || len(blocks[0].Runs) != 2 || blocks[0].Beta != 0.1 || blocks[0].Memory != "client" || err == nil || err.Error() != want {
		t.Errorf("blocks are %+v, %v, want one of two seeds and %s", blocks, err, want)
	}
}

func TestByBlock(t *testing.T) {
	small, none := ended("clean", "gmd", 3, 1, 80), ended("clean", "gmd", 3, 1, 80)
	small.extra = "  block: {fraction: 0.01, memory: none}\n"
	none.extra = "  block: {fraction: 0.1, memory: none}\n"
	runs := write(t, []made{
		none, small, ended("clean", "bgmd", 3, 1, 80), ended("clean", "bgmd", 9, 1, 80), ended("bitflip40", "bgmd", 3, 1, 80), ended("clean", "cmd", 3, 1, 80),
	})
	blocks, err := ByBlock(runs, "author-code", "fashion-mnist", "lenet")
	var got []string
	for _, b := range blocks {
		got = append(got, fmt.Sprint(b.Memory, " ", b.Beta, " ", b.Epochs, " ", len(b.Runs)))
	}
	if want := "client 0.1 3 1, none 0.01 3 1, none 0.1 3 1"; err != nil || strings.Join(got, ", ") != want {
		t.Errorf("%q, %v, want %s", got, err, want)
	}
	if none, err := ByBlock(runs, "paper", "fashion-mnist", "lenet"); none != nil || err != nil {
		t.Errorf("of a profile without runs: %v, %v", none, err)
	}
}
