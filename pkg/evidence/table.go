package evidence

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/bgmd/bgmd/internal/printable"
	"github.com/bgmd/bgmd/pkg/paper"
	"github.com/bgmd/bgmd/pkg/record"
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
	// Tolerance is the largest Difference for the verdict "reproduced", or "close"
	// where N = 1.
	Tolerance float64 `json:"tolerance,omitempty"`
	Verdict   Verdict `json:"verdict"`
	Scaled    string  `json:"scaled_down,omitempty"` // what the runs have less of than the paper's
	Winner    bool    `json:"winner"`                // the row's best, as measured
	Best      bool    `json:"paper_winner"`          // the row's best in the paper
	Note      string  `json:"note,omitempty"`        // which runs do not count, and why
}

// Measured sums up runs that differ in their seeds alone. Accuracies are in
// percent of the test set and over the runs that did not diverge.
type Measured struct {
	N          int       `json:"n"`        // runs that ended
	Diverged   int       `json:"diverged"` // of them
	Final      float64   `json:"final"`    // mean after the last epoch
	Deviation  float64   `json:"deviation"`
	Interval   []float64 `json:"interval,omitempty"`        // 95 % interval of Final by Student's t; nil for one run
	Best       float64   `json:"best"`                      // mean of the best epochs
	Seconds    float64   `json:"seconds"`                   // mean wall-clock time
	Runs       []string  `json:"runs"`                      // their folders
	Facts      Facts     `json:"facts"`                     // of the first
	Unofficial bool      `json:"unofficial_data,omitempty"` // some run read files that are not the published ones

	throughJPEG bool // they are CIFAR-10 (JPEG)
}

// Trained reports whether any run reached its last epoch.
func (m *Measured) Trained() bool { return m.N > m.Diverged }

// PaperTable builds Table 2 or 3 of [bgmd] from the runs of one profile. It leaves out
// runs of other profiles, data sets and settings. Where the runs of a cell differ in
// more than their seeds, those count that are set up as most are, and the cell's note
// names the others. Rows without runs have the paper's number of epochs and blank cells.
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
			all = []rowKey{{dataSet: p.DataSet, model: paper.Model(p.DataSet), setting: p.Setting.String(), epochs: paper.Epochs(p.DataSet, profile)}}
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
// settings and aggregators that occur in them, the paper's first. Where the runs of one
// cell differ in more than their seeds, those are in the row that are set up as most
// are. The others have rows of their own, labelled by the folder of the first.
func RunsTable(title string, runs []*record.Run, profile string) (*Table, error) {
	groups, err := collect(runs, profile)
	spread(groups)
	t := &Table{Title: printable.Text(title), Profile: profile}
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

// add adds a row, of which the paper has p or nothing.
func (t *Table) add(k rowKey, groups map[cellKey]*group, p *paper.Row) {
	seeds := 0
	row := Row{DataSet: k.dataSet, Model: k.model, Setting: k.setting, Label: k.setting, Epochs: k.epochs}
	if p != nil {
		row.Label, row.Full = p.Setting.Label(), paper.Epochs(k.dataSet, t.Profile)
		seeds = paper.Seeds(p.Table)
	}
	if k.apart != "" {
		row.Label += ", " + printable.Text(k.apart)
		p = nil // nor is it known to be the paper's setup
	}
	for _, aggregator := range t.Columns {
		c := Cell{Aggregator: aggregator}
		if g := groups[cellKey{k, aggregator}]; g != nil {
			chosen, others := g.main()
			c.Measured, c.Note = measure(chosen), g.note(others)
		}
		if p != nil {
			if f, ok := p.Paper[aggregator]; ok {
				c.Paper = &f
			}
			if r, ok := p.Authors[aggregator]; ok {
				c.Authors = &r
			}
		}
		c.judge(row.Epochs, row.Full, seeds)
		row.Cells = append(row.Cells, c)
	}
	row.crown()
	row.Order = row.order()
	t.Rows = append(t.Rows, row)
}

// crown marks the row's best cell of the paper and the best measured one. It marks none
// where there is only one.
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
