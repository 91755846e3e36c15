package plots

import (
	"image"
	"image/color"

	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// Sheet is a contact sheet: rows of images with captions.
type Sheet struct {
	Title []string // lines
	Rows  []SheetRow
}

// SheetRow is a row of a [Sheet].
type SheetRow struct {
	Label []string // lines, left of the images
	Cells []SheetCell
	Apart bool // leave a gap below the row above, which is of another kind
}

// SheetCell is an image of a [Sheet] and what is written below it.
type SheetCell struct {
	Image   image.Image
	Caption string
	Marked  bool // framed, with the caption in the same colour
}

// Measures of a sheet.
const (
	cellSize   = 1.9 * vg.Centimeter
	cellStep   = cellSize + 3*margin/2
	labelWidth = 3.2 * vg.Centimeter
	lineHeight = vg.Length(11)
	sheetText  = vg.Length(8)
)

// Save writes the sheet as [Plot.Save] writes a plot.
func (s Sheet) Save(path string) error {
	columns := 0
	height := 2*margin + vg.Length(len(s.Title))*lineHeight
	for _, row := range s.Rows {
		columns = max(columns, len(row.Cells))
		height += row.height()
	}
	return saveAs(path, 2*margin+labelWidth+vg.Length(columns)*cellStep, height, s.draw)
}

func (r SheetRow) height() vg.Length {
	if r.Apart {
		return cellSize + lineHeight + 2*margin
	}
	return cellSize + lineHeight + margin/2
}

func (s Sheet) draw(c draw.Canvas) {
	c.SetColor(color.White)
	c.Fill(c.Rectangle.Path())
	at := vg.Point{X: margin, Y: c.Max.Y - margin}
	for _, line := range s.Title {
		at.Y -= lineHeight
		write(c, at, line, sheetText+1, ink)
	}
	for _, row := range s.Rows {
		at.Y -= row.height()
		low := at.Y + lineHeight // of the images
		for i, line := range row.Label {
			write(c, vg.Point{X: at.X, Y: low + cellSize - vg.Length(i+1)*lineHeight}, line, sheetText, ink)
		}
		for i, cell := range row.Cells {
			left := at.X + labelWidth + vg.Length(i)*cellStep
			frame := vg.Rectangle{Min: vg.Point{X: left, Y: low}, Max: vg.Point{X: left + cellSize, Y: low + cellSize}}
			c.DrawImage(frame, magnify(cell.Image))
			shade, width := color.Color(rule), vg.Points(0.5)
			if cell.Marked {
				shade, width = palette[1], vg.Points(1.5)
			}
			c.SetColor(shade)
			c.SetLineWidth(width)
			c.Stroke(frame.Path())
			if !cell.Marked {
				shade = ink
			}
			write(c, vg.Point{X: left, Y: low - 0.8*lineHeight}, cell.Caption, sheetText-1, shade)
		}
	}
}

// write puts a line of text with its lower left corner at a point.
func write(c draw.Canvas, at vg.Point, line string, size font.Length, shade color.Color) {
	style := text.Style{Font: sans(size), Color: shade, Handler: text.Plain{Fonts: font.DefaultCache}}
	c.FillText(style, at, line)
}

// magnify repeats pixels so often that whoever draws the image cannot blur them.
func magnify(small image.Image) image.Image {
	const times = 8
	b := small.Bounds()
	large := image.NewRGBA(image.Rect(0, 0, times*b.Dx(), times*b.Dy()))
	for y := range times * b.Dy() {
		for x := range times * b.Dx() {
			large.Set(x, y, small.At(b.Min.X+x/times, b.Min.Y+y/times))
		}
	}
	return large
}
