package plots

import (
	"image/color"
	"math"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// polygon is a filled marker with a white rim, which keeps it apart from lines
// that pass behind it. Its corners lie at the given angles (in turns, from the
// right, anticlockwise) on a circle whose radius is scale times the marker's.
type polygon struct {
	corners int
	turn    float64 // angle of the first corner
	scale   vg.Length
}

// The markers, scaled to look equally large. A circle is a polygon too.
var (
	circle   = polygon{corners: 32, scale: 1}
	square   = polygon{corners: 4, turn: 1. / 8, scale: 1.22}
	triangle = polygon{corners: 3, turn: 1. / 4, scale: 1.4}
	diamond  = polygon{corners: 4, scale: 1.3}
	inverted = polygon{corners: 3, turn: 3. / 4, scale: 1.4}
)

// DrawGlyph implements [draw.GlyphDrawer].
func (g polygon) DrawGlyph(c *draw.Canvas, style draw.GlyphStyle, at vg.Point) {
	var path vg.Path
	for i := range g.corners {
		sin, cos := math.Sincos(2 * math.Pi * (g.turn + float64(i)/float64(g.corners)))
		corner := at.Add(vg.Point{X: vg.Length(cos), Y: vg.Length(sin)}.Scale(style.Radius * g.scale))
		if i == 0 {
			path.Move(corner)
		} else {
			path.Line(corner)
		}
	}
	path.Close()
	c.SetColor(style.Color)
	c.Fill(path)
	c.SetLineStyle(draw.LineStyle{Color: color.White, Width: vg.Points(0.6)})
	c.Stroke(path)
}

// cross is a bold × with a white rim.
type cross struct{}

// DrawGlyph implements [draw.GlyphDrawer].
func (cross) DrawGlyph(c *draw.Canvas, style draw.GlyphStyle, at vg.Point) {
	r := style.Radius * math.Sqrt2 / 2
	for _, line := range []draw.LineStyle{
		{Color: color.White, Width: vg.Points(4)},
		{Color: style.Color, Width: vg.Points(2.2)},
	} {
		c.StrokeLine2(line, at.X-r, at.Y-r, at.X+r, at.Y+r)
		c.StrokeLine2(line, at.X-r, at.Y+r, at.X+r, at.Y-r)
	}
}
