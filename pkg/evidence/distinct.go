package evidence

import (
	"errors"
	"fmt"
	"slices"

	"github.com/bgmd/bgmd/internal/printable"
	"github.com/bgmd/bgmd/pkg/record"
)

// Distinct returns one run of each configuration and seed, in the order given: a copy is
// no second measurement. Of several runs it keeps the ended one that was begun last. If
// none has ended, it keeps the one with the most epochs. Of equals it keeps the first.
// The error names the runs left out, and says which of them have other metrics than the
// run kept: training is deterministic. Runs whose configuration cannot be read are kept.
func Distinct(runs []*record.Run) ([]*record.Run, error) {
	kept, repeats := distinct(runs)
	var errs []error
	for _, r := range repeats {
		errs = append(errs, r)
	}
	return kept, errors.Join(errs...)
}

// repeat is the error of a run that has the configuration and seed of another.
type repeat struct {
	run  *record.Run
	text string
}

func (r *repeat) Error() string { return "evidence: " + r.text }

// distinct does the work of [Distinct].
func distinct(runs []*record.Run) (kept []*record.Run, repeats []*repeat) {
	type identity struct {
		variant string
		seed    uint64
	}
	best := map[identity]*record.Run{}
	of := make([]identity, len(runs))
	for i, run := range runs {
		f, err := FactsOf(run)
		if err != nil {
			f.variant = fmt.Sprint("unknown ", i)
		}
		id := identity{f.variant, f.Seed}
		of[i] = id
		if b := best[id]; b == nil || further(run, b) {
			best[id] = run
		}
	}
	for i, run := range runs {
		if b := best[of[i]]; run == b {
			kept = append(kept, run)
		} else {
			repeats = append(repeats, &repeat{run, compare(run, b)})
		}
	}
	return kept, repeats
}

// further tells whether a has come further than b or, if both have ended, was begun
// later: by a newer build, as a rule.
func further(a, b *record.Run) bool {
	ended := a.Status().Final()
	switch {
	case ended != b.Status().Final():
		return ended
	case ended:
		return a.Environment.Start.After(b.Environment.Start)
	}
	return len(a.Epochs) > len(b.Epochs)
}

// compare says how a run differs from the one shown in its place.
func compare(run, shown *record.Run) string {
	epochs := shown.Epochs
	if !run.Status().Final() { // compare the epochs that both have
		epochs = epochs[:min(len(run.Epochs), len(epochs))]
	}
	ours, theirs := record.Digest(run.Epochs), record.Digest(epochs)
	if ours == theirs {
		return fmt.Sprintf("%s repeats %s: the same configuration, seed and metrics", printable.Text(run.Dir), printable.Text(shown.Dir))
	}
	return fmt.Sprintf("%s has the configuration and seed of %s, which is shown, but other metrics (digest %.8s, not %.8s): %s",
		printable.Text(run.Dir), printable.Text(shown.Dir), ours, theirs, apart(run.Environment, shown.Environment))
}

// apart says why two runs of one configuration and seed may differ.
func apart(a, b record.Environment) string {
	sums := func(e record.Environment) []string {
		var all []string
		for _, f := range e.DataFiles {
			all = append(all, f.MD5)
		}
		if e.Initial != nil {
			all = append(all, e.Initial.MD5)
		}
		return all
	}
	switch {
	case !slices.Equal(sums(a), sums(b)):
		return "they read different files"
	case a.Backend != b.Backend:
		return printable.Text(fmt.Sprintf("its backend is %s, not %s, which rounds otherwise", a.Backend, b.Backend))
	case a.Version != b.Version || a.Commit != b.Commit || a.Modified || b.Modified:
		return "they are of different builds of the program"
	}
	return "they should be equal"
}
