package evidence

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/bgmd/bgmd/pkg/paper"
)

// Formats returns what [Table.Write] can write.
func Formats() []string { return []string{"text", "markdown", "latex", "csv", "json"} }

// Write writes the table in one of [Formats]. csv has a line a cell, json is the
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
		e := json.NewEncoder(w)
		e.SetIndent("", "  ")
		e.SetEscapeHTML(false)
		return e.Encode(t)
	}
	return fmt.Errorf("evidence: format is %q, want one of %s", format, strings.Join(Formats(), ", "))
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

func (t *Table) writeText(w io.Writer) error {
	out := &printer{w: w}
	out.f("%s. Measured: mean ± deviation (runs); * is a row's best.\n", t.heading())
	group := ""
	for _, r := range t.Rows {
		if r.group() != group {
			group = r.group()
			out.f("\n%s\n", group)
		}
		out.f("\n%s", pad(r.Label+", "+r.trained(), 45))
		for _, c := range t.Columns {
			out.f("%s", pad(strings.ToUpper(c), textWidth))
		}
		out.f("\n")
		out.row("measured", r.Cells, func(c *Cell) string {
			s := c.Measured.String()
			if c.Winner {
				s += " *"
			}
			return s
		})
		for _, l := range lines {
			out.row(l.name, r.Cells, l.text)
		}
		if r.Order != "" {
			out.f("  order                %s\n", r.Order)
		}
	}
	for _, n := range t.Notes {
		out.f("\n%s\n", wrap(n, 100))
	}
	return out.err
}

const textWidth = 26

// printer remembers the first error of a writer.
type printer struct {
	w   io.Writer
	err error
}

func (p *printer) f(format string, args ...any) {
	if p.err == nil {
		_, p.err = fmt.Fprintf(p.w, format, args...)
	}
}

// row prints a line of every cell, unless all are empty.
func (p *printer) row(name string, cells []Cell, text func(*Cell) string) {
	var all strings.Builder
	for i := range cells {
		all.WriteString(pad(text(&cells[i]), textWidth))
	}
	if s := strings.TrimRight(all.String(), " "); s != "" {
		p.f("%s%s\n", pad("  "+name, 45), s)
	}
}

func pad(s string, width int) string {
	return s + strings.Repeat(" ", max(1, width-utf8.RuneCountInString(s)))
}

// wrap breaks a text at spaces into lines of at most the given width.
func wrap(s string, width int) string {
	var b strings.Builder
	column := 0
	for i, word := range strings.Fields(s) {
		n := utf8.RuneCountInString(word)
		switch {
		case i == 0:
		case column+1+n > width:
			b.WriteByte('\n')
			column = 0
		default:
			b.WriteByte(' ')
			column++
		}
		b.WriteString(word)
		column += n
	}
	return b.String()
}

func (t *Table) writeMarkdown(w io.Writer) error {
	out := &printer{w: w}
	out.f("**%s.** Measured as mean ± deviation (runs), the row's best in bold; below it the paper's figure, the authors' own runs and the verdict.\n", t.heading())
	group := ""
	for _, r := range t.Rows {
		if r.group() != group {
			group = r.group()
			out.f("\n| %s |", group)
			for _, c := range t.Columns {
				out.f(" %s |", strings.ToUpper(c))
			}
			out.f(" order |\n|%s\n", strings.Repeat(" --- |", len(t.Columns)+2))
		}
		out.f("| %s, %s |", r.Label, r.trained())
		for i := range r.Cells {
			out.f(" %s |", r.Cells[i].markdown())
		}
		out.f(" %s |\n", r.Order)
	}
	for _, n := range t.Notes {
		out.f("\n%s\n", n)
	}
	return out.err
}

func (c *Cell) markdown() string {
	parts := []string{c.Measured.String()}
	if c.Winner {
		parts[0] = "**" + parts[0] + "**"
	}
	if s := printedFigure(c.Paper); s != "" {
		parts = append(parts, "paper "+s)
	}
	if s := authors(c.Authors); s != "" {
		parts = append(parts, "authors "+s)
	}
	verdict := string(c.Verdict)
	if c.Scaled != "" && c.Verdict != ScaledDown {
		verdict += " (" + c.Scaled + ")"
	}
	if s := signed(c.Difference); s != "" {
		verdict = s + ", " + verdict
	}
	return strings.Join(append(parts, verdict), "<br>")
}

