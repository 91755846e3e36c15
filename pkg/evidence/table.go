package evidence

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"gonum.org/v1/gonum/stat"
	"gonum.org/v1/gonum/stat/distuv"

	"github.com/bgmd/bgmd/pkg/paper"
	"github.com/bgmd/bgmd/pkg/train/record"
)

// Table has a row for each setting and number of epochs, and a column for each
// aggregator.
type Table struct {
	Title   string   `json:"title"`
	Profile string   `json:"profile"` // of all runs in it; empty if there are none
	Columns []string `json:"columns"`
	Rows    []Row    `json:"rows"`
	Notes   []string `json:"notes"` // what a reader must know
}

// Row is one setting, trained for so many epochs.
type Row struct {
	DataSet string `json:"data_set"`
	Model   string `json:"model"`
	Setting string `json:"setting"` // as in [Facts]
	Label   string `json:"label"`
	Epochs  int    `json:"epochs"`
	Full    int    `json:"full_epochs"` // of the paper; 0 if it has no such row
	Cells   []Cell `json:"cells"`       // as Columns
	// Order says whether the paper's order of the methods holds; empty where
	// fewer than two cells can be compared.
	Order string `json:"order,omitempty"`
}

// Cell is an aggregator in a row.
type Cell struct {
	Aggregator string        `json:"aggregator"`
	Measured   *Measured     `json:"measured,omitempty"` // nil if there is no run that ended
	Paper      *paper.Figure `json:"paper,omitempty"`
	Authors    *paper.Runs   `json:"authors,omitempty"`
	// Difference is measured less paper, in points; nil unless both trained.
	Difference *float64 `json:"difference,omitempty"`
	// Tolerance is what Difference may be for a verdict "reproduced", or,
	// where N = 1, "close".
	Tolerance float64 `json:"tolerance,omitempty"`
	Verdict   Verdict `json:"verdict"`
	Scaled    string  `json:"scaled_down,omitempty"` // in what the runs are less than the paper's
	Winner    bool    `json:"winner"`                // the row's best, as measured
	Best      bool    `json:"paper_winner"`          // the row's best in the paper
	Note      string  `json:"note,omitempty"`        // runs that do not count
}

// Measured sums up runs that differ in their seeds alone. Accuracies are in
// percent of the test set and over the runs that did not diverge.
type Measured struct {
	N         int       `json:"n"`        // runs that ended
	Diverged  int       `json:"diverged"` // of them
	Final     float64   `json:"final"`    // mean after the last epoch
	Deviation float64   `json:"deviation"`
	Interval  []float64 `json:"interval,omitempty"` // 95 % interval of Final by Student's t; nil for one run
	Best      float64   `json:"best"`               // mean of the best epochs
	Seconds   float64   `json:"seconds"`            // mean wall-clock time
	Runs      []string  `json:"runs"`               // their folders
	Facts     Facts     `json:"facts"`              // of the first
}

// Trained reports whether any run reached its last epoch.
func (m *Measured) Trained() bool { return m.N > m.Diverged }

// group collects runs for one cell.
type group struct {
	open     int // runs that have not ended
	variants map[string][]*record.Run
}

// PaperTable builds Table 2 or 3 of [bgmd] from the runs of one profile.
// Runs of other profiles, data sets and settings are left out. Rows without runs
// have the paper's number of epochs and blank cells.
func PaperTable(number int, runs []*record.Run, profile string) (*Table, error) {
	rows := paper.Rows(number)
	if rows == nil {
		return nil, fmt.Errorf("evidence: there is no table %d, want 2 or 3", number)
	}
	t := &Table{
		Title:   fmt.Sprintf("Table %d: test accuracy, %%", number),
		Profile: profile, Columns: paper.Aggregators(),
	}
	groups, err := collect(runs, profile)
	for _, p := range rows {
		all := rowsOf(groups, p.DataSet, p.Setting.String())
		if len(all) == 0 {
			all = []rowKey{{p.DataSet, paper.Model(p.DataSet), p.Setting.String(), paper.Epochs(p.DataSet)}}
		}
		for _, k := range all {
			t.add(k, groups, &p)
		}
	}
	t.gather()
	t.explain()
	return t, err
}

