// Package paper holds what [bgmd] prints in its Tables 2 and 3, cell by cell,
// and what its first author's public result files hold of the same cells.
//
// The public files are of other conditions than the paper states in three
// places: Table 3's are of LeNet where the paper says MLP, CIFAR-10's of clients
// with the same distribution where it says shards sorted by label, and their
// deviations are over two or three runs, of the population.
//
// [bgmd]: Acharya et al., "Robust Training in High Dimensions via Block
// Coordinate Geometric Median Descent", AISTATS 2022.
package paper

import "fmt"

// Seeds returns the number of runs behind each figure of a table: the 5 that the
// paper states (Section 4), but in Table 3 the two of the public files, since its ±
// is theirs wherever it is 0.05 or more.
func Seeds(table int) int {
	if table == 3 {
		return 2
	}
	return 5
}

// Aggregators lists the columns of both tables, the paper's names in lower case.
func Aggregators() []string { return []string{"sgd", "cmd", "bgmd", "gmd"} }

// Setting is a row's corruption; the zero Setting is none.
type Setting struct {
	Kind       string // what is corrupt: "gradient", "feature" or "label"
	Corruption string // as in configurations: "additive", "bitflip", "impulse", "backdoor"
	Percent    int    // of the clients
}

// String returns the setting as run names have it: "clean", "bitflip20",
// "feature-additive40".
func (s Setting) String() string {
	switch {
	case s == Setting{}:
		return "clean"
	case s.Kind == "feature" && s.Corruption == "additive":
		return fmt.Sprintf("feature-additive%d", s.Percent)
	}
	return fmt.Sprintf("%s%d", s.Corruption, s.Percent)
}

// Label returns the setting for people: "bit flip 20 %".
func (s Setting) Label() string {
	if s == (Setting{}) {
		return "clean"
	}
	name := s.Corruption
	switch s.Corruption {
	case "bitflip":
		name = "bit flip"
	case "additive":
		name = s.Kind + " noise"
	case "impulse":
		name = "impulse noise"
	}
	return fmt.Sprintf("%s %d %%", name, s.Percent)
}

// Row is a row of Table 2 or 3. Paper and Authors are by aggregator.
type Row struct {
	Table   int
	DataSet string // as in configurations
	Setting Setting
	Paper   map[string]Figure
	Authors map[string]Runs // those that there are
}

// Figure is a printed cell: a test accuracy in percent and what stands behind
// its ±, or a dash, which stands for training that diverged. Some that are printed
// are of runs that were lost, too, by the public files of the authors: they ended at
// the tenth that a guess among ten classes gets, or stopped after their first epoch.
type Figure struct {
	Accuracy float64 `json:"accuracy"`
	Spread   float64 `json:"spread"`
	Diverged bool    `json:"diverged"`
	Lost     bool    `json:"lost,omitempty"` // though it is printed
}

// Runs are public results of one cell: final and best test accuracy in percent,
// means over N runs, and the deviation of the final ones.
type Runs struct {
	N         int     `json:"n"`
	Accuracy  float64 `json:"accuracy"`
	Deviation float64 `json:"deviation"`
	Best      float64 `json:"best"`
	Diverged  bool    `json:"diverged"`
}

// Epochs returns the number of epochs behind the rows of a data set, 0 if the
// paper has none: those that the paper gives for its own protocol, the profile
// "paper", and those of the public files for others. MNIST's are always the files',
// since the paper gives none.
func Epochs(dataSet, profile string) int {
	if dataSet == "cifar-10" && profile != "paper" {
		return 100
	}
	return map[string]int{"fashion-mnist": 50, "cifar-10": 200, "mnist": 10}[dataSet]
}

// Model returns the architecture that the paper names for a data set, as
// configurations have it.
func Model(dataSet string) string {
	return map[string]string{"fashion-mnist": "lenet", "cifar-10": "resnet18", "mnist": "mlp"}[dataSet]
}

// Rows returns the rows of a table, 2 or 3, in its order.
func Rows(table int) []Row {
	var rows []Row
	for _, r := range printed {
		if r.table == table {
			rows = append(rows, Row{r.table, r.dataSet, r.setting, byAggregator(r.paper), known(r.authors)})
		}
	}
	return rows
}

func byAggregator[T any](cells [4]T) map[string]T {
	m := map[string]T{}
	for i, name := range Aggregators() {
		m[name] = cells[i]
	}
	return m
}

// known drops the cells that the public files do not have.
func known(cells [4]Runs) map[string]Runs {
	m := byAggregator(cells)
	for name, r := range m {
		if r.N == 0 {
			delete(m, name)
		}
	}
	return m
}
