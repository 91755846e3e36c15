package main

import (
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/bgmd/bgmd/internal/printable"
	"github.com/bgmd/bgmd/internal/whole"
	"github.com/bgmd/bgmd/pkg/agg"
	"github.com/bgmd/bgmd/pkg/bench"
	"github.com/bgmd/bgmd/pkg/breakdown"
	"github.com/bgmd/bgmd/pkg/evidence"
)

// shifted is the distance from which on a result counts as broken: twice an
// honest row's own distance to the honest mean.
const shifted = 2

// table1Files are what Table 1 is made of.
func table1Files(results string) (times, stood string) {
	return filepath.Join(results, "aggregation", "rules.json"), filepath.Join(results, "breakdown", breakdown.FileName)
}

// writeTable1 writes the paper's Table 1 with what was measured beside it, for
// every rule.
func writeTable1(w io.Writer, results, format string) error {
	timesFile, stoodFile := table1Files(results)
	times, err := readTimes(timesFile)
	if err != nil {
		return err
	}
	stood, err := readBreakdown(stoodFile)
	if err != nil {
		return err
	}
	g := grid{
		title: fmt.Sprintf("Table 1 as measured: %d rows of %d coordinates, %d cores", times.N, times.D, times.Cores),
		head:  []string{"rule", "cost", "ms", "/ mean", "breakdown point", "corrupt rows stood", "furthest at 12"},
		note: fmt.Sprintf("Costs and breakdown points are asymptotic, from 'bgmd rules'. Stood is the largest number of %d rows that, "+
			"corrupt in any of the ways of 'bgmd breakdown', leave the result within %d times an honest row's distance to the honest mean; "+
			"furthest at 12 is the longest such distance with 12 corrupt rows, and the attack. One call each: what an attacker makes of a memory in many calls is not in it.", fewRows, shifted),
	}
	for _, r := range table1Rules() {
		row := []string{r.name, r.cost, "", "", r.breakdown, "", ""}
		if t, ok := times.Of(r.name); ok {
			row[2], row[3] = fmt.Sprintf("%.1f", t.MS), fmt.Sprintf("%.1f", t.ToMean)
		}
		if s := stood[r.name]; s != nil {
			row[5], row[6] = strconv.Itoa(s.most), fmt.Sprintf("%.2f (%s)", s.furthest, s.by)
		}
		g.rows = append(g.rows, row)
	}
	return g.write(w, format)
}

type table1Rule struct{ name, cost, breakdown string }

// table1Rules are all rules, and the block rule after the geometric median.
func table1Rules() []table1Rule {
	var rules []table1Rule
	for _, r := range agg.Rules() {
		rules = append(rules, table1Rule{r.Name, r.Cost, r.Breakdown})
		if r.Name == "gm" {
			rules = append(rules, table1Rule{"block", "O(nd + n²k)", "1/2 in one call"})
		}
	}
	return rules
}

func readTimes(path string) (*bench.AggResult, error) {
	data, err := whole.ReadFile(path)
	if err != nil {
		return nil, &inputError{fmt.Errorf("table1: no times ('bgmd bench agg --json' makes them): %w", err)}
	}
	var r bench.AggResult
	if err := json.Unmarshal(data, &r); err != nil {
		return nil, &inputError{fmt.Errorf("table1: %s: %w", path, err)}
	}
	return &r, nil
}

// stand is what corrupt rows did to a rule.
type stand struct {
	most     int     // rows that it stood, under all attacks
	furthest float64 // distance with 12 corrupt rows
	by       string  // the attack of furthest
}

// readBreakdown reads what 'bgmd breakdown' wrote.
func readBreakdown(path string) (map[string]*stand, error) {
	const at = 12 // the paper's 40 % of 32
	points, err := breakdown.Read(path)
	switch {
	case errors.As(err, new(*fs.PathError)):
		return nil, &inputError{fmt.Errorf("table1: no breakdown curves ('bgmd breakdown --out' makes them): %w", err)}
	case err != nil:
		return nil, &inputError{fmt.Errorf("table1: %w", err)}
	}
	stands := map[string]*stand{}
	for _, p := range points {
		s := stands[p.Rule]
		if s == nil {
			s = &stand{most: p.N / 2} // no more were tried
			stands[p.Rule] = s
		}
		if p.Max > shifted {
			s.most = min(s.most, p.Corrupt-1)
		}
		if p.Corrupt == at && p.Max > s.furthest {
			s.furthest, s.by = p.Max, printable.Text(p.Attack)
		}
	}
	return stands, nil
}

// grid is a plain table.
type grid struct {
	title, note string
	head        []string
	rows        [][]string
}

func (g grid) write(w io.Writer, format string) error {
	switch format {
	case "csv":
		return csv.NewWriter(w).WriteAll(append([][]string{g.head}, g.rows...))
	case "json":
		return writeJSON(w, g.objects())
	case "markdown":
		return g.markdown(w)
	case "latex":
		return g.latex(w)
	}
	fmt.Fprintf(w, "%s\n\n", g.title)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, row := range append([][]string{g.head}, g.rows...) {
		fmt.Fprintln(t, strings.Join(row, "\t"))
	}
	if err := t.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(w, "\n%s\n", g.note)
	return err
}

func (g grid) objects() []map[string]string {
	var all []map[string]string
	for _, row := range g.rows {
		object := map[string]string{}
		for i, name := range g.head {
			object[name] = row[i]
		}
		all = append(all, object)
	}
	return all
}

func (g grid) markdown(w io.Writer) error {
	fmt.Fprintf(w, "**%s**\n\n| %s |\n|%s\n", g.title, strings.Join(g.head, " | "), strings.Repeat(" --- |", len(g.head)))
	for _, row := range g.rows {
		cells := make([]string, len(row))
		for i, s := range row {
			cells[i] = evidence.Markdown(s)
		}
		fmt.Fprintf(w, "| %s |\n", strings.Join(cells, " | "))
	}
	_, err := fmt.Fprintf(w, "\n%s\n", g.note)
	return err
}

func (g grid) latex(w io.Writer) error {
	escape := func(row []string) string {
		cells := make([]string, len(row))
		for i, s := range row {
			cells[i] = evidence.LaTeX(s)
		}
		return strings.Join(cells, " & ") + " \\\\\n"
	}
	fmt.Fprintf(w, "%% needs \\usepackage{booktabs}\n\\begin{table}\n\\centering\n\\begin{tabular}{llrrlrl}\n\\toprule\n%s\\midrule\n", escape(g.head))
	for _, row := range g.rows {
		fmt.Fprint(w, escape(row))
	}
	_, err := fmt.Fprintf(w, "\\bottomrule\n\\end{tabular}\n\\caption{%s. %s}\n\\end{table}\n", evidence.LaTeX(g.title), evidence.LaTeX(g.note))
	return err
}
