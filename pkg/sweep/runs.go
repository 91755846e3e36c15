package sweep

import (
	"errors"
	"fmt"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/bgmd/bgmd/internal/yamltext"
	"github.com/bgmd/bgmd/pkg/config"
)

// Spec says what to sweep over: a grid's file and what the caller has to say to it.
type Spec struct {
	File  string   // of the grid, as [Parse] reads it; "-" for standard input
	Sets  []string // assignments to keys of every run, over the file, as [config.Load] takes them
	Seeds []uint   // instead of the grid's, unless empty
	Only  string   // patterns on names, such as clean-*,bitflip40-bgmd; empty for all
	Out   string   // the folder for the records
}

// Runs returns the runs of the grid, in order and with their records' folders,
// Out/[config.Config.Folder], and what in them is hardly meant, see
// [config.Config.Warnings]. The error lists the problems of all runs. A warning or
// problem of several runs is there once.
func (s Spec) Runs() (runs []Run, warnings []error, err error) {
	grid, err := s.grid()
	if err != nil {
		return nil, nil, err
	}
	cells, err := grid.Cells()
	if err != nil {
		return nil, nil, err
	}
	if len(cells)*len(grid.Seeds) > MaxRuns {
		return nil, nil, fmt.Errorf("%s: %d combinations × %d seeds, want at most %d runs", s.File, len(cells), len(grid.Seeds), MaxRuns)
	}
	var problems findings
	unmeant := map[string][]error{} // warnings, by the run's name
	for _, cell := range cells {
		for i, seed := range grid.Seeds {
			c, found := s.merge(grid, cell, seed)
			for _, problem := range found {
				problems.add(problem, cell.Name)
			}
			if found != nil {
				continue
			}
			if i == 0 {
				unmeant[cell.Name] = c.Warnings()
			}
			runs = append(runs, s.run(c))
		}
	}
	if problems.list != nil {
		return nil, nil, errors.Join(problems.all()...)
	}
	if runs, err = s.selected(runs); err == nil {
		err = s.different(runs)
	}
	if err != nil {
		return nil, nil, err
	}
	var found findings
	for _, name := range names(runs) {
		for _, warning := range unmeant[name] {
			found.add(warning, name)
		}
	}
	return runs, found.all(), nil
}

// grid reads the grid's file. --seeds replaces its seeds.
func (s Spec) grid() (*Grid, error) {
	source, _, err := yamltext.Read(s.File)
	if err != nil {
		return nil, fmt.Errorf("--config %s: %w", s.File, err)
	}
	grid, err := Parse(s.File, source)
	if err != nil {
		return nil, err
	}
	for i, seed := range s.Seeds {
		if slices.Contains(s.Seeds[:i], seed) {
			return nil, fmt.Errorf("--seeds has %d twice", seed)
		}
		grid.Seeds = append(grid.Seeds[:i:i], uint64(seed))
	}
	return grid, nil
}

// findings are errors of several runs, each once.
type findings struct {
	list []error
	runs map[string][]string // names, by the error's text
}

func (f *findings) add(err error, run string) {
	if f.runs == nil {
		f.runs = map[string][]string{}
	}
	text := err.Error()
	have := f.runs[text]
	if have == nil {
		f.list = append(f.list, err)
	}
	if have == nil || have[len(have)-1] != run { // seeds of a run come one after the other
		f.runs[text] = append(have, run)
	}
}

// all returns the errors in order. Those about keys that clash name their runs,
// of which no single place in the file tells.
func (f *findings) all() []error {
	var errs []error
	for _, err := range f.list {
		if key, ok := errors.AsType[*config.KeyError](err); ok && len(key.Beside) > 0 {
			err = fmt.Errorf("%w, in %s", err, someOf(f.runs[err.Error()]))
		}
		errs = append(errs, err)
	}
	return errs
}

// someOf lists the first of many runs.
func someOf(runs []string) string {
	const shown = 3
	if more := len(runs) - shown; more > 0 {
		return fmt.Sprintf("runs %s and %d more", strings.Join(runs[:shown], ", "), more)
	}
	if len(runs) == 1 {
		return "run " + runs[0]
	}
	return "runs " + strings.Join(runs, ", ")
}

