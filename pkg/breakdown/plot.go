package breakdown

import (
	"fmt"

	"github.com/bgmd/bgmd/internal/stream"
	"github.com/bgmd/bgmd/pkg/agg"
	"github.com/bgmd/bgmd/pkg/plots"
)

// leastShown is the least distance that a plot shows: what a rule does without
// corrupt rows would stretch it by five powers of ten.
const leastShown = 1e-3

// plot draws the distances under an attack, a line a rule.
func (e Experiment) plot(attack string, points []Point) (*plots.Plot, error) {
	var lines []plots.Line
	for _, rule := range e.names() {
		line := plots.Line{Label: rule}
		for _, p := range points {
			if p.Rule == rule && p.Attack == attack {
				line.X = append(line.X, float64(p.Corrupt)/float64(e.N))
				line.Y = append(line.Y, max(p.Mean, leastShown))
			}
		}
		lines = append(lines, line)
	}
	return plots.LinePlot(plots.Frame{
		Title:  fmt.Sprintf("%s, n = %d, d = %d", attack, e.N, e.D),
		XLabel: "share of corrupt rows ψ", YLabel: "distance to the honest mean", LogY: true,
	}, lines)
}

// ToyPlot draws the experiment of [bgmd, Fig. 5]: points in the plane, some corrupt,
// and what the mean and two medians make of them.
func ToyPlot() (*plots.Plot, error) {
	const n, bad = 14, 6
	rng := stream.Root(5).At(stream.Init)
	G := agg.NewMatrix(n, 2)
	honest, wrong := plots.Line{Label: "honest", Points: true}, plots.Line{Label: "corrupt", Points: true}
	for i := range n {
		x, y := 1+0.5*rng.NormFloat64(), 1+0.5*rng.NormFloat64()
		to := &honest
		if i < bad {
			x, y, to = 9+0.7*rng.NormFloat64(), 3.5+0.7*rng.NormFloat64(), &wrong
		}
		copy(G.Row(i), []float32{float32(x), float32(y)})
		to.X, to.Y = append(to.X, x), append(to.Y, y)
	}
	sets := []plots.Line{honest, wrong}
	for _, name := range []string{"mean", "cm", "gm"} {
		rule, err := agg.New(name, agg.Options{})
		if err != nil {
			return nil, err
		}
		var y [2]float32
		if _, err := rule.Aggregate(y[:], G, agg.Step{}); err != nil {
			return nil, err
		}
		sets = append(sets, plots.Line{Label: name, X: []float64{float64(y[0])}, Y: []float64{float64(y[1])}, Points: true})
	}
	return plots.LinePlot(plots.Frame{
		Title:  fmt.Sprintf("%d of %d points corrupt", bad, n),
		XLabel: "x", YLabel: "y",
	}, sets)
}
