package plots

import (
	"bytes"
	"fmt"
	"image/color"
	"path/filepath"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"
	"gonum.org/v1/plot/vg/vgpdf"
	"gonum.org/v1/plot/vg/vgsvg"

	"github.com/bgmd/bgmd/internal/safefile"
)

// The size of a plot: the width of a page's text or of a README.
const (
	width      = 17 * vg.Centimeter
	height     = 9.5 * vg.Centimeter // without a legend below the data
	resolution = 200                 // pixels an inch
	margin     = vg.Length(8)

	panelWidth  = 8 * vg.Centimeter
	panelHeight = 8.5 * vg.Centimeter // with the legend below the data
)

// Save writes the plot to path, whose extension says how: .png, .svg or .pdf.
// The file appears whole or not at all. Equal plots give equal bytes, except
// in a PDF, which holds the time of its making.
func (p *Plot) Save(path string) error {
	width, height := p.size()
	return saveAs(path, width, height, p.draw)
}

// saveAs writes what paint draws on a canvas of the given size.
func saveAs(path string, width, height vg.Length, paint func(draw.Canvas)) error {
	data, err := encode(strings.ToLower(filepath.Ext(path)), width, height, paint)
	if err == nil {
		err = safefile.Write(path, data)
	}
	if err != nil {
		return fmt.Errorf("plots: save plot to %s: %w", path, err)
	}
	return nil
}

// encode draws in the format with the given file name extension.
func encode(extension string, width, height vg.Length, paint func(draw.Canvas)) ([]byte, error) {
	var canvas interface {
		vg.CanvasSizer
		vg.CanvasWriterTo
	}
	switch extension {
	case ".png":
		canvas = vgimg.PngCanvas{Canvas: vgimg.NewWith(vgimg.UseWH(width, height), vgimg.UseDPI(resolution))}
	case ".svg":
		canvas = vgsvg.New(width, height)
	case ".pdf":
		canvas = vgpdf.New(width, height)
	default:
		return nil, fmt.Errorf("unknown format %q (have .pdf, .png, .svg)", extension)
	}
	paint(draw.New(canvas))
	var b bytes.Buffer
	if _, err := canvas.WriteTo(&b); err != nil {
		return nil, err
	}
	if extension == ".svg" {
		return nameFonts(b.Bytes()), nil
	}
	return b.Bytes(), nil
}

// size is the whole drawing's.
func (p *Plot) size() (vg.Length, vg.Length) {
	if p.panels != nil {
		return vg.Length(len(p.panels)) * panelWidth, panelHeight
	}
	return width, height + p.legendBelow()
}

// legendSize is the width and height of the legend.
func (p *Plot) legendSize() vg.Point {
	return p.legend.Rectangle(draw.Canvas{}).Size()
}

// legendBelow is the height that the legend adds below the data, where it goes
// when its labels are so long that it would leave the data too narrow.
func (p *Plot) legendBelow() vg.Length {
	if size := p.legendSize(); size.X > width/3 {
		return size.Y + margin
	}
	return 0
}

// draw draws the data and, to their right or below them, the legend.
func (p *Plot) draw(c draw.Canvas) {
	c.SetColor(color.White)
	c.Fill(c.Rectangle.Path())
	c = draw.Crop(c, margin, -margin, margin, -margin)
	if p.panels != nil {
		p.drawPanels(c)
		return
	}
	if below := p.legendBelow(); below > 0 {
		data := draw.Crop(c, 0, 0, below, 0)
		p.fold(data)
		p.plot.Draw(data)
		c.Min.X = p.plot.DataCanvas(data).Min.X
		c.Max.Y = data.Min.Y - margin
	} else {
		legend := p.legendSize().X
		data := draw.Crop(c, 0, -(legend + 2*margin), 0, 0)
		p.fold(data)
		p.plot.Draw(data)
		c.Min.X = c.Max.X - legend
		c.Max.Y = p.plot.DataCanvas(data).Max.Y
	}
	p.legend.Draw(c)
}

// fold breaks the title into lines that fit the width of the data.
func (p *Plot) fold(data draw.Canvas) {
	title := &p.plot.Title
	line := ""
	var lines []string
	for _, word := range strings.Fields(title.Text) {
		longer := strings.TrimSpace(line + " " + word)
		if line != "" && title.TextStyle.Width(longer) > data.Size().X {
			lines = append(lines, line)
			longer = word
		}
		line = longer
	}
	title.Text = strings.Join(append(lines, line), "\n")
}

// drawPanels draws the panels side by side and the legend below them in a row.
func (p *Plot) drawPanels(c draw.Canvas) {
	const row = 4 * margin
	tiles := draw.Tiles{Cols: len(p.panels), Rows: 1, PadX: 2 * margin}
	plots := plot.Align([][]*plot.Plot{p.panels}, tiles, draw.Crop(c, 0, 0, row, 0))
	for i, canvas := range plots[0] {
		p.panels[i].Draw(canvas)
	}
	step := (c.Max.X - c.Min.X) / vg.Length(len(p.keys))
	for i, key := range p.keys {
		at := c
		at.Min.X += (vg.Length(i) + 0.3) * step
		at.Max.Y = c.Min.Y + row - margin
		key.Draw(at)
	}
}

// nameFonts adds fonts of the same widths, for readers of an SVG who have no
// Liberation Sans, to every text. Embedding the font would take 400 kB.
func nameFonts(svg []byte) []byte {
	return bytes.ReplaceAll(svg,
		[]byte("font-family:Liberation Sans;"),
		[]byte("font-family:'Liberation Sans',Arial,Helvetica,sans-serif;"))
}
