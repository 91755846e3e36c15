package main

import (
	"fmt"
	"image"
	"image/color"
	"slices"

	"github.com/spf13/cobra"

	"github.com/bgmd/bgmd/internal/bounds"
	"github.com/bgmd/bgmd/pkg/data"
	"github.com/bgmd/bgmd/pkg/plots"
	"github.com/bgmd/bgmd/pkg/train"
)

func newDataShowCommand() *cobra.Command {
	var out string
	var clients, samples int
	cmd := &cobra.Command{
		Use:   "show [--config FILE]",
		Short: "Draw samples as a configuration's clients see them, clean and corrupt",
		Long: text(`
Draw a contact sheet of the first step's samples, exactly as training draws them:
augmented, corrupted, whitened. Of each client there are two rows, without and
with corruption, and the class below each image; corrupt ones are framed. Corrupt
clients come first. Images are shown with whitening undone, values below black or
above white as black or white.

Corruption of gradients leaves samples as they are: see bgmd breakdown.`),
		Example: text(`
  bgmd data show --config configs/quickstart.yaml -o sheet.png
  bgmd data show --set corruption.feature.kind=impulse --set corruption.feature.fraction=0.4 -o sheet.png`),
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := bounds.Check(bounds.Count{Name: "clients", Value: clients, Least: 1}, bounds.Count{Name: "samples", Value: samples, Least: 1}); err != nil {
				return badFlags(err)
			}
			if err := checkPicture("out", out); err != nil {
				return err
			}
			c, err := loadConfig(cmd)
			if err != nil {
				return err
			}
			first, err := train.PreviewFirstStep(c)
			if err != nil {
				return c.Locate(err)
			}
			sheet := contactSheet(first.Set, chosen(first.Clients, clients), samples)
			sheet.Title = []string{
				fmt.Sprintf("%s, step 1, seed %d: %d of %d clients have corrupt samples", first.Set.Name, c.Seed, corruptClients(first.Clients), len(first.Clients)),
				fmt.Sprintf("features: %s; labels: %s", first.Features, first.Labels),
			}
			return saveAndTell(cmd, sheet, out)
		},
	}
	addConfigFlags(cmd)
	cmd.Flags().StringVarP(&out, "out", "o", "sheet.png", "`file` to draw into: .png, .svg or .pdf")
	cmd.Flags().IntVar(&clients, "clients", 4, "clients to show, as far as possible half of them corrupt")
	cmd.Flags().IntVar(&samples, "samples", 8, "samples to show of each")
	return cmd
}

func corruptClients(previews []train.Preview) int {
	n := 0
	for _, p := range previews {
		if p.Hits > 0 {
			n++
		}
	}
	return n
}

// chosen returns n clients, half of them corrupt and first, as far as there are
// enough of each.
func chosen(previews []train.Preview, n int) []train.Preview {
	var corrupt, honest []train.Preview
	for _, p := range previews {
		if p.Hits > 0 {
			corrupt = append(corrupt, p)
		} else {
			honest = append(honest, p)
		}
	}
	bad := min(len(corrupt), max((n+1)/2, n-len(honest)))
	return slices.Concat(corrupt[:bad], honest[:min(len(honest), n-bad)])
}

// contactSheet has two rows a client: clean and as seen.
func contactSheet(set *data.Set, previews []train.Preview, samples int) plots.Sheet {
	var sheet plots.Sheet
	for _, p := range previews {
		clean := plots.SheetRow{Label: []string{fmt.Sprintf("client %d", p.Client), "clean"}, Apart: true}
		state := "as seen, honest"
		if p.Hits > 0 {
			state = "as seen, corrupt"
		}
		seen := plots.SheetRow{Label: []string{"", state}}
		for i := range min(samples, p.Seen.N) {
			was, is := p.Clean.Labels[i], p.Seen.Labels[i]
			caption := set.ClassNames[was]
			clean.Cells = append(clean.Cells, plots.SheetCell{Image: picture(set, p.Clean, i), Caption: caption})
			if is != was {
				caption = "→ " + set.ClassNames[is]
			}
			seen.Cells = append(seen.Cells, plots.SheetCell{Image: picture(set, p.Seen, i), Caption: caption, Marked: differs(p, i)})
		}
		sheet.Rows = append(sheet.Rows, clean, seen)
	}
	return sheet
}

// differs tells whether sample i is not what it would be without corruption.
func differs(p train.Preview, i int) bool {
	for at := i; at < len(p.Seen.X); at += p.Seen.N {
		if p.Seen.X[at] != p.Clean.X[at] {
			return true
		}
	}
	return p.Seen.Labels[i] != p.Clean.Labels[i]
}

// picture undoes the whitening of image i of a batch. A set has one channel, which
// is grey, or three: red, green and blue.
func picture(set *data.Set, b *data.Batch, i int) image.Image {
	h, w := b.Shape.H, b.Shape.W
	value := func(c, pixel int) uint8 {
		x := b.Channel(c)[pixel*b.N+i]*set.Std[c] + set.Mean[c]
		return uint8(min(max(255*x+0.5, 0), 255))
	}
	img := image.NewRGBA(image.Rect(0, 0, w, h))
	for pixel := range h * w {
		last := b.Shape.C - 1
		img.SetRGBA(pixel%w, pixel/w, color.RGBA{value(0, pixel), value(min(1, last), pixel), value(min(2, last), pixel), 255})
	}
	return img
}
