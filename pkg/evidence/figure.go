package evidence

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"github.com/bgmd/bgmd/pkg/train/record"
)

// Curves are the runs of one setting, trained for equally many epochs and
// differing in their seeds alone, of each aggregator that has any.
type Curves struct {
	Setting string
	Epochs  int
	Runs    map[string][]*record.Run // by aggregator
}

// Panels picks from the runs of one profile, data set and model those of the
// given settings, in their order. All are of one number of epochs: that with
// runs of the most aggregators and settings, of equals the largest.
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
// runs of both GMD and BGMD.
func Races(runs []*record.Run, profile, dataSet, model string) ([]Race, error) {
	type key struct {
		setting, solver string
		epochs          int
	}
	pairs := map[key]*[2][]*record.Run{}
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
			pairs[k] = new([2][]*record.Run)
		}
		pairs[k][column] = append(pairs[k][column], run)
	}
	var races []Race
	for k, pair := range pairs {
		if pair[0] == nil || pair[1] == nil {
			continue
		}
		r := Race{Setting: k.setting, Solver: k.solver, Epochs: k.epochs, Accuracy: 100}
		for _, run := range append(slices.Clone(pair[0]), pair[1]...) {
			r.Accuracy = min(r.Accuracy, float64(run.Summary.BestTestAccuracy))
		}
		r.GMD, r.BGMD = reach(pair[0], r.Accuracy), reach(pair[1], r.Accuracy)
		races = append(races, r)
	}
	slices.SortFunc(races, func(a, b Race) int {
		return cmp.Or(cmp.Compare(a.Setting, b.Setting), cmp.Compare(a.Solver, b.Solver), cmp.Compare(a.Epochs, b.Epochs))
	})
	return races, errors.Join(errs...)
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
