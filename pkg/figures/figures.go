// Package figures draws the figures of the paper that are made of records: of LeNet on
// Fashion-MNIST, without corruption and with it.
package figures

import (
	"fmt"
	"strings"

	"github.com/bgmd/bgmd/pkg/evidence"
	"github.com/bgmd/bgmd/pkg/paper"
	"github.com/bgmd/bgmd/pkg/plots"
)

// What the figures are of, as [evidence.Panels] and [evidence.ByBlock] take it.
const (
	DataSet = "fashion-mnist"
	Model   = "lenet"
)

// Settings returns the settings of the figure called name that has a panel for each:
// growing corruption of one kind. It returns nil for others.
func Settings(name string) []string {
	return map[string][]string{
		"fig2": {"clean", "impulse20", "impulse40"},
		"fig3": {"clean", "bitflip20", "bitflip40"},
		"fig4": {"clean", "backdoor20", "backdoor40"},
	}[name]
}

// Label returns a setting as the paper's tables have it.
func Label(setting string) string {
	for _, r := range paper.Rows(2) {
		if r.Setting.String() == setting {
			return r.Setting.Label()
		}
	}
	return setting
}

// Corruption draws accuracy over x, a panel a setting, a line an aggregator
// [bgmd, Fig. 2 to 4].
func Corruption(curves []evidence.Curves, x plots.Axis) (*plots.Plot, error) {
	var panels []plots.Panel
	for _, c := range curves {
		panel := plots.Panel{Title: Label(c.Setting)}
		for _, aggregator := range paper.Aggregators() {
			if runs := c.Runs[aggregator]; runs != nil {
				panel.Series = append(panel.Series, plots.Series{Runs: runs, Label: strings.ToUpper(aggregator)})
			}
		}
		panels = append(panels, panel)
	}
	return plots.PanelPlot(panels, x)
}

// title of what has neither panels nor corruption.
const title = "LeNet on Fashion-MNIST, BGMD, no corruption"

// Residuals draws the share of the gradients' squared norm that the block leaves out
// over steps, a mean of each epoch, for every β [bgmd, Fig. 1(a)].
func Residuals(found []evidence.Blocks) (*plots.Plot, error) {
	var lines []plots.Line
	for _, b := range found {
		line := plots.Line{Label: fmt.Sprintf("β = %g, memory %s", b.Beta, b.Memory)}
		for _, e := range b.Runs[0].Epochs {
			if e.Block != nil {
				line.X, line.Y = append(line.X, float64(e.Step)), append(line.Y, float64(e.Block.Residual))
			}
		}
		lines = append(lines, line)
	}
	return plots.LinePlot(plots.Frame{Title: title, XLabel: "step", YLabel: "residual error r, mean of an epoch"}, lines)
}

// Accuracies draws the final test accuracy over β, a line a memory [bgmd, Fig. 1(b)].
func Accuracies(found []evidence.Blocks) (*plots.Plot, error) {
	return plots.LinePlot(plots.Frame{
		Title: title, XLabel: "share of the coordinates β", YLabel: "test accuracy (%)", LogX: true,
	}, byMemory(found))
}

// byMemory returns accuracies over β, a line a memory. They are sorted by memory.
func byMemory(found []evidence.Blocks) []plots.Line {
	var lines []plots.Line
	for _, b := range found {
		name := MemoryLabel(b.Memory)
		if len(lines) == 0 || lines[len(lines)-1].Label != name {
			lines = append(lines, plots.Line{Label: name})
		}
		l := &lines[len(lines)-1]
		l.X, l.Y = append(l.X, b.Beta), append(l.Y, b.Accuracy())
	}
	return lines
}

// MemoryLabel returns a memory of the block, as figures have it.
func MemoryLabel(memory string) string {
	if memory == "none" {
		return "no memory"
	}
	return "memory " + memory
}
