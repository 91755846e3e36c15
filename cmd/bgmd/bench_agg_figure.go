package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"runtime"

	"github.com/bgmd/bgmd/internal/gemm"
	"github.com/bgmd/bgmd/pkg/models/device"
	"github.com/bgmd/bgmd/pkg/plots"
)

// figureFrom is the least dimension of the figure.
const figureFrom = 10_000

// checkFigure reports what stands against drawing the figure to path.
func (b aggBench) checkFigure(path string) error {
	var errs []error
	if b.matrix != "" {
		errs = append(errs, errors.New("--figure draws its own matrices: leave out --matrix"))
	}
	if cmp.Or(b.Device, device.Host) != device.Host {
		errs = append(errs, errors.New("--figure draws times in memory: leave out --device"))
	}
	if b.D <= figureFrom {
		errs = append(errs, fmt.Errorf("--figure needs dimensions from %d on: --d is %d", figureFrom, b.D))
	}
	return errors.Join(append(errs, checkPicture("figure", path))...)
}

// figure draws what rules cost over the dimension, and what [bgmd, Fig. 1(c)]
// says they cost asymptotically, in units that make the mean's lines meet at
// the right end.
func (b aggBench) figure(ctx context.Context, path string) error {
	var lines []plots.Line
	for d := figureFrom; ; d = next(d, b.D) {
		list, err := aggBench{N: b.N, rules: []string{"mean", "cm", "gm", blockRule}}.all()
		if err != nil {
			return err
		}
		list = list[1:] // without reading
		G := cloud(b.N, d)
		for i, t := range list {
			if d == figureFrom {
				lines = append(lines, plots.Line{Label: t.name})
			}
			ms, _, err := b.time(ctx, t, G)
			if err != nil {
				return fmt.Errorf("%s: %w", t.name, err)
			}
			lines[i].X, lines[i].Y = append(lines[i].X, float64(d)), append(lines[i].Y, median(ms))
		}
		if d == b.D {
			break
		}
	}
	plot, err := plots.LinePlot(plots.Frame{
		Title:  fmt.Sprintf("n = %d, %s, %d cores", b.N, gemm.Backend(), runtime.GOMAXPROCS(0)),
		XLabel: "dimension d", YLabel: "time of one aggregation (ms)", LogX: true, LogY: true,
	}, append(lines, b.asymptotic(lines[0])...))
	if err != nil {
		return err
	}
	return plot.Save(path)
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
func (b aggBench) asymptotic(mean plots.Line) []plots.Line {
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
