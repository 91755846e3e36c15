package plots

import (
	"image/color"
	"math"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// palette holds the colours of Okabe and Ito, "Color Universal Design" (2008),
// which people with any common colour blindness can tell apart. Their yellow is
// left out: on white paper it cannot be seen.
var palette = []color.RGBA{
	{0x00, 0x72, 0xB2, 0xFF}, // blue
	{0xD5, 0x5E, 0x00, 0xFF}, // vermilion
	{0x00, 0x9E, 0x73, 0xFF}, // bluish green
	{0xCC, 0x79, 0xA7, 0xFF}, // reddish purple
	{0xE6, 0x9F, 0x00, 0xFF}, // orange
	{0x56, 0xB4, 0xE9, 0xFF}, // sky blue
	{0x00, 0x00, 0x00, 0xFF}, // black
}

// shapes and dashes tell curves apart where colours do not: in grey print, and
// beyond the palette's length.
var (
	shapes = []polygon{circle, square, triangle, diamond, inverted}
	dashes = [][]vg.Length{nil, {vg.Points(5), vg.Points(2)}, {vg.Points(1.5), vg.Points(2)}}
)

var (
	ink  = color.Gray{0x26}
	rule = color.Gray{0xE3} // grid
)

// newPlot returns an empty plot in the project's style.
func newPlot(title, xLabel, yLabel string) *Plot {
	p := plot.New()
	p.Title.Text = title
	p.Title.Padding = vg.Points(9)
	p.Title.TextStyle.Font = sans(12)
	p.Title.TextStyle.Color = ink
	for _, a := range []struct {
		axis  *plot.Axis
		label string
	}{{&p.X, xLabel}, {&p.Y, yLabel}} {
		a.axis.Label.Text = a.label
		a.axis.Label.TextStyle.Font = sans(10.5)
		a.axis.Label.TextStyle.Color = ink
		a.axis.Label.Padding = vg.Points(5)
		a.axis.Color, a.axis.Width = ink, vg.Points(0.7)
		a.axis.Padding = 0
		a.axis.Tick.Label.Font = sans(9)
		a.axis.Tick.Label.Color = ink
		a.axis.Tick.Length = vg.Points(4)
		a.axis.Tick.Color, a.axis.Tick.Width = ink, vg.Points(0.7)
	}
	grid := plotter.NewGrid()
	for _, s := range []*draw.LineStyle{&grid.Horizontal, &grid.Vertical} {
		s.Color, s.Width, s.Dashes = rule, vg.Points(0.6), nil
	}
	p.Add(grid)

	legend := plot.NewLegend()
	legend.Top, legend.Left = true, true
	legend.TextStyle.Font = sans(9.5)
	legend.TextStyle.Color = ink
	legend.Padding = vg.Points(5)
	legend.ThumbnailWidth = vg.Points(24)
	legend.YPosition = draw.PosCenter
	return &Plot{plot: p, legend: legend}
}

// sans is Liberation Sans, which has the widths of Arial and Helvetica.
func sans(size vg.Length) font.Font {
	return font.Font{Typeface: "Liberation", Variant: "Sans", Size: size}
}

// curve draws one run: a line, markers on at most about a dozen of its points,
// and a cross on the last point of a run that diverged.
type curve struct {
	plotter.XYs
	line    draw.LineStyle
	marker  draw.GlyphStyle
	cross   draw.GlyphStyle
	crossed bool
	offset  int // of the first marker, so that those of several curves alternate
}

// newCurve returns the i-th curve of a plot.
func newCurve(i int, points plotter.XYs) *curve {
	c := palette[i%len(palette)]
	return &curve{
		XYs:    points,
		line:   draw.LineStyle{Color: c, Width: vg.Points(1.5), Dashes: dashes[i/len(palette)%len(dashes)]},
		marker: draw.GlyphStyle{Color: c, Radius: vg.Points(3), Shape: shapes[i%len(shapes)]},
		cross:  draw.GlyphStyle{Color: c, Radius: vg.Points(5), Shape: cross{}},
		offset: i,
	}
}

// Plot implements [plot.Plotter].
func (c *curve) Plot(canvas draw.Canvas, p *plot.Plot) {
	x, y := p.Transforms(&canvas)
	at := make([]vg.Point, len(c.XYs))
	for i, xy := range c.XYs {
		at[i] = vg.Point{X: x(xy.X), Y: y(xy.Y)}
	}
	canvas.StrokeLines(c.line, at)
	const most = 12
	every := max(1, int(math.Ceil(float64(len(at))/most)))
	last := len(at) - 1
	for i := c.offset % every; i < last; i += every {
		canvas.DrawGlyphNoClip(c.marker, at[i])
	}
	if c.crossed {
		canvas.DrawGlyphNoClip(c.cross, at[last])
	} else {
		canvas.DrawGlyphNoClip(c.marker, at[last])
	}
}

// Thumbnail implements [plot.Thumbnailer].
func (c *curve) Thumbnail(canvas *draw.Canvas) {
	y := canvas.Center().Y
	canvas.StrokeLine2(c.line, canvas.Min.X, y, canvas.Max.X, y)
	glyph := c.marker
	if c.crossed {
		glyph = c.cross
	}
	canvas.DrawGlyphNoClip(glyph, canvas.Center())
}
