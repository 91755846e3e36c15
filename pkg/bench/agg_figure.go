package bench

import (
	"context"
	"fmt"
	"math"
	"runtime"

	"github.com/bgmd/bgmd/internal/gemm"
	"github.com/bgmd/bgmd/pkg/plots"
)

// FigureFrom is the least dimension of [Agg.Figure].
const FigureFrom = 10_000

// Figure draws what rules cost on N rows over the dimension, and what [bgmd, Fig. 1(c)]
// says they cost asymptotically, in units that make the mean's lines meet at
// the right end. Dimensions go from [FigureFrom], about three a decade, to D, which is
// larger.
func (b Agg) Figure(ctx context.Context) (*plots.Plot, error) {
	if err := b.Check(); err != nil {
		return nil, err
	}
	if b.D <= FigureFrom {
		return nil, fmt.Errorf("d is %d, want more than %d", b.D, FigureFrom)
	}
	var lines []plots.Line
	for d := FigureFrom; ; d = next(d, b.D) {
		list, err := Agg{N: b.N, Only: []string{"mean", "cm", "gm", block}}.all()
		if err != nil {
			return nil, err
		}
		list = list[1:] // without reading
		G := cloud(b.N, d)
		for i, t := range list {
			if d == FigureFrom {
				lines = append(lines, plots.Line{Label: t.name})
			}
			ms, _, err := b.time(ctx, t, G)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", t.name, err)
			}
			lines[i].X, lines[i].Y = append(lines[i].X, float64(d)), append(lines[i].Y, median(ms))
		}
		if d == b.D {
			break
		}
	}
	return plots.LinePlot(plots.Frame{
		Title:  fmt.Sprintf("n = %d, %s, %d cores", b.N, gemm.Backend(), runtime.GOMAXPROCS(0)),
		XLabel: "dimension d", YLabel: "time of one aggregation (ms)", LogX: true, LogY: true,
	}, append(lines, b.asymptotic(lines[0])...))
}

// next is the dimension after d, about three a decade, and the last one, not twice
// for rounding.
func next(d, last int) int {
	step := float64(d) * math.Cbrt(10)
	if step > 0.9*float64(last) {
		return last
	}
	return int(math.Round(step))
}

// asymptotic returns the costs of [bgmd, Table 1] for ε = 0.1 and k = d/10: nd
// for the mean, nd·log₂n for cm, d/ε² + nd for gm and k/ε² + nd for the block.
func (b Agg) asymptotic(mean plots.Line) []plots.Line {
	n := float64(b.N)
	unit := mean.Y[len(mean.Y)-1] / (n * mean.X[len(mean.X)-1])
	var lines []plots.Line
	for _, rule := range []struct {
		label string
		cost  float64 // of one coordinate
	}{
		{"O(nd log n), cm", n * math.Log2(n)},
		{"O(d/ε² + nd), gm", 100 + n},
		{"O(k/ε² + nd), block", 10 + n},
	} {
		line := plots.Line{Label: rule.label, X: mean.X}
		for _, d := range mean.X {
			line.Y = append(line.Y, unit*rule.cost*d)
		}
		lines = append(lines, line)
	}
	return lines
}
