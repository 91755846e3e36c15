package plots

import (
	"errors"
	"fmt"
	"math"
	"strconv"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// CountsPlot draws how many samples of each class every client has: a disc for each
// client and class, whose area stands for the number. The largest disc is as wide as its
// place, or as the legend allows. Sizes, not colours, carry the numbers, so that they can
// be read in grey and by the colour-blind. counts has a row a client and a column a class.
func CountsPlot(title string, classes []string, counts [][]int) (*Plot, error) {
	if len(counts) == 0 || len(classes) == 0 {
		return nil, errors.New("plots: counts plot: there are no clients or no classes")
	}
	most := 0
	for c, row := range counts {
		if len(row) != len(classes) {
			return nil, fmt.Errorf("plots: counts plot: client %d has %d classes, want %d", c, len(row), len(classes))
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
	d := &discs{counts: counts, most: most}
	p.plot.Add(d)
	p.legend.Add(fmt.Sprintf("%d samples", most), discKey{d, 1})
	if most%4 == 0 {
		p.legend.Add(fmt.Sprintf("%d samples", most/4), discKey{d, 0.5})
	}
	return p, nil
}

// discs are the discs of a [CountsPlot].
type discs struct {
	counts [][]int
	most   int // the largest count

	radius vg.Length // of the largest disc, set by Plot
}

// widest is the largest radius of a disc, for which a line of the legend has room.
var widest = vg.Points(8)

// Plot implements [plot.Plotter].
func (d *discs) Plot(canvas draw.Canvas, p *plot.Plot) {
	x, y := p.Transforms(&canvas)
	d.radius = min((x(1)-x(0))*0.48, (y(1)-y(0))*0.48, widest)
	for c, row := range d.counts {
		for k, n := range row {
			if n > 0 {
				r := d.radius * vg.Length(math.Sqrt(float64(n)/float64(d.most)))
				disc(canvas, vg.Point{X: x(float64(c)), Y: y(float64(k))}, max(r, vg.Points(0.4)))
			}
		}
	}
}

// discKey is a disc in the legend, as a part of the radius of the largest. The
// legend is drawn after the plot.
type discKey struct {
	discs *discs
	part  vg.Length
}

// Thumbnail implements [plot.Thumbnailer].
func (k discKey) Thumbnail(canvas *draw.Canvas) {
	disc(*canvas, canvas.Center(), k.part*k.discs.radius)
}

func disc(canvas draw.Canvas, at vg.Point, radius vg.Length) {
	canvas.DrawGlyphNoClip(draw.GlyphStyle{Color: palette[0], Radius: radius, Shape: draw.CircleGlyph{}}, at)
}
