package report

import (
	"errors"
	"fmt"
	"math"
	"strconv"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// CountsPlot draws how many samples of each class every client has: a disc a
// client and class whose area is the number, the largest one as wide as its
// place. Sizes, not colours, carry the numbers, so they can be read in grey and
// by the colour-blind. counts has a row a client and a column a class.
func CountsPlot(title string, classes []string, counts [][]int) (*Plot, error) {
	if len(counts) == 0 || len(classes) == 0 {
		return nil, errors.New("report: counts plot: there are no clients or no classes")
	}
	most := 0
	for c, row := range counts {
		if len(row) != len(classes) {
			return nil, fmt.Errorf("report: counts plot: client %d has %d classes, want %d", c, len(row), len(classes))
		}
		for _, n := range row {
			most = max(most, n)
		}
	}
	p := newPlot(title, "client", "")
	var names, numbers []plot.Tick
	for k, name := range classes {
		names = append(names, plot.Tick{Value: float64(k), Label: name})
	}
	for c := 0; c < len(counts); c += (len(counts) + 24) / 25 {
		numbers = append(numbers, plot.Tick{Value: float64(c), Label: strconv.Itoa(c)})
	}
	p.plot.Y.Tick.Marker, p.plot.X.Tick.Marker = plot.ConstantTicks(names), plot.ConstantTicks(numbers)
	p.plot.Y.Min, p.plot.Y.Max = -0.6, float64(len(classes))-0.4
	p.plot.X.Min, p.plot.X.Max = -0.6, float64(len(counts))-0.4
	p.plot.Add(discs{counts, most})
	legend := discKey{vg.Points(8)}
	p.legend.Add(fmt.Sprintf("%d samples", most), legend)
	if most%4 == 0 {
		p.legend.Add(fmt.Sprintf("%d samples", most/4), discKey{legend.radius / 2})
	}
	return p, nil
}

// discs are the discs of a [CountsPlot].
type discs struct {
	counts [][]int
	most   int // the largest count
}

// Plot implements [plot.Plotter].
func (d discs) Plot(canvas draw.Canvas, p *plot.Plot) {
	x, y := p.Transforms(&canvas)
	largest := min(x(1)-x(0), y(1)-y(0)) * 0.48
	for c, row := range d.counts {
		for k, n := range row {
			if n > 0 {
				r := largest * vg.Length(math.Sqrt(float64(n)/float64(d.most)))
				disc(canvas, vg.Point{X: x(float64(c)), Y: y(float64(k))}, max(r, vg.Points(0.4)))
			}
		}
	}
}

// discKey is a disc in the legend.
type discKey struct{ radius vg.Length }

// Thumbnail implements [plot.Thumbnailer].
func (k discKey) Thumbnail(canvas *draw.Canvas) { disc(*canvas, canvas.Center(), k.radius) }

func disc(canvas draw.Canvas, at vg.Point, radius vg.Length) {
	canvas.DrawGlyphNoClip(draw.GlyphStyle{Color: palette[0], Radius: radius, Shape: draw.CircleGlyph{}}, at)
}
