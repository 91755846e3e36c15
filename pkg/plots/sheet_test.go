package plots

import (
	"image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestSheet(t *testing.T) {
	img := image.NewRGBA(image.Rect(0, 0, 2, 2))
	img.SetRGBA(0, 0, color.RGBA{200, 10, 10, 255})
	sheet := Sheet{Title: []string{"two pixels"}, Rows: []SheetRow{
		{Label: []string{"client 0"}, Cells: []SheetCell{{Image: img, Caption: "cat", Marked: true}}},
	}}
	path := filepath.Join(t.TempDir(), "sheet.png")
	if err := sheet.Save(path); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	drawn, err := png.Decode(f)
	if err != nil {
		t.Fatal(err)
	}
	red := image.Rectangle{Min: image.Pt(1<<30, 1<<30)} // the image's first quarter
	count := 0
	b := drawn.Bounds()
	for y := range b.Dy() {
		for x := range b.Dx() {
			if color.RGBAModel.Convert(drawn.At(x, y)) == (color.RGBA{200, 10, 10, 255}) {
				count++
				red.Min = image.Pt(min(red.Min.X, x), min(red.Min.Y, y))
				red.Max = image.Pt(max(red.Max.X, x+1), max(red.Max.Y, y+1))
			}
		}
	}
	if count < 1000 || count != red.Dx()*red.Dy() || max(red.Dx(), red.Dy()) > min(red.Dx(), red.Dy())+1 {
		t.Errorf("%d red pixels in %v of %v, want a square of them", count, red, b)
	}
	if err := sheet.Save(filepath.Join(t.TempDir(), "sheet.gif")); err == nil || !strings.Contains(err.Error(), "unknown format") {
		t.Errorf("error is %v", err)
	}
}

func TestCountsPlot(t *testing.T) {
	path := filepath.Join(t.TempDir(), "counts.svg")
	p, err := CountsPlot("three clients", []string{"cat", "dog"}, [][]int{{3, 0}, {40, 1}, {0, 10}})
	if err != nil {
		t.Fatal(err)
	}
	svg := save(t, p, path)
	for _, want := range []string{">cat<", ">dog<", ">40 samples<", ">10 samples<", ">three clients<"} {
		if !strings.Contains(svg, want) {
			t.Errorf("the drawing lacks %s", want)
		}
	}
	for _, counts := range [][][]int{nil, {{1}}} {
		if _, err := CountsPlot("", []string{"cat", "dog"}, counts); err == nil {
			t.Errorf("%v was drawn", counts)
		}
	}
}
