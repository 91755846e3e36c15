// Package table writes tables for people, papers and programs: as text, Markdown,
// LaTeX, CSV and JSON.
package table

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
)

// Formats returns the names of the formats.
func Formats() []string { return []string{"text", "markdown", "latex", "csv", "json"} }

// CheckFormat refuses what is none of [Formats].
func CheckFormat(format string) error {
	if slices.Contains(Formats(), format) {
		return nil
	}
	return fmt.Errorf("format is %q, want one of %s", format, strings.Join(Formats(), ", "))
}

// Table is a table of text, of which every row has a cell a column.
type Table struct {
	Title, Note string // above and below it; not in CSV and JSON
	Head        []string
	Align       string // of LaTeX's columns, such as lrr
	Rows        [][]string
}

// Write writes the table in one of [Formats]. In JSON it is a list of objects, a row
// each, whose keys are the columns' names.
func (t Table) Write(w io.Writer, format string) error {
	switch format {
	case "text":
		return t.text(w)
	case "csv":
		return csv.NewWriter(w).WriteAll(append([][]string{t.Head}, t.Rows...))
	case "json":
		return WriteJSON(w, t.objects())
	case "markdown":
		return t.markdown(w)
	case "latex":
		return t.latex(w)
	}
	return CheckFormat(format)
}

func (t Table) text(w io.Writer) error {
	fmt.Fprintf(w, "%s\n\n", t.Title)
	columns := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, row := range append([][]string{t.Head}, t.Rows...) {
		fmt.Fprintln(columns, strings.Join(row, "\t"))
	}
	if err := columns.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(w, "\n%s\n", t.Note)
	return err
}

func (t Table) objects() []map[string]string {
	var all []map[string]string
	for _, row := range t.Rows {
		object := map[string]string{}
		for i, name := range t.Head {
			object[name] = row[i]
		}
		all = append(all, object)
	}
	return all
}

func (t Table) markdown(w io.Writer) error {
	fmt.Fprintf(w, "**%s**\n\n| %s |\n|%s\n", t.Title, strings.Join(t.Head, " | "), strings.Repeat(" --- |", len(t.Head)))
	for _, row := range t.Rows {
		cells := make([]string, len(row))
		for i, s := range row {
			cells[i] = Markdown(s)
		}
		fmt.Fprintf(w, "| %s |\n", strings.Join(cells, " | "))
	}
	_, err := fmt.Fprintf(w, "\n%s\n", t.Note)
	return err
}

func (t Table) latex(w io.Writer) error {
	escape := func(row []string) string {
		cells := make([]string, len(row))
		for i, s := range row {
			cells[i] = LaTeX(s)
		}
		return strings.Join(cells, " & ") + " \\\\\n"
	}
	fmt.Fprintf(w, "%% needs \\usepackage{booktabs}\n\\begin{table}\n\\centering\n\\begin{tabular}{%s}\n\\toprule\n%s\\midrule\n", t.Align, escape(t.Head))
	for _, row := range t.Rows {
		fmt.Fprint(w, escape(row))
	}
	_, err := fmt.Fprintf(w, "\\bottomrule\n\\end{tabular}\n\\caption{%s. %s}\n\\end{table}\n", LaTeX(t.Title), LaTeX(t.Note))
	return err
}

// WriteJSON writes v, indented, with <, > and & as they are.
func WriteJSON(w io.Writer, v any) error {
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	return encoder.Encode(v)
}