// different complains of runs that differ in their names alone: they would be one
// measurement under two names.
func (s Spec) different(runs []Run) error {
	var problems []error
	names := map[string]string{} // by the rest of the configuration, seeds apart
	for _, r := range runs {
		c := r.Config
		c.Name, c.Seed, c.DivergedAt = "", 0, "step" // see run
		hash := c.Hash()
		switch other := names[hash]; {
		case other == "":
			names[hash] = r.Config.Name
		case other != r.Config.Name && r.Config.Seed == runs[0].Config.Seed:
			problems = append(problems, fmt.Errorf("%s: the runs %s and %s have one configuration", s.File, other, r.Config.Name))
		}
	}
	return errors.Join(problems...)
}

// run returns the run of a configuration, or one that is there, has finished and is
// as good. Where diverged_at is epoch, that is one with step, the same to the bit: no
// loss in it was ever beyond the bound. Where model.conv is auto, whatever is fast, it
// is one with direct, the same but for roundings.
func (s Spec) run(c config.Config) Run {
	asGood := []config.Config{c}
	if c.Model.Conv == "auto" {
		direct := c
		direct.Model.Conv = "direct"
		asGood = append(asGood, direct)
	}
	for _, c := range asGood {
		strict := c
		strict.DivergedAt = "step"
		for _, c := range []config.Config{strict, c} {
			if r := s.named(c); Look(r).State == Finished {
				return r
			}
		}
	}
	return s.named(c)
}

func (s Spec) named(c config.Config) Run {
	return Run{Config: c, Dir: filepath.Join(s.Out, c.Folder())}
}

// merge returns the configuration of one run, and what is wrong with it.
func (s Spec) merge(grid *Grid, cell Cell, seed uint64) (config.Config, []error) {
	var layers []*config.Layer
	if grid.Base != nil {
		layers = config.Base(yamltext.At(s.File, grid.Base), s.File, grid.Base.Value)
	}
	for _, piece := range cell.Pieces {
		layers = append(layers, refuse(config.Piece(s.File, piece)))
	}
	top := refuse(config.Assignments(s.Sets))
	top.Set(s.File, "name", cell.Name)
	top.Set(s.File, "seed", seed)
	return config.Merge(append(layers, top)...)
}

// ofTheSweep holds the keys that a sweep sets itself, and by what.
var ofTheSweep = []struct{ key, instead string }{
	{"name", "runs are named after the grid's variants"},
	{"seed", "use seeds at the top of the file, or --seeds"},
	{"workers", "use --jobs, which share the cores"},
}

// refuse complains about keys that a sweep sets itself, and returns the layer.
func refuse(l *config.Layer) *config.Layer {
	for _, k := range ofTheSweep {
		if where := l.Where(k.key); where != "" {
			l.Complain(where, "a sweep has no use for %s: %s", k.key, k.instead)
		}
	}
	return l
}

// selected returns those of runs whose names match one of the patterns of
// --only. A pattern that matches no run is an error.
func (s Spec) selected(runs []Run) ([]Run, error) {
	if s.Only == "" {
		return runs, nil
	}
	chosen := make([]bool, len(runs))
	for pattern := range strings.SplitSeq(s.Only, ",") {
		found := false
		for i, r := range runs {
			matches, err := path.Match(pattern, r.Config.Name)
			if err != nil {
				return nil, fmt.Errorf("--only has %q, want a pattern such as clean-*", pattern)
			}
			chosen[i] = chosen[i] || matches
			found = found || matches
		}
		if !found {
			return nil, fmt.Errorf("--only: no run matches %q (have %s)", pattern, strings.Join(names(runs), ", "))
		}
	}
	var some []Run
	for i, r := range runs {
		if chosen[i] {
			some = append(some, r)
		}
	}
	return some, nil
}

// names returns the runs' names, each once, in order.
func names(runs []Run) []string {
	var names []string
	for _, r := range runs {
		names = append(names, r.Config.Name)
	}
	return slices.Compact(names)
}
