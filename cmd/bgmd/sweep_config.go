package main

import (
	"errors"
	"fmt"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/bgmd/bgmd/internal/yamltext"
	"github.com/bgmd/bgmd/pkg/config"
	"github.com/bgmd/bgmd/pkg/sweep"
)

// sweepFlags says what to sweep over.
type sweepFlags struct {
	file  string
	sets  []string
	seeds []uint // instead of the grid's, unless empty
	only  string // patterns on names; empty for all
	out   string // empty for runs/<file's stem>

	at map[string]*places // of the runs' keys, by name, once runs has returned
}

// runs returns the runs of the grid, in order and with their records' folders
// as [runName] has them, and what in them is hardly meant, as loadConfig says it.
// The error lists the problems of all runs. A warning or problem of several runs
// is there once.
func (f *sweepFlags) runs() (runs []sweep.Run, warnings []error, err error) {
	grid, err := f.grid()
	if err != nil {
		return nil, nil, err
	}
	cells, err := grid.Cells()
	if err != nil {
		return nil, nil, err
	}
	if len(cells)*len(grid.Seeds) > sweep.MaxRuns {
		return nil, nil, fmt.Errorf("%s: %d combinations × %d seeds, want at most %d runs", f.file, len(cells), len(grid.Seeds), sweep.MaxRuns)
	}
	var problems findings
	unmeant := map[string][]error{} // warnings, by the run's name
	f.at = map[string]*places{}
	for _, cell := range cells {
		for i, seed := range grid.Seeds {
			c, at, err := f.resolve(grid, cell, seed)
			if err != nil {
				for _, problem := range unjoin(err) {
					problems.add(problem, cell.Name)
				}
				continue
			}
			if i == 0 {
				unmeant[cell.Name] = at.locateAll(c.Warnings())
				f.at[cell.Name] = at
			}
			runs = append(runs, f.run(c))
		}
	}
	if problems.list != nil {
		return nil, nil, errors.Join(problems.all()...)
	}
	if runs, err = f.selected(runs); err == nil {
		err = f.different(runs)
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
func (f *sweepFlags) grid() (*sweep.Grid, error) {
	source, _, err := readSource(f.file)
	if err != nil {
		return nil, fmt.Errorf("--config %s: %w", f.file, err)
	}
	grid, err := sweep.Parse(f.file, source)
	if err != nil {
		return nil, err
	}
	for i, seed := range f.seeds {
		if slices.Contains(f.seeds[:i], seed) {
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
func (f *sweepFlags) different(runs []sweep.Run) error {
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
			problems = append(problems, fmt.Errorf("%s: the runs %s and %s have one configuration", f.file, other, r.Config.Name))
		}
	}
	return errors.Join(problems...)
}

// locate says of an error about one run's keys, which the data alone could tell,
// where they are, and which run it is.
func (f *sweepFlags) locate(err error) error {
	of, ok := errors.AsType[*sweep.RunError](err)
	if !ok || !isKeyError(err) {
		return fmt.Errorf("estimate the time: %w", err)
	}
	name := of.Config.Name
	return fmt.Errorf("%w, in %s", f.at[name].locate(err), someOf([]string{name}))
}

// run returns the run of a configuration, or one that is there, has finished and is
// as good. Where diverged_at is epoch, that is one with step, the same to the bit: no
// loss in it was ever beyond the bound. Where model.conv is auto, whatever is fast, it
// is one with direct, the same but for roundings.
func (f *sweepFlags) run(c config.Config) sweep.Run {
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
			if r := f.named(c); sweep.Look(r).State == sweep.Finished {
				return r
			}
		}
	}
	return f.named(c)
}

func (f *sweepFlags) named(c config.Config) sweep.Run {
	return sweep.Run{Config: c, Dir: filepath.Join(f.out, c.Name, runName(c))}
}

// unjoin returns the errors that errors.Join has joined.
func unjoin(err error) []error {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		return joined.Unwrap()
	}
	if err == nil {
		return nil
	}
	return []error{err}
}

// resolve returns the configuration of one run. It reads all layers anew: merged
// ones share maps with what they were merged into.
func (f *sweepFlags) resolve(grid *sweep.Grid, cell sweep.Cell, seed uint64) (config.Config, *places, error) {
	var layers []*layer
	if grid.Base != nil {
		layers = readFiles(yamltext.At(f.file, grid.Base), beside(f.file, grid.Base.Value))
	}
	for _, piece := range cell.Pieces {
		layers = append(layers, f.piece(piece))
	}
	top := newLayer()
	for _, assignment := range f.sets {
		top.assign("--set", assignment)
	}
	top.refuse()
	top.set(f.file, "name", cell.Name)
	top.set(f.file, "seed", seed)
	return resolve(append(layers, top))
}

// ofTheSweep holds the keys that a sweep sets itself, and by what.
var ofTheSweep = []struct{ key, instead string }{
	{"name", "runs are named after the grid's variants"},
	{"seed", "use seeds at the top of the file, or --seeds"},
	{"workers", "use --jobs, which share the cores"},
}

// refuse complains about keys that a sweep sets itself.
func (l *layer) refuse() {
	for _, k := range ofTheSweep {
		if where := l.origin[k.key]; where != "" {
			l.complain(where, "a sweep has no use for %s: %s", k.key, k.instead)
		}
	}
}

// piece reads a piece of configuration of the grid's file.
func (f *sweepFlags) piece(node *yaml.Node) *layer {
	l := newLayer()
	l.section(f.file, "", node)
	if l.base != "" {
		l.complain(l.origin["base"], "base belongs at the top of the file")
	}
	l.refuse()
	return l
}

// selected returns those of runs whose names match one of the patterns of
// --only. A pattern that matches no run is an error.
func (f *sweepFlags) selected(runs []sweep.Run) ([]sweep.Run, error) {
	if f.only == "" {
		return runs, nil
	}
	chosen := make([]bool, len(runs))
	for pattern := range strings.SplitSeq(f.only, ",") {
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
	var some []sweep.Run
	for i, r := range runs {
		if chosen[i] {
			some = append(some, r)
		}
	}
	return some, nil
}

// names returns the runs' names, each once, in order.
func names(runs []sweep.Run) []string {
	var names []string
	for _, r := range runs {
		names = append(names, r.Config.Name)
	}
	return slices.Compact(names)
}
