package main

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

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
		if !r.Traits().Separable {
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

// TestTallMatrix: a matrix of more rows than a rule can compare is refused as data.
func TestTallMatrix(t *testing.T) {
	path := write(t, mat.NewDense(20_000, 2, nil))
	a := aggregation{Chain: agg.Chain{Rule: "krum"}, options: []string{"f=1"}, block: 1}
	rule, err := a.build()
	if err != nil {
		t.Fatal(err)
	}
	_, _, err = a.all(rule, nil, path, nil)
	want := "g.npy: agg: rule \"krum\": 20000 rows (clients) of 2: transposed? all pairs of rows are compared, want at most 10000"
	if err == nil || !strings.HasSuffix(err.Error(), want) || !isInputError(err) {
		t.Errorf("error is %v, want %s", err, want)
	}
}

// write writes a matrix of float64 as numpy.save does.
func write(t *testing.T, G *mat.Dense) string {
	t.Helper()
	rows, cols := G.Dims()
	header := fmt.Sprintf("{'descr': '<f8', 'fortran_order': False, 'shape': (%d, %d), }\n", rows, cols)
	b := append([]byte("\x93NUMPY\x01\x00"), byte(len(header)), 0)
	b = append(b, header...)
	for _, v := range G.RawMatrix().Data {
		b = binary.LittleEndian.AppendUint64(b, math.Float64bits(v))
	}
	path := filepath.Join(t.TempDir(), "g.npy")
	if err := os.WriteFile(path, b, 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}
