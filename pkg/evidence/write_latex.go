package evidence

import (
	"io"
	"strings"

	"github.com/bgmd/bgmd/internal/table"
)

// writeLaTeX writes a table for the package booktabs: two lines a row, measured
// and paper.
func (t *Table) writeLaTeX(w io.Writer) error {
	out := &printer{w: w}
	out.f("%% needs \\usepackage{booktabs}\n\\begin{table}\n\\centering\n\\begin{tabular}{ll%s}\n\\toprule\n", strings.Repeat("r", len(t.Columns)))
	out.f("& ")
	for _, c := range t.Columns {
		out.f("& %s ", table.LaTeX(strings.ToUpper(c)))
	}
	out.f("\\\\\n")
	group := ""
	for _, r := range t.Rows {
		out.f("\\midrule\n")
		if r.group() != group {
			group = r.group()
			out.f("\\multicolumn{%d}{l}{\\emph{%s}} \\\\\n", len(t.Columns)+2, table.LaTeX(group))
		}
		out.f("%s & measured", table.LaTeX(r.Label))
		for i := range r.Cells {
			s := table.LaTeX(r.Cells[i].Measured.String())
			if r.Cells[i].Winner {
				s = "\\textbf{" + s + "}"
			}
			out.f(" & %s", s)
		}
		out.f(" \\\\\n%s & paper", table.LaTeX(r.trained()))
		for i := range r.Cells {
			s := table.LaTeX(printedFigure(r.Cells[i].Paper))
			if r.Cells[i].Best {
				s = "\\textbf{" + s + "}"
			}
			out.f(" & %s", s)
		}
		out.f(" \\\\\n")
	}
	out.f("\\bottomrule\n\\end{tabular}\n\\caption{%s. Mean $\\pm$ deviation (runs) as measured, and the figures of the paper; the best of each line in bold, -- where there is no run.}\n\\end{table}\n", table.LaTeX(t.heading()))
	return out.err
}
