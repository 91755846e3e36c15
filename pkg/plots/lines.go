package plots

import (
	"errors"
	"fmt"
	"math"
	"strconv"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// Line is a curve through points of x and y, or the points alone.
type Line struct {
	Label  string
	X, Y   []float64
	Points bool
}

// Frame is what goes around the lines of a [LinePlot]. Logarithmic axes take
// positive values only.
type Frame struct {
	Title, XLabel, YLabel string
	LogX, LogY            bool
}

// LinePlot draws lines with markers, in the order given, which fixes colours
// and markers. Values that are not finite, or not positive on a logarithmic
// axis, are left out; a line without any point left is an error.
func LinePlot(f Frame, lines []Line) (*Plot, error) {
	if len(lines) == 0 {
		return nil, errors.New("plots: line plot: there are no lines to plot")
	}
	p := newPlot(f.Title, f.XLabel, f.YLabel)
	var xs, ys span
	for i, l := range lines {
		if len(l.X) != len(l.Y) {
			return nil, fmt.Errorf("plots: line plot: line %q has %d values of x and %d of y", l.Label, len(l.X), len(l.Y))
		}
		var points plotter.XYs
		for k := range l.X {
			x, y := l.X[k], l.Y[k]
			if drawable(x, f.LogX) && drawable(y, f.LogY) {
				x, y = place(x, f.LogX), place(y, f.LogY)
				points = append(points, plotter.XY{X: x, Y: y})
				xs.add(x)
				ys.add(y)
			}
		}
		if points == nil {
			return nil, fmt.Errorf("plots: line plot: line %q has no point to draw", l.Label)
		}
		var c interface {
			plot.Plotter
			plot.Thumbnailer
		} = newCurve(i, points)
		if l.Points {
			c = markers{newCurve(i, points)}
		}
		p.plot.Add(c)
		p.legend.Add(l.Label, c)
	}
	setScale(&p.plot.X, xs, f.LogX)
	setScale(&p.plot.Y, ys, f.LogY)
	return p, nil
}

// markers draws a curve's markers, all of them, without the line.
type markers struct{ *curve }

// Plot implements [plot.Plotter].
func (m markers) Plot(canvas draw.Canvas, p *plot.Plot) {
	x, y := p.Transforms(&canvas)
	for _, xy := range m.XYs {
		canvas.DrawGlyphNoClip(m.marker, vg.Point{X: x(xy.X), Y: y(xy.Y)})
	}
}

// Thumbnail implements [plot.Thumbnailer].
func (m markers) Thumbnail(canvas *draw.Canvas) { canvas.DrawGlyphNoClip(m.marker, canvas.Center()) }

func drawable(v float64, log bool) bool {
	return !math.IsNaN(v) && !math.IsInf(v, 0) && (v > 0 || !log)
}

// place is where a value lies on an axis: logarithmic ones are linear in the
// exponent, since gonum's own misplace the axis's label.
func place(v float64, log bool) float64 {
	if log {
		return math.Log10(v)
	}
	return v
}

// setScale lets an axis run a little further than the values, on a logarithmic
// scale to whole powers of ten, or where those are few to 1, 2 or 5 times one.
func setScale(axis *plot.Axis, values span, log bool) {
	if log {
		axis.Min, axis.Max = math.Floor(values.min), math.Ceil(values.max)
		if marks := roundNumbers(values.min, values.max); axis.Max-axis.Min <= 2 && len(marks) > 2 {
			axis.Min, axis.Max = marks[0].Value, marks[len(marks)-1].Value
			axis.Tick.Marker = marks
			return
		}
		if axis.Min == axis.Max {
			axis.Max++
		}
		axis.Tick.Marker = powers(int(axis.Min), int(axis.Max))
		return
	}
	width := values.max - values.min
	if width == 0 {
		width = max(1, math.Abs(values.max))
	}
	step := niceStep(width, 6)
	axis.Min, axis.Max = math.Floor(values.min/step)*step, values.max+width*0.02
	axis.Tick.Marker = ticks(axis.Min, axis.Max, step)
}

// roundNumbers marks 1, 2 and 5 times the powers of ten from the last that is not
// above 10^lo to the first that is not below 10^hi.
func roundNumbers(lo, hi float64) plot.ConstantTicks {
	var marks plot.ConstantTicks
	for e := math.Floor(lo); e <= math.Ceil(hi); e++ {
		for _, m := range []float64{1, 2, 5} {
			v := e + math.Log10(m)
			if v <= lo {
				marks = nil
			}
			marks = append(marks, plot.Tick{Value: v, Label: strconv.FormatFloat(m*math.Pow(10, e), 'g', 6, 64)})
			if v >= hi {
				return marks
			}
		}
	}
	return marks
}

// powers marks the powers of ten from lo to hi, labels every second or so where
// there are many, and with few of them marks the multiples between.
func powers(lo, hi int) plot.ConstantTicks {
	every := max(1, (hi-lo+5)/6)
	var marks plot.ConstantTicks
	for e := lo; e <= hi; e++ {
		tick := plot.Tick{Value: float64(e)}
		if (e-lo)%every == 0 {
			tick.Label = power(e)
		}
		marks = append(marks, tick)
		for m := 2.0; m < 10 && every == 1 && e < hi; m++ {
			marks = append(marks, plot.Tick{Value: float64(e) + math.Log10(m)})
		}
	}
	return marks
}

// power writes 10^e, as a plain number where that is short. The font has no
// superscript minus.
func power(e int) string {
	if e >= -3 && e <= 4 {
		return strconv.FormatFloat(math.Pow(10, float64(e)), 'f', max(0, -e), 64)
	}
	return "1e" + strconv.Itoa(e)
}