// RunsTable builds a table of whatever runs there are of one profile, with the
// settings and aggregators that occur in them, the paper's first.
func RunsTable(title string, runs []*record.Run, profile string) (*Table, error) {
	groups, err := collect(runs, profile)
	t := &Table{Title: title, Profile: profile}
	known := map[[2]string]*paper.Row{}
	for _, number := range []int{2, 3} {
		for _, p := range paper.Rows(number) {
			known[[2]string{p.DataSet, p.Setting.String()}] = &p
		}
	}
	seen := map[rowKey]bool{}
	for _, k := range keys(groups) {
		if !slices.Contains(t.Columns, k.aggregator) {
			t.Columns = append(t.Columns, k.aggregator)
		}
		seen[k.rowKey] = true
	}
	slices.SortStableFunc(t.Columns, func(a, b string) int { return rank(a) - rank(b) })
	for _, k := range sortedRows(seen) {
		t.add(k, groups, known[[2]string{k.dataSet, k.setting}])
	}
	t.gather()
	t.explain()
	return t, err
}

// gather brings the rows of a data set together, the paper's model first.
func (t *Table) gather() {
	var sets []string
	for _, r := range t.Rows {
		if !slices.Contains(sets, r.DataSet) {
			sets = append(sets, r.DataSet)
		}
	}
	other := func(r Row) int {
		if r.Model == paper.Model(r.DataSet) {
			return 0
		}
		return 1
	}
	slices.SortStableFunc(t.Rows, func(a, b Row) int {
		return cmp.Or(slices.Index(sets, a.DataSet)-slices.Index(sets, b.DataSet), other(a)-other(b), cmp.Compare(a.Model, b.Model))
	})
}

// rank puts the paper's aggregators first.
func rank(aggregator string) int {
	if i := slices.Index(paper.Aggregators(), aggregator); i >= 0 {
		return i
	}
	return len(paper.Aggregators())
}

type rowKey struct {
	dataSet, model, setting string
	epochs                  int
}

type cellKey struct {
	rowKey
	aggregator string
}

// collect groups the runs of one profile by cell. The error tells of runs whose
// configuration cannot be read; the others are valid even so.
func collect(runs []*record.Run, profile string) (map[cellKey]*group, error) {
	groups := map[cellKey]*group{}
	var errs []error
	for _, run := range runs {
		f, err := FactsOf(run)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		if f.Profile != profile {
			continue
		}
		k := cellKey{rowKey{f.DataSet, f.Model, f.Setting, f.Epochs}, f.Aggregator}
		g := groups[k]
		if g == nil {
			g = &group{variants: map[string][]*record.Run{}}
			groups[k] = g
		}
		if s := run.Status(); s != record.Finished && s != record.Diverged {
			g.open++
			continue
		}
		g.variants[f.variant] = append(g.variants[f.variant], run)
	}
	return groups, errors.Join(errs...)
}

func keys(groups map[cellKey]*group) []cellKey {
	var all []cellKey
	for k := range groups {
		all = append(all, k)
	}
	slices.SortFunc(all, func(a, b cellKey) int {
		return cmp.Or(a.compare(b.rowKey), cmp.Compare(a.aggregator, b.aggregator))
	})
	return all
}

func (k rowKey) compare(l rowKey) int {
	return cmp.Or(cmp.Compare(k.dataSet, l.dataSet), cmp.Compare(k.setting, l.setting), cmp.Compare(k.model, l.model), cmp.Compare(k.epochs, l.epochs))
}

// sortedRows orders rows as the paper does, others after them by name.
func sortedRows(seen map[rowKey]bool) []rowKey {
	place := map[[2]string]int{}
	for _, number := range []int{2, 3} {
		for _, p := range paper.Rows(number) {
			place[[2]string{p.DataSet, p.Setting.String()}] = len(place) + 1
		}
	}
	var all []rowKey
	for k := range seen {
		all = append(all, k)
	}
	at := func(k rowKey) int {
		if p := place[[2]string{k.dataSet, k.setting}]; p > 0 {
			return p
		}
		return len(place) + 1
	}
	slices.SortFunc(all, func(a, b rowKey) int { return cmp.Or(cmp.Compare(at(a), at(b)), a.compare(b)) })
	return all
}

