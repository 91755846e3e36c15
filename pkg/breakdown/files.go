package breakdown

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/bgmd/bgmd/internal/safefile"
)

// FileName is the file of points in the folder that [Experiment.Write] writes.
const FileName = "breakdown.csv"

// Write writes the points, a plot of them an attack (ATTACK.png) and [ToyPlot]
// (toy.png) to a folder, and returns the paths of the files that it has written.
func (e Experiment) Write(dir string, points []Point) (paths []string, err error) {
	if err := safefile.MkdirAll(dir); err != nil {
		return nil, err
	}
	table := filepath.Join(dir, FileName)
	if err := safefile.Write(table, encode(points)); err != nil {
		return nil, err
	}
	paths = []string{table}
	for _, attack := range e.Attacks {
		plot, err := e.plot(attack, points)
		if err != nil {
			return paths, err
		}
		path := filepath.Join(dir, attack+".png")
		if err := plot.Save(path); err != nil {
			return paths, err
		}
		paths = append(paths, path)
	}
	toy, err := ToyPlot()
	if err != nil {
		return paths, err
	}
	path := filepath.Join(dir, "toy.png")
	if err := toy.Save(path); err != nil {
		return paths, err
	}
	return append(paths, path), nil
}

var columns = []string{"attack", "rule", "n", "d", "corrupt", "told", "fraction", "distance_mean", "distance_max"}

// encode returns points as CSV.
func encode(points []Point) []byte {
	rows := [][]string{columns}
	number := func(x float64) string { return strconv.FormatFloat(x, 'g', 6, 64) }
	for _, p := range points {
		rows = append(rows, []string{p.Attack, p.Rule, strconv.Itoa(p.N), strconv.Itoa(p.D), strconv.Itoa(p.Corrupt), strconv.Itoa(p.Told),
			number(float64(p.Corrupt) / float64(p.N)), number(p.Mean), number(p.Max)})
	}
	var b bytes.Buffer
	_ = csv.NewWriter(&b).WriteAll(rows) // to memory
	return b.Bytes()
}

// Read reads the points that [Experiment.Write] has written to a file. Names are as the
// file has them.
func Read(path string) ([]Point, error) {
	data, err := safefile.ReadFile(path)
	if err != nil {
		return nil, err
	}
	lines, err := csv.NewReader(bytes.NewReader(data)).ReadAll()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if len(lines) == 0 || !slices.Equal(lines[0], columns) {
		return nil, fmt.Errorf("%s, line 1: want the columns %s", path, strings.Join(columns, ","))
	}
	points := make([]Point, len(lines)-1)
	for i, line := range lines[1:] {
		if err := points[i].parse(line); err != nil {
			return nil, fmt.Errorf("%s, line %d: %w", path, i+2, err)
		}
	}
	return points, nil
}

// parse reads a line of columns. The share of corrupt rows follows from their number.
func (p *Point) parse(line []string) error {
	cell := map[string]string{}
	for i, name := range columns {
		cell[name] = line[i]
	}
	p.Attack, p.Rule = cell["attack"], cell["rule"]
	var errs []error
	count := func(name string) int {
		n, err := strconv.Atoi(cell[name])
		errs = append(errs, err)
		return n
	}
	number := func(name string) float64 {
		x, err := strconv.ParseFloat(cell[name], 64)
		errs = append(errs, err)
		return x
	}
	p.N, p.D, p.Corrupt, p.Told = count("n"), count("d"), count("corrupt"), count("told")
	p.Mean, p.Max = number("distance_mean"), number("distance_max")
	return errors.Join(errs...)
}
