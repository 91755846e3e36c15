package main

import (
	"errors"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"codeberg.org/sbinet/npyio/npy"
	"gonum.org/v1/gonum/mat"

	"github.com/bgmd/bgmd/pkg/agg"
)

// TestAggregateColumns: a file aggregated in parts gives what it gives at once,
// for every rule that says it can be.
func TestAggregateColumns(t *testing.T) {
	const rows, cols = 5, 103
	rng := rand.New(rand.NewPCG(1, 1))
	G := mat.NewDense(rows, cols, nil)
	G.Apply(func(int, int, float64) float64 { return rng.NormFloat64() }, G)
	path := write(t, G)
	for _, r := range agg.Rules() {
		if !r.Separable {
			continue
		}
		rule, err := agg.New(r.Name, agg.Options{F: 1})
		if err != nil {
			t.Fatal(err)
		}
		want, wantTold, err := aggregation{}.all(rule, nil, path, nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, size := range []int{1, 7 * rows, rows * cols} {
			got, told, err := aggregation{}.columns(rule, path, size)
			if err != nil || !slices.Equal(got, want) {
				t.Errorf("%s: parts of %d: %v, error %v, want %v", r.Name, size, got, err, want)
			}
			if told.Rule != wantTold.Rule || told.N != rows || told.D != cols || !told.double || !slices.Equal(told.Weights, wantTold.Weights) {
				t.Errorf("%s: parts of %d: told %+v, want %+v", r.Name, size, told, wantTold)
			}
		}
	}

	G.Set(3, 40, math.NaN())
	rule, _ := agg.New("cm", agg.Options{})
	_, _, err := aggregation{}.columns(rule, write(t, G), 7*rows)
	if err == nil || !strings.HasSuffix(err.Error(), "g.npy: row 3, column 40 is NaN: --drop-non-finite leaves out such rows") {
		t.Errorf("NaN in row 3, column 40: error %v", err)
	}
}

func write(t *testing.T, G *mat.Dense) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "g.npy")
	file, err := os.Create(path)
	if err == nil {
		err = errors.Join(npy.Write(file, G), file.Close())
	}
	if err != nil {
		t.Fatal(err)
	}
	return path
}