// writeLaTeX writes a table for the package booktabs: two lines a row, measured
// and paper.
func (t *Table) writeLaTeX(w io.Writer) error {
	out := &printer{w: w}
	out.f("%% needs \\usepackage{booktabs}\n\\begin{table}\n\\centering\n\\begin{tabular}{ll%s}\n\\toprule\n", strings.Repeat("r", len(t.Columns)))
	out.f("& ")
	for _, c := range t.Columns {
		out.f("& %s ", latex.Replace(strings.ToUpper(c)))
	}
	out.f("\\\\\n")
	group := ""
	for _, r := range t.Rows {
		out.f("\\midrule\n")
		if r.group() != group {
			group = r.group()
			out.f("\\multicolumn{%d}{l}{\\emph{%s}} \\\\\n", len(t.Columns)+2, latex.Replace(group))
		}
		out.f("%s & measured", latex.Replace(r.Label))
		for i := range r.Cells {
			s := latex.Replace(r.Cells[i].Measured.String())
			if r.Cells[i].Winner {
				s = "\\textbf{" + s + "}"
			}
			out.f(" & %s", s)
		}
		out.f(" \\\\\n%s & paper", latex.Replace(r.trained()))
		for i := range r.Cells {
			s := latex.Replace(printedFigure(r.Cells[i].Paper))
			if r.Cells[i].Best {
				s = "\\textbf{" + s + "}"
			}
			out.f(" & %s", s)
		}
		out.f(" \\\\\n")
	}
	out.f("\\bottomrule\n\\end{tabular}\n\\caption{%s. Mean $\\pm$ deviation (runs) as measured, and the figures of the paper; the best of each line in bold, -- where there is no run.}\n\\end{table}\n", latex.Replace(t.heading()))
	return out.err
}

// LaTeX escapes text for LaTeX.
func LaTeX(s string) string { return latex.Replace(s) }

var latex = strings.NewReplacer(`\`, `\textbackslash{}`, "&", `\&`, "%", `\%`, "$", `\$`, "#", `\#`, "_", `\_`, "{", `\{`, "}", `\}`,
	"~", `\textasciitilde{}`, "^", `\textasciicircum{}`, "±", `$\pm$`, "–", "--", "−", "$-$", "ψ", `$\psi$`, "²", `$^2$`, "³", `$^3$`, "β", `$\beta$`, "τ", `$\tau$`, "ε", `$\varepsilon$`, "→", `$\to$`, "≥", `$\geq$`, "<", `\textless{}`, ">", `\textgreater{}`)

func (t *Table) writeCSV(w io.Writer) error {
	out := csv.NewWriter(w)
	err := out.Write([]string{"profile", "data_set", "model", "setting", "epochs", "full_epochs", "aggregator",
		"n", "diverged", "final_mean", "final_std", "ci95_low", "ci95_high", "best_mean", "seconds",
		"paper", "paper_pm", "paper_diverged", "authors_n", "authors_final", "authors_std", "authors_diverged",
		"difference", "tolerance", "verdict", "scaled_down", "winner", "paper_winner"})
	if err != nil {
		return err
	}
	for _, r := range t.Rows {
		for i := range r.Cells {
			row := []string{t.Profile, r.DataSet, r.Model, r.Setting, strconv.Itoa(r.Epochs), strconv.Itoa(r.Full)}
			if err := out.Write(append(row, r.Cells[i].fields()...)); err != nil {
				return err
			}
		}
	}
	out.Flush()
	return out.Error()
}

// fields returns a cell's part of a line of CSV, with nothing for what there is not.
func (c *Cell) fields() []string {
	f := []string{c.Aggregator}
	if m := c.Measured; m == nil {
		f = append(f, "0", "0", "", "", "", "", "", "")
	} else {
		f = append(f, strconv.Itoa(m.N), strconv.Itoa(m.Diverged))
		trained, several := m.Trained(), m.Interval != nil
		low, high := 0.0, 0.0
		if several {
			low, high = m.Interval[0], m.Interval[1]
		}
		f = append(f, number(trained, m.Final), number(several, m.Deviation), number(several, low), number(several, high),
			number(trained, m.Best), number(true, m.Seconds))
	}
	if p := c.Paper; p == nil {
		f = append(f, "", "", "")
	} else {
		f = append(f, number(!p.Diverged, p.Accuracy), number(!p.Diverged, p.Spread), strconv.FormatBool(p.Diverged))
	}
	if a := c.Authors; a == nil {
		f = append(f, "0", "", "", "")
	} else {
		f = append(f, strconv.Itoa(a.N), number(!a.Diverged, a.Accuracy), number(!a.Diverged, a.Deviation), strconv.FormatBool(a.Diverged))
	}
	difference := ""
	if c.Difference != nil {
		difference = number(true, *c.Difference)
	}
	return append(f, difference, number(c.Tolerance > 0, c.Tolerance), string(c.Verdict), c.Scaled,
		strconv.FormatBool(c.Winner), strconv.FormatBool(c.Best))
}

func number(known bool, x float64) string {
	if !known {
		return ""
	}
	return strconv.FormatFloat(x, 'f', 4, 64)
}
