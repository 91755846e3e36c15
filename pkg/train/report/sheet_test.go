package report

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
	// The red quarter of the image and the black ones are there, three to one.
	red, black := 0, 0
	b := drawn.Bounds()
	for y := range b.Dy() {
		for x := range b.Dx() {
			switch drawn.At(x, y) {
			case color.RGBA{200, 10, 10, 255}, color.NRGBA{200, 10, 10, 255}:
				red++
			case color.RGBA{0, 0, 0, 0}, color.RGBA{0, 0, 0, 255}:
				black++
			}
		}
	}
	if red < 1000 {
		t.Errorf("%d red pixels and %d black ones in %v, want the image there", red, black, b)
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