// rowsOf returns the rows for which a setting has runs.
func rowsOf(groups map[cellKey]*group, dataSet, setting string) []rowKey {
	var rows []rowKey
	for k := range groups {
		if k.dataSet == dataSet && k.setting == setting && !slices.Contains(rows, k.rowKey) {
			rows = append(rows, k.rowKey)
		}
	}
	slices.SortFunc(rows, rowKey.compare)
	return rows
}

// add adds a row, of which the paper has p or nothing.
func (t *Table) add(k rowKey, groups map[cellKey]*group, p *paper.Row) {
	row := Row{DataSet: k.dataSet, Model: k.model, Setting: k.setting, Label: k.setting, Epochs: k.epochs}
	if p != nil {
		row.Label, row.Full = p.Setting.Label(), paper.Epochs(k.dataSet)
	}
	for _, aggregator := range t.Columns {
		c := Cell{Aggregator: aggregator}
		if g := groups[cellKey{k, aggregator}]; g != nil {
			c.Measured, c.Note = g.sum()
		}
		if p != nil {
			if f, ok := p.Paper[aggregator]; ok {
				c.Paper = &f
			}
			if r, ok := p.Authors[aggregator]; ok {
				c.Authors = &r
			}
		}
		c.judge(row.Epochs, row.Full)
		row.Cells = append(row.Cells, c)
	}
	row.crown()
	row.Order = row.order()
	t.Rows = append(t.Rows, row)
}

// main returns the variant with the most runs, of equals the first in the order
// of folders, and the folders of those left out.
func (g *group) main() (chosen []*record.Run, left []string) {
	for _, runs := range g.variants {
		if len(runs) > len(chosen) || len(runs) == len(chosen) && runs[0].Dir < chosen[0].Dir {
			runs, chosen = chosen, runs
		}
		for _, r := range runs {
			left = append(left, r.Dir)
		}
	}
	slices.Sort(left)
	return chosen, left
}

// sum measures the main variant and says what it left out.
func (g *group) sum() (*Measured, string) {
	chosen, left := g.main()
	var notes []string
	if g.open > 0 {
		notes = append(notes, fmt.Sprintf("%d not ended", g.open))
	}
	if left != nil {
		notes = append(notes, "set up otherwise and left out: "+strings.Join(left, ", "))
	}
	return measure(chosen), strings.Join(notes, "; ")
}

func measure(runs []*record.Run) *Measured {
	if len(runs) == 0 {
		return nil
	}
	m := &Measured{N: len(runs)}
	m.Facts, _ = FactsOf(runs[0]) // read before, by collect
	var final, best []float64
	for _, r := range runs {
		m.Runs = append(m.Runs, r.Dir)
		m.Seconds += r.Summary.Seconds.Total / float64(len(runs))
		if r.Status() == record.Diverged {
			m.Diverged++
			continue
		}
		final = append(final, float64(r.Summary.FinalTestAccuracy))
		best = append(best, float64(r.Summary.BestTestAccuracy))
	}
	if len(final) == 0 {
		return m
	}
	m.Final, m.Best = stat.Mean(final, nil), stat.Mean(best, nil)
	if n := float64(len(final)); n > 1 {
		m.Deviation = stat.StdDev(final, nil)
		half := distuv.StudentsT{Mu: 0, Sigma: 1, Nu: n - 1}.Quantile(0.975) * m.Deviation / math.Sqrt(n)
		m.Interval = []float64{m.Final - half, m.Final + half}
	}
	return m
}

// crown marks the best cells of the row, the paper's and the measured; a method
// that is alone has won nothing.
func (r *Row) crown() {
	best, bestPaper, measured := math.Inf(-1), math.Inf(-1), 0
	for _, c := range r.Cells {
		if c.Measured != nil {
			measured++
			if c.Measured.Trained() {
				best = max(best, c.Measured.Final)
			}
		}
		if c.Paper != nil && !c.Paper.Diverged {
			bestPaper = max(bestPaper, c.Paper.Accuracy)
		}
	}
	for i := range r.Cells {
		c := &r.Cells[i]
		c.Winner = measured > 1 && c.Measured != nil && c.Measured.Trained() && c.Measured.Final == best
		c.Best = c.Paper != nil && !c.Paper.Diverged && c.Paper.Accuracy == bestPaper
	}
}
