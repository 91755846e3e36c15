package breakdown

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strconv"

	"github.com/bgmd/bgmd/internal/printable"
	"github.com/bgmd/bgmd/internal/safefile"
	"github.com/bgmd/bgmd/internal/table"
	"github.com/bgmd/bgmd/pkg/agg"
	"github.com/bgmd/bgmd/pkg/bench"
)

// The paper's experiments have 32 clients, of which 40 % are corrupt at most.
const paperClients, paperCorrupt = 32, 12

// shifted is the distance from which on a result counts as broken: twice an honest
// row's own distance to the honest mean.
const shifted = 2

// Table1Files returns the files below a folder of results that [Table1] reads: what
// 'bgmd bench agg --json' and 'bgmd breakdown' have written.
func Table1Files(results string) (times, points string) {
	return filepath.Join(results, "aggregation", "rules.json"), filepath.Join(results, "breakdown", FileName)
}

// Table1 is [bgmd, Table 1], asymptotic costs and breakdown points, with what was
// measured beside it, for every rule. Its errors are about the files.
func Table1(results string) (table.Table, error) {
	timesFile, pointsFile := Table1Files(results)
	times, err := readTimes(timesFile)
	if err != nil {
		return table.Table{}, err
	}
	points, err := Read(pointsFile)
	if errors.As(err, new(*fs.PathError)) {
		err = fmt.Errorf("no breakdown curves ('bgmd breakdown --out' makes them): %w", err)
	}
	if err != nil {
		return table.Table{}, err
	}
	t := table.Table{
		Title: fmt.Sprintf("Table 1 as measured: %d rows of %d coordinates, %d cores", times.N, times.D, times.Cores),
		Head:  []string{"rule", "cost", "ms", "/ mean", "breakdown point", "corrupt rows stood", "furthest at 12"},
		Align: "llrrlrl",
		Note: fmt.Sprintf("Costs and breakdown points are asymptotic, from 'bgmd rules'. Stood is the largest number of %d rows that, "+
			"corrupt in any of the ways of 'bgmd breakdown', leave the result within %d times an honest row's distance to the honest mean; "+
			"furthest at 12 is the longest such distance with 12 corrupt rows, and the attack. One call each: what an attacker makes of a memory in many calls is not in it.", paperClients, shifted),
	}
	stands := standing(points)
	add := func(name, cost, breakdown string) {
		var ms, ratio, most, furthest string
		if m, ok := times.Of(name); ok {
			ms, ratio = fmt.Sprintf("%.1f", m.MS), fmt.Sprintf("%.1f", m.ToMean)
		}
		if s := stands[name]; s != nil {
			most, furthest = strconv.Itoa(s.most), fmt.Sprintf("%.2f (%s)", s.furthest, printable.Text(s.by))
		}
		t.Rows = append(t.Rows, []string{name, cost, ms, ratio, breakdown, most, furthest})
	}
	for _, r := range agg.Rules() {
		add(r.Name, r.Cost, r.Breakdown)
		if r.Name == "gm" {
			add(block, "O(nd + n²k)", "1/2 in one call")
		}
	}
	return t, nil
}

func readTimes(path string) (bench.AggResult, error) {
	var r bench.AggResult
	data, err := safefile.ReadFile(path)
	if err != nil {
		return r, fmt.Errorf("no times ('bgmd bench agg --json' makes them): %w", err)
	}
	if err := json.Unmarshal(data, &r); err != nil {
		return r, fmt.Errorf("%s: %w", path, err)
	}
	return r, nil
}

// stand is what corrupt rows did to a rule.
type stand struct {
	most     int     // rows that it stood, under all attacks
	furthest float64 // distance with paperCorrupt corrupt rows
	by       string  // the attack of furthest
}

// standing returns how every rule among the points fared.
func standing(points []Point) map[string]*stand {
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
		if p.Corrupt == paperCorrupt && p.Max > s.furthest {
			s.furthest, s.by = p.Max, p.Attack
		}
	}
	return stands
}
