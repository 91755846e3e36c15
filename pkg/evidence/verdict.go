package evidence

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/bgmd/bgmd/pkg/paper"
)

// Verdict says how a cell compares with the paper's.
type Verdict string

// The verdicts.
const (
	Reproduced    Verdict = "reproduced"
	Close         Verdict = "close"
	NotReproduced Verdict = "not reproduced"
	DivergedToo   Verdict = "diverged as in the paper"
	ScaledDown    Verdict = "scaled down" // fewer epochs: no accuracy to compare
	Missing       Verdict = "missing"     // no run that ended
	Unprinted     Verdict = "not in the paper"
)

// Tolerances of a verdict, in points of accuracy.
const (
	// errorsApart is how many joint standard errors two means may be apart.
	errorsApart = 3
	// slack is the least difference that counts. It is the whole tolerance where a
	// mean is of one run.
	slack = 0.5
)

// Rule says in words how verdicts are reached.
const Rule = "Reproduced: the means differ by at most 3 joint standard errors, or 0.5 points if that is more; close: by at most twice that. " +
	"The paper's ± is taken as the deviation of 5 runs, in Table 3 of 2. One run has no known error: within 0.5 points it is close, else not reproduced. " +
	"Figures in the paper of runs that were lost, which ended at the tenth of a guess or stopped after their first epoch, count as diverged where runs here diverged. " +
	"Fewer epochs than the paper's are scaled down, and not judged unless training diverged. " +
	"The order is judged among methods that the paper has apart by more than the sum of their ±."

// judge sets the verdict of a cell that was trained for so many epochs, where
// the paper's were full, of so many seeds.
func (c *Cell) judge(epochs, full, seeds int) {
	m := c.Measured
	switch {
	case m == nil:
		c.Verdict = Missing
		return
	case c.Paper == nil:
		c.Verdict = Unprinted
		return
	}
	c.Scaled = scaled(epochs, full, m.N, seeds)
	if m.Trained() && !c.Paper.Diverged {
		difference := m.Final - c.Paper.Accuracy
		c.Difference = &difference
	}
	switch {
	case lost(*c.Paper) && !m.Trained():
		c.Verdict = DivergedToo
	case !lost(*c.Paper) && m.Diverged > 0:
		c.Verdict = NotReproduced
	case epochs < full:
		c.Verdict = ScaledDown
	case c.Paper.Diverged:
		c.Verdict = NotReproduced
	default:
		c.Verdict = c.compare(m, *c.Paper, seeds)
	}
}

// lost reports whether the paper's runs have diverged, in print or in effect.
func lost(p paper.Figure) bool { return p.Diverged || p.Lost }

// compare judges two means, the paper's of so many seeds, neither of which is of runs that diverged.
func (c *Cell) compare(m *Measured, p paper.Figure, seeds int) Verdict {
	gap := math.Abs(*c.Difference)
	c.Tolerance = slack
	if m.N == 1 {
		if gap <= c.Tolerance {
			return Close
		}
		return NotReproduced
	}
	ours, theirs := m.Deviation*m.Deviation/float64(m.N), p.Spread*p.Spread/float64(seeds)
	c.Tolerance = max(c.Tolerance, errorsApart*math.Sqrt(ours+theirs))
	switch {
	case gap <= c.Tolerance:
		return Reproduced
	case gap <= 2*c.Tolerance:
		return Close
	}
	return NotReproduced
}

// scaled says what runs have less of than the paper's.
func scaled(epochs, full, n, seeds int) string {
	var parts []string
	if epochs < full {
		parts = append(parts, fmt.Sprintf("%d/%d epochs", epochs, full))
	}
	if n < seeds {
		parts = append(parts, fmt.Sprintf("%d/%d seeds", n, seeds))
	}
	return strings.Join(parts, ", ")
}

// order compares every two cells that both paper and records have, and that
// differ in the paper by more than the sum of their ±.
func (r *Row) order() string {
	pairs := 0
	var swapped []string
	for i := range r.Cells {
		for j := range i {
			a, b := &r.Cells[j], &r.Cells[i]
			if a.Measured == nil || b.Measured == nil || a.Paper == nil || b.Paper == nil {
				continue
			}
			d := ahead(*a.Paper, *b.Paper)
			if d == 0 {
				continue
			}
			pairs++
			if d < 0 {
				a, b = b, a
			}
			if worth(a.Measured) < worth(b.Measured) {
				swapped = append(swapped, fmt.Sprintf("%s > %s", strings.ToUpper(b.Aggregator), strings.ToUpper(a.Aggregator)))
			}
		}
	}
	switch {
	case pairs == 0:
		return ""
	case swapped == nil:
		return "the paper's order holds"
	}
	return "not as in the paper: " + strings.Join(swapped, ", ")
}

// ahead is positive if the paper has a clearly before b, negative if after it.
func ahead(a, b paper.Figure) float64 {
	switch {
	case a.Diverged && b.Diverged:
		return 0
	case a.Diverged:
		return -1
	case b.Diverged:
		return 1
	}
	if d := a.Accuracy - b.Accuracy; math.Abs(d) > a.Spread+b.Spread {
		return d
	}
	return 0
}

// worth orders means, those of runs that diverged below all others.
func worth(m *Measured) float64 {
	if !m.Trained() {
		return math.Inf(-1)
	}
	return m.Final
}

// explain adds the notes that go with the table.
func (t *Table) explain() {
	t.Notes = append(t.Notes, Rule)
	for _, r := range t.Rows {
		if r.Full > 0 && r.DataSet == "cifar-10" {
			t.Notes = append(t.Notes, "The authors' public runs on CIFAR-10 are of clients with the same distribution; the paper's are of label-sorted shards.")
			break
		}
	}
	var unofficial []string
	for _, r := range t.Rows {
		i := slices.IndexFunc(r.Cells, func(c Cell) bool { return c.Measured != nil && c.Measured.Unofficial })
		if i < 0 || slices.Contains(unofficial, r.DataSet) {
			continue
		}
		unofficial = append(unofficial, r.DataSet)
		files := "files that are not the published ones"
		if r.Cells[i].Measured.throughJPEG {
			files = "CIFAR-10 (JPEG), pictures that went through JPEG once, not the published files"
		}
		t.Notes = append(t.Notes, fmt.Sprintf("Runs on %s read %s; their sums are in the records.", r.DataSet, files))
	}
	for _, r := range t.Rows {
		for _, c := range r.Cells {
			if c.Note != "" {
				t.Notes = append(t.Notes, fmt.Sprintf("%s, %s: %s.", r.Label, strings.ToUpper(c.Aggregator), c.Note))
			}
		}
	}
}
