package evidence

import (
	"encoding/csv"
	"io"
	"strconv"
	"strings"

	"github.com/bgmd/bgmd/internal/printable"
)

func (t *Table) writeCSV(w io.Writer) error {
	out := csv.NewWriter(w)
	err := out.Write([]string{"profile", "data_set", "model", "setting", "epochs", "full_epochs", "aggregator",
		"n", "diverged", "final_mean", "final_std", "ci95_low", "ci95_high", "best_mean", "seconds",
		"paper", "paper_pm", "paper_diverged", "authors_n", "authors_final", "authors_std", "authors_diverged",
		"difference", "tolerance", "verdict", "scaled_down", "winner", "paper_winner", "runs", "note"})
	if err != nil {
		return err
	}
	for _, r := range t.Rows {
		for i := range r.Cells {
			row := []string{inert(t.Profile), inert(r.DataSet), inert(r.Model), inert(r.Setting), strconv.Itoa(r.Epochs), strconv.Itoa(r.Full)}
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
	f := []string{inert(c.Aggregator)}
	runs := ""
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
		runs = strings.Join(m.Runs, "; ")
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
		strconv.FormatBool(c.Winner), strconv.FormatBool(c.Best), inert(runs), inert(c.Note))
}

// inert keeps text of a record from being a formula where a spreadsheet opens the
// file: such text gets an apostrophe before it.
func inert(s string) string {
	s = printable.Text(s)
	if s != "" && strings.ContainsRune("=+-@", rune(s[0])) {
		return "'" + s
	}
	return s
}

func number(known bool, x float64) string {
	if !known {
		return ""
	}
	return strconv.FormatFloat(x, 'f', 4, 64)
}
