package evidence

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"gonum.org/v1/gonum/stat"
	"gonum.org/v1/gonum/stat/distuv"

	"github.com/bgmd/bgmd/internal/printable"
	"github.com/bgmd/bgmd/pkg/paper"
	"github.com/bgmd/bgmd/pkg/record"
)

// group collects runs for one cell, of each seed one.
type group struct {
	open     []string                 // folders of runs that have not ended
	repeats  []string                 // what is said of runs left out by [Distinct]
	variants map[string][]*record.Run // that have ended
}

type rowKey struct {
	dataSet, model, setting string
	epochs                  int
	apart                   string // folder of the first run where runs set up otherwise have the row to themselves
}

type cellKey struct {
	rowKey
	aggregator string
}

// collect groups the runs of one profile by cell, one run of each configuration and
// seed. The error names the other runs, whatever their profile, and those whose
// configuration cannot be read. The groups are valid in spite of it.
func collect(runs []*record.Run, profile string) (map[cellKey]*group, error) {
	groups := map[cellKey]*group{}
	kept, repeats := distinct(runs)
	var errs []error
	for _, r := range repeats {
		errs = append(errs, r)
		if g, _, _ := groupOf(groups, r.run, profile); g != nil { // no error: what repeats could be read
			g.repeats = append(g.repeats, r.text)
		}
	}
	for _, run := range kept {
		g, variant, err := groupOf(groups, run, profile)
		switch {
		case err != nil:
			errs = append(errs, err)
		case g == nil:
		case run.Status().Final():
			g.add(variant, run)
		default:
			g.open = append(g.open, printable.Text(run.Dir))
		}
	}
	return groups, errors.Join(errs...)
}

// groupOf returns the group of a run, which it adds where there is none, and the
// run's variant; no group for a run of another profile.
func groupOf(groups map[cellKey]*group, run *record.Run, profile string) (*group, string, error) {
	f, err := FactsOf(run)
	if err != nil || f.Profile != profile {
		return nil, "", err
	}
	k := cellKey{rowKey{dataSet: f.DataSet, model: f.Model, setting: f.Setting, epochs: f.Epochs}, f.Aggregator}
	if groups[k] == nil {
		groups[k] = &group{}
	}
	return groups[k], f.variant, nil
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
	return cmp.Or(cmp.Compare(k.dataSet, l.dataSet), cmp.Compare(k.setting, l.setting), cmp.Compare(k.model, l.model), cmp.Compare(k.epochs, l.epochs),
		cmp.Compare(k.apart, l.apart))
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

// add adds a run that has ended.
func (g *group) add(variant string, run *record.Run) {
	if g.variants == nil {
		g.variants = map[string][]*record.Run{}
	}
	g.variants[variant] = append(g.variants[variant], run)
}

// main returns the variant with the most runs, of equals the first in the order
// of folders, and the other variants in that order.
func (g *group) main() (chosen []*record.Run, others [][]*record.Run) {
	for _, runs := range g.variants {
		others = append(others, runs)
	}
	slices.SortFunc(others, func(a, b []*record.Run) int { return cmp.Compare(a[0].Dir, b[0].Dir) })
	if len(others) == 0 {
		return nil, nil
	}
	most := 0
	for i, runs := range others {
		if len(runs) > len(others[most]) {
			most = i
		}
	}
	chosen = others[most]
	return chosen, slices.Delete(others, most, most+1)
}

// spread gives all variants but a cell's main one rows of their own.
func spread(groups map[cellKey]*group) {
	for k, g := range maps.Clone(groups) {
		chosen, others := g.main()
		if len(others) == 0 {
			continue
		}
		g.variants = map[string][]*record.Run{"": chosen}
		for _, runs := range others {
			k.apart = runs[0].Dir
			groups[k] = &group{variants: map[string][]*record.Run{"": runs}}
		}
	}
}

// note says which runs the main variant's figures are without.
func (g *group) note(others [][]*record.Run) string {
	var notes, left []string
	if g.open != nil {
		notes = append(notes, fmt.Sprintf("%d not ended: %s", len(g.open), strings.Join(g.open, ", ")))
	}
	for _, runs := range others {
		for _, r := range runs {
			left = append(left, printable.Text(r.Dir))
		}
	}
	if left != nil {
		notes = append(notes, "set up otherwise and left out: "+strings.Join(left, ", "))
	}
	return strings.Join(append(notes, g.repeats...), "; ")
}

// jpegBatch is the MD5 sum of data_batch_1.bin in CIFAR-10 (JPEG): its pictures,
// stored as JPEG by one who passed them on.
const jpegBatch = "d43b5bc4e9aab9035b5ad568f118432a"

func measure(runs []*record.Run) *Measured {
	if len(runs) == 0 {
		return nil
	}
	m := &Measured{N: len(runs)}
	m.Facts, _ = FactsOf(runs[0]) // read before, by collect
	var final, best []float64
	for _, r := range runs {
		m.Runs = append(m.Runs, r.Dir)
		for _, f := range r.Environment.DataFiles {
			m.Unofficial = m.Unofficial || !f.Official
			m.throughJPEG = m.throughJPEG || f.MD5 == jpegBatch
		}
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
