package evidence

import (
	"fmt"
	"io"
	"strings"

	"github.com/bgmd/bgmd/internal/table"
	"github.com/bgmd/bgmd/pkg/paper"
)

// Write writes the table as text, markdown, latex, csv or json. csv has a line a cell, json is the
// [Table] itself.
func (t *Table) Write(w io.Writer, format string) error {
	switch format {
	case "text":
		return t.writeText(w)
	case "markdown":
		return t.writeMarkdown(w)
	case "latex":
		return t.writeLaTeX(w)
	case "csv":
		return t.writeCSV(w)
	case "json":
		return table.WriteJSON(w, t)
	}
	return fmt.Errorf("evidence: %w", table.CheckFormat(format))
}

// blank stands for what was not measured or not printed.
const blank = "–"

// line is one of the lines that stand above each other in a row.
type line struct {
	name string
	text func(*Cell) string
}

// lines are what people read of a cell, apart from the measured figure.
var lines = []line{
	{"95 % interval, best", func(c *Cell) string { return c.Measured.more() }},
	{"paper", func(c *Cell) string { return printedFigure(c.Paper) }},
	{"authors' runs", func(c *Cell) string { return authors(c.Authors) }},
	{"difference", func(c *Cell) string { return signed(c.Difference) }},
	{"verdict", func(c *Cell) string { return string(c.Verdict) }},
	{"", func(c *Cell) string { return c.Scaled }},
}

// String returns "86.18", or with several runs "86.18 ± 0.21 (3)".
func (m *Measured) String() string {
	switch {
	case m == nil:
		return blank
	case !m.Trained() && m.N == 1:
		return "diverged"
	case !m.Trained():
		return fmt.Sprintf("diverged (%d)", m.N)
	}
	s := fmt.Sprintf("%.2f", m.Final)
	if m.N-m.Diverged > 1 {
		s += fmt.Sprintf(" ± %.2f", m.Deviation)
	}
	switch {
	case m.Diverged > 0:
		s += fmt.Sprintf(" (%d of %d, others diverged)", m.N-m.Diverged, m.N)
	case m.N > 1:
		s += fmt.Sprintf(" (%d)", m.N)
	}
	return s
}

func (m *Measured) more() string {
	if m == nil || !m.Trained() {
		return ""
	}
	if m.Interval == nil {
		return fmt.Sprintf("best %.2f", m.Best)
	}
	return fmt.Sprintf("%.2f to %.2f, %.2f", m.Interval[0], m.Interval[1], m.Best)
}

func printedFigure(f *paper.Figure) string {
	switch {
	case f == nil:
		return ""
	case f.Diverged:
		return "diverged"
	}
	return fmt.Sprintf("%.2f ± %.2f", f.Accuracy, f.Spread)
}

func authors(r *paper.Runs) string {
	switch {
	case r == nil:
		return ""
	case r.Diverged:
		return fmt.Sprintf("diverged (%d)", r.N)
	}
	return fmt.Sprintf("%.2f ± %.2f (%d)", r.Accuracy, r.Deviation, r.N)
}

func signed(x *float64) string {
	if x == nil {
		return ""
	}
	return strings.Replace(fmt.Sprintf("%+.2f", *x), "-", "−", 1)
}

// trained says how long a row was trained.
func (r *Row) trained() string {
	if r.Full > r.Epochs {
		return fmt.Sprintf("%d of %d epochs", r.Epochs, r.Full)
	}
	return fmt.Sprintf("%d epochs", r.Epochs)
}

// group is what a row has in common with those that stand with it.
func (r *Row) group() string {
	if want := paper.Model(r.DataSet); want != "" && want != r.Model {
		return fmt.Sprintf("%s, %s (the paper's is %s)", r.DataSet, r.Model, want)
	}
	return r.DataSet + ", " + r.Model
}

// heading is the caption and what all runs share.
func (t *Table) heading() string {
	if t.Profile == "" {
		return t.Title
	}
	return t.Title + ", profile " + t.Profile
}
