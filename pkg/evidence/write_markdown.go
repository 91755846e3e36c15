package evidence

import (
	"io"
	"strings"

	"github.com/bgmd/bgmd/internal/table"
)

func (t *Table) writeMarkdown(w io.Writer) error {
	out := &printer{w: w}
	out.f("**%s.** Measured as mean ± deviation (runs), the row's best in bold; below it the paper's figure, the authors' own runs and the verdict.\n", table.Markdown(t.heading()))
	group := ""
	for _, r := range t.Rows {
		if r.group() != group {
			group = r.group()
			out.f("\n| %s |", table.Markdown(group))
			for _, c := range t.Columns {
				out.f(" %s |", table.Markdown(strings.ToUpper(c)))
			}
			out.f(" order |\n|%s\n", strings.Repeat(" --- |", len(t.Columns)+2))
		}
		out.f("| %s, %s |", table.Markdown(r.Label), r.trained())
		for i := range r.Cells {
			out.f(" %s |", r.Cells[i].markdown())
		}
		out.f(" %s |\n", r.Order)
	}
	for _, n := range t.Notes {
		out.f("\n%s\n", table.Markdown(n))
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
