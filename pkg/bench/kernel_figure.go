package bench

import (
	"fmt"
	"math"

	"github.com/bgmd/bgmd/pkg/plots"
)

// Roofline draws the roofline [Williams et al. 2009]: a product that has i multiplications and
// additions for a byte cannot be faster than the processor's peak, nor than i
// times the bandwidth of where its operands lie.
func (r KernelsResult) Roofline() (*plots.Plot, error) {
	left, right := math.Inf(1), 0.0
	var lines []plots.Line
	for _, name := range []string{"forward", "input gradient", "weight gradient"} {
		points := plots.Line{Label: name, Points: true}
		for _, k := range r.Products {
			left, right = min(left, k.Intensity), max(right, k.Intensity)
			if k.Product == name {
				points.X, points.Y = append(points.X, k.Intensity), append(points.Y, k.GFLOPS)
			}
		}
		lines = append(lines, points)
	}
	from := min(left, r.Peak/r.Cache) / 2
	for _, roof := range []struct {
		label string
		gbs   float64
	}{{"memory", r.Memory}, {"second-level cache", r.Cache}} {
		ridge := r.Peak / roof.gbs
		lines = append(lines, plots.Line{
			Label: fmt.Sprintf("%s, %.0f GB/s", roof.label, roof.gbs),
			X:     []float64{from, ridge, max(ridge, 1.2*right)}, Y: []float64{from * roof.gbs, r.Peak, r.Peak},
		})
	}
	return plots.LinePlot(plots.Frame{
		Title:  fmt.Sprintf("Products of LeNet and ResNet-18, one core, %s", r.Backend),
		XLabel: "multiplications and additions a byte", YLabel: "GFLOPS", LogX: true, LogY: true,
	}, lines)
}
