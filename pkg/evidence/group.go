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

// group collects runs for one cell.
type group struct {
	open     int // runs that have not ended
	variants map[string][]*record.Run
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
		others := ""
		if n := len(left) - 1; n > 0 {
			others = fmt.Sprintf(" and %d more", n)
		}
		notes = append(notes, "set up otherwise and left out: "+left[0]+others)
	}
	return measure(chosen), strings.Join(notes, "; ")
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
