// Package report turns the records of runs into plots.
//
// It reads records only, never configurations or models, so that a plot can be
// made of any run of any version whose record can be read; what a run is called
// in a legend is for the caller to say.
package report

import (
	"errors"
	"fmt"
	"math"
	"path/filepath"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"

	"github.com/bgmd/bgmd/pkg/train/record"
)

// Axis is what an accuracy is plotted against.
type Axis string

// The axes.
const (
	Time  Axis = "time"  // wall-clock time since the run's start
	Epoch Axis = "epoch" // epochs trained
	Step  Axis = "step"  // optimiser steps
)

// ParseAxis returns the axis of the given name: epoch, step or time.
func ParseAxis(name string) (Axis, error) {
	switch a := Axis(name); a {
	case Time, Epoch, Step:
		return a, nil
	}
	return "", fmt.Errorf("report: unknown axis %q (have %s, %s, %s)", name, Epoch, Step, Time)
}

// at is where on the axis an epoch lies; times are in seconds.
func (a Axis) at(e record.Epoch) float64 {
	switch a {
	case Epoch:
		return float64(e.Epoch)
	case Step:
		return float64(e.Step)
	default:
		return e.Elapsed
	}
}

// unit returns the axis's label for values up to limit, and what to divide
// them by to get the label's unit.
func (a Axis) unit(limit float64) (label string, divisor float64) {
	switch {
	case a == Epoch:
		return "epoch", 1
	case a == Step:
		return "step", 1
	case limit >= 3*3600:
		return "wall-clock time (h)", 3600
	case limit >= 20*60:
		return "wall-clock time (min)", 60
	default:
		return "wall-clock time (s)", 1
	}
}

// Series is one run in a plot.
type Series struct {
	Run *record.Run
	// Label names the run in the legend, usually by its aggregator; empty
	// stands for the run's own name. A status other than finished is added.
	Label string
}

// label is the series's entry in the legend.
func (s Series) label() string {
	label := s.Label
	if label == "" {
		label = s.Run.Name()
	}
	if status := s.Run.Status(); status != record.Finished {
		label += " (" + string(status) + ")"
	}
	return label
}

// points returns the evaluated epochs as (place on the axis, accuracy), and
// whether there are any.
func (s Series) points(x Axis) (plotter.XYs, bool) {
	var points plotter.XYs
	for _, e := range s.Run.Epochs {
		if y := float64(e.TestAccuracy); !math.IsNaN(y) {
			points = append(points, plotter.XY{X: x.at(e), Y: y})
		}
	}
	return points, len(points) > 0
}

// Plot is a finished drawing; Save writes it.
type Plot struct {
	plot   *plot.Plot
	legend plot.Legend
}

// AccuracyPlot draws the test accuracy of the given runs, in percent, against
// x: a line with markers a run, in the order given, which also fixes colours
// and markers. A diverged run ends in a cross. An empty title stands for
// the runs' experiment, or, where they have several, for the folder around those. Runs without any evaluated epoch are an error.
func AccuracyPlot(runs []Series, x Axis, title string) (*Plot, error) {
	if len(runs) == 0 {
		return nil, errors.New("report: accuracy plot: there are no runs to plot")
	}
	if _, err := ParseAxis(string(x)); err != nil {
		return nil, err
	}
	if title == "" {
		title = commonTitle(runs)
	}
	lines := make([]plotter.XYs, len(runs))
	var xs, ys span
	for i, s := range runs {
		points, ok := s.points(x)
		if !ok {
			return nil, fmt.Errorf("report: accuracy plot: run %s has no evaluated epoch", s.Run.Dir)
		}
		for _, p := range points {
			xs.add(p.X)
			ys.add(p.Y)
		}
		lines[i] = points
	}

	label, divisor := x.unit(xs.max)
	p := newPlot(title, label, "test accuracy (%)")
	setX(&p.plot.X, xs.max/divisor, x == Epoch || x == Step)
	setY(&p.plot.Y, ys)
	for i, s := range runs {
		for j := range lines[i] {
			lines[i][j].X /= divisor
		}
		c := newCurve(i, lines[i])
		c.crossed = s.Run.Status() == record.Diverged
		p.plot.Add(c)
		p.legend.Add(s.label(), c)
	}
	return p, nil
}

// commonTitle is the experiment that all runs share, or the name of the folder
// that all experiments do, or empty.
func commonTitle(runs []Series) string {
	shared := func(name func(*record.Run) string) string {
		title := name(runs[0].Run)
		for _, s := range runs {
			if name(s.Run) != title {
				return ""
			}
		}
		return title
	}
	if title := shared((*record.Run).Experiment); title != "" {
		return title
	}
	return shared(func(r *record.Run) string {
		dir, err := filepath.Abs(r.Dir)
		if err != nil {
			return ""
		}
		return filepath.Base(filepath.Dir(filepath.Dir(dir)))
	})
}
