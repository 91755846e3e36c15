package main

import (
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/bgmd/bgmd/pkg/evidence"
	"github.com/bgmd/bgmd/pkg/plots"
	"github.com/bgmd/bgmd/pkg/record"
)

// readSeries reads runs to be drawn together. It names a line by its experiment, the
// folder around its runs, and by the run, too, where experiments are not all different.
// It warns of runs that cannot be drawn.
func readSeries(cmd *cobra.Command, args []string) ([]plots.Series, error) {
	runs, err := readRuns(args)
	if len(runs) == 0 {
		return nil, &inputError{err} // unless an argument is wrong, which counts first
	}
	warn(cmd, err)
	runs, err = evidence.Distinct(runs)
	warn(cmd, err)
	var series []plots.Series
	place := map[[2]string]int{}
	names := map[string]int{}
	for _, run := range runs {
		key := [2]string{run.Experiment(), run.Dir}
		if f, err := evidence.FactsOf(run); err == nil {
			key[1] = f.Variant()
		}
		if i, ok := place[key]; ok {
			series[i].Runs = append(series[i].Runs, run)
			continue
		}
		place[key] = len(series)
		series = append(series, plots.One(run, run.Experiment()))
		names[run.Experiment()]++
	}
	for i, s := range series {
		if names[s.Label] > 1 {
			series[i].Label = filepath.Join(s.Label, s.Runs[0].Name())
		}
	}
	return series, nil
}

// readRuns reads the runs that folders and patterns stand for, each once. The error names
// what cannot be read or drawn. It comes without runs if none is left, or if an argument
// is neither folder nor pattern.
func readRuns(args []string) ([]*record.Run, error) {
	var runs []*record.Run
	var broken, wrong []error
	seen := map[string]bool{}
	for _, arg := range args {
		dirs, err := foldersOf(arg)
		broken = append(broken, err)
		if dirs == nil {
			wrong = append(wrong, &configError{fmt.Errorf("plot: %q is neither a figure, one of %s, which are drawn one at a time, nor a folder of runs",
				arg, strings.Join(figureNames(), ", "))})
			continue
		}
		found := 0
		for _, dir := range dirs {
			below, err := record.ReadAll(dir)
			broken = append(broken, err)
			found += len(below)
			for _, run := range below {
				switch {
				case seen[run.Dir]:
				case !evaluated(run):
					broken = append(broken, fmt.Errorf("plot: %s: no epoch has been evaluated", run.Dir))
				default:
					runs = append(runs, run)
				}
				seen[run.Dir] = true
			}
		}
		if found == 0 {
			wrong = append(wrong, fmt.Errorf("plot: %s: found no run there", arg))
		}
	}
	if wrong != nil {
		return nil, errors.Join(append(broken, wrong...)...)
	}
	return runs, errors.Join(broken...)
}

// evaluated tells whether there is an epoch to draw.
func evaluated(run *record.Run) bool {
	return slices.ContainsFunc(run.Epochs, func(e record.Epoch) bool { return !math.IsNaN(float64(e.TestAccuracy)) })
}

// foldersOf returns the folders that an argument stands for: itself, or those that
// fit it as a pattern. The error names folders that could not be searched.
func foldersOf(arg string) ([]string, error) {
	if info, err := os.Stat(arg); err == nil && info.IsDir() {
		return []string{arg}, nil
	}
	if !strings.ContainsAny(arg, "*?[") {
		return nil, nil
	}
	start := "."
	if filepath.IsAbs(arg) {
		start = "/"
	}
	return match(start, strings.FieldsFunc(arg, func(r rune) bool { return r == filepath.Separator }))
}

// match returns the folders below dir whose path fits a pattern's elements. Unlike
// filepath.Glob it says what it cannot read, and, as a shell does, leaves hidden
// folders to patterns that begin with a dot.
func match(dir string, elements []string) ([]string, error) {
	if len(elements) == 0 {
		return []string{dir}, nil
	}
	pattern, rest := elements[0], elements[1:]
	if !strings.ContainsAny(pattern, `*?[\`) {
		if info, err := os.Stat(filepath.Join(dir, pattern)); err != nil || !info.IsDir() {
			return nil, nil
		}
		return match(filepath.Join(dir, pattern), rest)
	}
	entries, err := os.ReadDir(dir)
	errs := []error{err}
	var found []string
	for _, e := range entries {
		path := filepath.Join(dir, e.Name())
		fits, err := filepath.Match(pattern, e.Name())
		if err != nil || !fits || strings.HasPrefix(e.Name(), ".") && !strings.HasPrefix(pattern, ".") {
			continue
		}
		if info, err := os.Stat(path); err == nil && info.IsDir() {
			below, err := match(path, rest)
			found, errs = append(found, below...), append(errs, err)
		}
	}
	return found, errors.Join(errs...)
}
