package evidence

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// Widths of a line's name and of a column.
const nameWidth, textWidth = 45, 26

func (t *Table) writeText(w io.Writer) error {
	out := &printer{w: w}
	out.f("%s. Measured: mean ± deviation (runs); * is a row's best.\n", t.heading())
	group := ""
	for _, r := range t.Rows {
		if r.group() != group {
			group = r.group()
			out.f("\n%s\n", group)
		}
		head := r.Label + ", " + r.trained()
		if utf8.RuneCountInString(head) >= nameWidth { // it would push the columns out of line
			out.f("\n%s", head)
			head = ""
		}
		out.f("\n%s", pad(head, nameWidth))
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
		p.f("%s%s\n", pad("  "+name, nameWidth), s)
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
