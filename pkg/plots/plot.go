// Package plots turns the records of runs into plots.
//
// It reads records only, never configurations or models, so that a plot can be
// made of any run of any version whose record can be read; the caller says what a
// run is called in a legend.
package plots

import (
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"slices"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"

	"github.com/bgmd/bgmd/internal/printable"
	"github.com/bgmd/bgmd/pkg/record"
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
	return "", fmt.Errorf("plots: unknown axis %q (have %s, %s, %s)", name, Epoch, Step, Time)
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

// Series is a line in a plot: a run, or runs that differ in their seeds alone.
type Series struct {
	Runs []*record.Run
	// Label names the runs in the legend, usually by their aggregator; empty
	// stands for the first run's own name. A status other than finished is
	// added in [AccuracyPlot].
	Label string
}

// One is the series of a single run.
func One(run *record.Run, label string) Series { return Series{[]*record.Run{run}, label} }

// label is the series's entry in the legend.
func (s Series) label() string {
	label := s.Label
	if label == "" {
		label = s.Runs[0].Name()
	}
	label = printable.Text(label)
	if status := s.status(); status != record.Finished {
		label += " (" + string(status) + ")"
	}
	return label
}

// status is the status that all runs have; if they differ, the first that is not
// finished.
func (s Series) status() record.Status {
	for _, r := range s.Runs {
		if status := r.Status(); status != record.Finished {
			return status
		}
	}
	return record.Finished
}

// points returns the epochs that all runs have evaluated as (place on the axis,
// accuracy), both means over the runs, and the least and largest accuracy.
func (s Series) points(x Axis) (mean, low, high plotter.XYs, err error) {
	for e := range s.Runs[0].Epochs {
		at, y, least, most := 0.0, 0.0, math.Inf(1), math.Inf(-1)
		for _, r := range s.Runs {
			if e >= len(r.Epochs) {
				at = math.NaN()
				break
			}
			a := float64(r.Epochs[e].TestAccuracy)
			at += x.at(r.Epochs[e]) / float64(len(s.Runs))
			y += a / float64(len(s.Runs))
			least, most = min(least, a), max(most, a)
		}
		if !math.IsNaN(at + y) {
			mean = append(mean, plotter.XY{X: at, Y: y})
			low = append(low, plotter.XY{X: at, Y: least})
			high = append(high, plotter.XY{X: at, Y: most})
		}
	}
	if mean == nil {
		return nil, nil, nil, fmt.Errorf("plots: accuracy plot: run %s has no evaluated epoch", s.Runs[0].Dir)
	}
	return mean, low, high, nil
}

// Plot is a finished drawing; Save writes it.
type Plot struct {
	plot   *plot.Plot
	legend plot.Legend
	panels []*plot.Plot  // side by side, in place of plot,
	keys   []plot.Legend // and their legend, entry by entry
}

// AccuracyPlot draws the test accuracy of the given runs, in percent, against
// x: a line with markers a series, in the order given, which also fixes colours
// and markers. Several runs in a series are drawn as their mean in a band from
// the least to the largest. A diverged run ends in a cross. An empty title
// stands for the runs' experiment, or, where they have several, for the folder
// around those. Runs without any evaluated epoch are an error.
func AccuracyPlot(series []Series, x Axis, title string) (*Plot, error) {
	if len(series) == 0 {
		return nil, errors.New("plots: accuracy plot: there are no runs to plot")
	}
	if title == "" {
		title = printable.Text(commonTitle(series))
	}
	frame, err := frameOf([][]Series{series}, x)
	if err != nil {
		return nil, err
	}
	p := newPlot(title, frame.label, accuracyLabel)
	for i, s := range series {
		c, err := frame.add(p.plot, i, s)
		if err != nil {
			return nil, err
		}
		p.legend.Add(s.label(), c)
	}
	return p, nil
}

const accuracyLabel = "test accuracy (%)"

// Panel is one of several accuracy plots that share axes and legend.
type Panel struct {
	Title  string
	Series []Series // the label decides colour and marker
}

// PanelPlot draws accuracy plots side by side.
func PanelPlot(panels []Panel, x Axis) (*Plot, error) {
	var all [][]Series
	for _, panel := range panels {
		all = append(all, panel.Series)
	}
	frame, err := frameOf(all, x)
	if err != nil {
		return nil, err
	}
	p := &Plot{}
	style := map[string]int{}
	for i, panel := range panels {
		yLabel := ""
		if i == 0 {
			yLabel = accuracyLabel
		}
		one := newPlot(panel.Title, frame.label, yLabel).plot
		for _, s := range panel.Series {
			index, known := style[s.Label]
			if !known {
				index = len(style)
				style[s.Label] = index
			}
			c, err := frame.add(one, index, s)
			if err != nil {
				return nil, err
			}
			if !known {
				line, key := *c, newPlot("", "", "").legend
				line.crossed = false
				key.Add(s.Label, &line)
				p.keys = append(p.keys, key)
			}
		}
		frame.scale(one) // where a panel is empty
		p.panels = append(p.panels, one)
	}
	return p, nil
}

// frame is what plots of accuracy share: the axes.
type frame struct {
	x       Axis
	label   string
	divisor float64
	xs, ys  span
}

// frameOf makes room for all series of all panels.
func frameOf(panels [][]Series, x Axis) (*frame, error) {
	if _, err := ParseAxis(string(x)); err != nil {
		return nil, err
	}
	f := &frame{x: x}
	empty := true
	for _, series := range panels {
		for _, s := range series {
			mean, low, high, err := s.points(x)
			if err != nil {
				return nil, err
			}
			for i := range mean {
				f.xs.add(mean[i].X)
				f.ys.add(low[i].Y)
				f.ys.add(high[i].Y)
				empty = false
			}
		}
	}
	if empty {
		return nil, errors.New("plots: accuracy plot: there are no runs to plot")
	}
	f.label, f.divisor = x.unit(f.xs.max)
	return f, nil
}

func (f *frame) scale(p *plot.Plot) {
	setX(&p.X, f.xs.max/f.divisor, f.x == Epoch || f.x == Step)
	setY(&p.Y, f.ys)
}

// add draws a series in the i-th style and returns its curve.
func (f *frame) add(p *plot.Plot, i int, s Series) (*curve, error) {
	mean, low, high, err := s.points(f.x)
	if err != nil {
		return nil, err
	}
	for j := range mean {
		mean[j].X /= f.divisor
		low[j].X /= f.divisor
		high[j].X /= f.divisor
	}
	c := newCurve(i, mean)
	c.crossed = s.status() == record.Diverged
	if len(s.Runs) > 1 {
		slices.Reverse(high)
		band, err := plotter.NewPolygon(append(low, high...))
		if err != nil {
			return nil, err
		}
		tint := palette[i%len(palette)]
		tint.R, tint.G, tint.B, tint.A = tint.R/5, tint.G/5, tint.B/5, 0x33 // a fifth, premultiplied
		band.Color, band.LineStyle.Width = tint, 0
		p.Add(band)
	}
	p.Add(c)
	f.scale(p)
	return c, nil
}

// commonTitle is the experiment that all runs share, or the name of the folder that all
// their experiments share, or empty.
func commonTitle(series []Series) string {
	shared := func(name func(*record.Run) string) string {
		title := name(series[0].Runs[0])
		for _, s := range series {
			for _, r := range s.Runs {
				if name(r) != title {
					return ""
				}
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
