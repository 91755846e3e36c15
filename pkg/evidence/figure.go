package evidence

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"github.com/bgmd/bgmd/internal/printable"
	"github.com/bgmd/bgmd/pkg/record"
)

// Curves are the runs of one setting, trained for equally many epochs and
// differing in their seeds alone, of each aggregator that has any.
type Curves struct {
	Setting string
	Epochs  int
	Runs    map[string][]*record.Run // by aggregator
}

// Panels picks the runs of the given settings, in their order, from the runs of one
// profile, data set and model. All have the same number of epochs: the one for which the
// most aggregators and settings have runs, of equals the largest.
func Panels(runs []*record.Run, profile, dataSet, model string, settings []string) ([]Curves, error) {
	groups, err := collect(runs, profile)
	var fitting []cellKey
	count := map[int]int{}
	for _, k := range keys(groups) {
		if k.dataSet == dataSet && k.model == model && slices.Contains(settings, k.setting) && len(groups[k].variants) > 0 {
			fitting = append(fitting, k)
			count[k.epochs]++
		}
	}
	if fitting == nil {
		return nil, errors.Join(err, fmt.Errorf("evidence: found no run that ended of %s on %s, profile %s, in any of the settings %q", model, dataSet, profile, settings))
	}
	epochs := 0
	for e, n := range count {
		if n > count[epochs] || n == count[epochs] && e > epochs {
			epochs = e
		}
	}
	var panels []Curves
	for _, setting := range settings {
		c := Curves{Setting: setting, Epochs: epochs, Runs: map[string][]*record.Run{}}
		for _, k := range fitting {
			if k.setting == setting && k.epochs == epochs {
				c.Runs[k.aggregator], _ = groups[k].main()
			}
		}
		panels = append(panels, c)
	}
	return panels, err
}

// Race compares how long GMD and BGMD took to the best accuracy that all runs of
// both reached, in seconds, means over the seeds.
type Race struct {
	Setting  string
	Solver   string // of the geometric median
	Epochs   int
	Accuracy float64
	GMD      Lap
	BGMD     Lap
}

// Lap is the time until an accuracy was reached.
type Lap struct {
	Total     float64 // wall-clock
	Gradient  float64 // of it in the clients' gradients
	Aggregate float64 // of it in aggregation
}

// Races finds every setting, solver and number of epochs for which there are
// finished runs of both GMD and BGMD. The error names the runs left out because they
// cannot be read, repeat others, or are set up otherwise than most of their kind.
func Races(runs []*record.Run, profile, dataSet, model string) ([]Race, error) {
	type key struct {
		setting, solver string
		epochs          int
	}
	pairs := map[key]*[2]group{}
	kept, repeats := Distinct(runs)
	errs := []error{repeats}
	for _, run := range kept {
		f, err := FactsOf(run)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		column := slices.Index([]string{"gmd", "bgmd"}, f.Aggregator)
		if column < 0 || f.Profile != profile || f.DataSet != dataSet || f.Model != model || run.Status() != record.Finished {
			continue
		}
		k := key{f.Setting, f.Solver, f.Epochs}
		if pairs[k] == nil {
			pairs[k] = new([2]group)
		}
		pairs[k][column].add(f.variant, run)
	}
	var races []Race
	for k, pair := range pairs {
		gmd, others := pair[0].main()
		bgmd, more := pair[1].main()
		if gmd == nil || bgmd == nil {
			continue
		}
		errs = append(errs, otherwise(gmd, others), otherwise(bgmd, more))
		r := Race{Setting: k.setting, Solver: k.solver, Epochs: k.epochs, Accuracy: 100}
		for _, run := range append(slices.Clone(gmd), bgmd...) {
			r.Accuracy = min(r.Accuracy, float64(run.Summary.BestTestAccuracy))
		}
		r.GMD, r.BGMD = reach(gmd, r.Accuracy), reach(bgmd, r.Accuracy)
		races = append(races, r)
	}
	slices.SortFunc(races, func(a, b Race) int {
		return cmp.Or(cmp.Compare(a.Setting, b.Setting), cmp.Compare(a.Solver, b.Solver), cmp.Compare(a.Epochs, b.Epochs))
	})
	return races, errors.Join(errs...)
}

// otherwise names the runs that differ from those shown in more than their seeds.
func otherwise(shown []*record.Run, others [][]*record.Run) error {
	var errs []error
	for _, runs := range others {
		for _, r := range runs {
			errs = append(errs, fmt.Errorf("evidence: %s is set up otherwise than %s, which is shown", printable.Text(r.Dir), printable.Text(shown[0].Dir)))
		}
	}
	return errors.Join(errs...)
}

// reach averages the time that runs took to an accuracy which all reached.
func reach(runs []*record.Run, accuracy float64) Lap {
	var mean Lap
	n := float64(len(runs))
	for _, run := range runs {
		var s record.Seconds
		for _, e := range run.Epochs {
			s = s.Add(e.Seconds)
			if float64(e.TestAccuracy) >= accuracy {
				mean.Total += e.Elapsed / n
				break
			}
		}
		mean.Gradient += s.Gradient / n
		mean.Aggregate += s.Aggregate / n
	}
	return mean
}

// Blocks are finished clean runs of BGMD that differ in their seeds alone.
type Blocks struct {
	Epochs int
	Memory string
	Beta   float64
	Runs   []*record.Run
}

// Accuracy returns the mean final test accuracy in percent.
func (b Blocks) Accuracy() float64 {
	mean := 0.0
	for _, r := range b.Runs {
		mean += float64(r.Summary.FinalTestAccuracy) / float64(len(b.Runs))
	}
	return mean
}

// ByBlock returns the finished clean runs of BGMD of one profile, data set and model, by
// memory and β. It takes those with the number of epochs that most of them have. Its
// error names the runs left out, as that of [Races] does.
func ByBlock(runs []*record.Run, profile, dataSet, model string) ([]Blocks, error) {
	kept, repeats := Distinct(runs)
	errs := []error{repeats}
	groups := map[Facts]*group{}
	for _, run := range kept {
		f, err := FactsOf(run)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		if f.Aggregator != "bgmd" || f.Setting != "clean" || f.DataSet != dataSet || f.Model != model || f.Profile != profile || run.Status() != record.Finished {
			continue
		}
		k := Facts{Epochs: f.Epochs, Memory: f.Memory, Beta: f.Beta}
		if groups[k] == nil {
			groups[k] = &group{}
		}
		groups[k].add(f.variant, run)
	}
	most, count := 0, map[int]int{}
	for k := range groups {
		count[k.Epochs]++
	}
	for e, n := range count {
		if n > count[most] || n == count[most] && e > most {
			most = e
		}
	}
	var found []Blocks
	for k, g := range groups {
		if k.Epochs == most {
			chosen, others := g.main()
			found = append(found, Blocks{k.Epochs, k.Memory, k.Beta, chosen})
			errs = append(errs, otherwise(chosen, others))
		}
	}
	slices.SortFunc(found, func(a, b Blocks) int {
		return cmp.Or(cmp.Compare(a.Memory, b.Memory), cmp.Compare(a.Beta, b.Beta))
	})
	return found, errors.Join(errs...)
}
