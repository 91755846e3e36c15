// Package aggtest checks that an aggregation rule keeps the contract of
// agg.Aggregator and has the properties that it claims. A rule's test is one
// call of [Run].
package aggtest

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/bgmd/bgmd/internal/stream"
	"github.com/bgmd/bgmd/pkg/agg"
)

// Properties are what a rule claims beyond the contract.
type Properties struct {
	// Corrupt is how many of 11 rows may be corrupt: the result stays bounded
	// with as many rows of 1e6. At 0 one row of 1e6 must be able to move the
	// result by as much as itself, over n.
	Corrupt int
	// MinRows is the least number of rows that the rule takes, at most 9; 0
	// stands for 1.
	MinRows int
	// Ordered says that the result depends on the order of the rows.
	Ordered bool
	// Translation claims A(G + 1bᵀ) = A(G) + b.
	Translation bool
	// Scale claims A(aG) = aA(G) for a > 0.
	Scale bool
	// Sparse says that the result is zero outside a block of coordinates.
	Sparse bool
	// Tolerance bounds the error of the two claims and of A's invariance to
	// the order of the rows, relative to the result's largest entry.
	Tolerance float64
}

// Run runs the suite on values made by newRule, which must be equal and new.
func Run(t *testing.T, name string, newRule func() agg.Aggregator, props Properties) {
	s := suite{newRule, props}
	t.Run(name, func(t *testing.T) {
		t.Run("named", func(t *testing.T) {
			if newRule().String() == "" {
				t.Error("String is empty")
			}
		})
		t.Run("permutation", s.permutation)
		t.Run("translation", s.translation)
		t.Run("scale", s.scale)
		t.Run("one row", s.oneRow)
		t.Run("outliers", s.outliers)
		t.Run("leaves its arguments alone", s.aliasing)
		t.Run("not finite", s.notFinite)
		t.Run("sizes", s.sizes)
		t.Run("worker counts", s.workers)
		t.Run("changing sizes", s.changingSizes)
		t.Run("state", s.state)
	})
}

type suite struct {
	newRule func() agg.Aggregator
	props   Properties
}

// Random returns an n×d matrix of standard normal entries.
func Random(n, d int, seed uint64) agg.Matrix {
	r := rand.New(rand.NewPCG(seed, 0))
	G := agg.NewMatrix(n, d)
	for i := range G.Data {
		G.Data[i] = float32(r.NormFloat64())
	}
	return G
}

// at is the step of the given number; its stream depends on that number only.
func at(step int) agg.Step {
	return agg.Step{Gamma: 0.25, Rand: stream.Root(1).At(stream.Aggregate, step)}
}

func aggregate(t *testing.T, rule agg.Aggregator, G agg.Matrix, step int) []float32 {
	t.Helper()
	dst := make([]float32, G.Cols)
	if _, err := rule.Aggregate(dst, G, at(step)); err != nil {
		t.Fatalf("Aggregate of %d×%d: %v", G.Rows, G.Cols, err)
	}
	return dst
}

func clone(G agg.Matrix) agg.Matrix {
	G.Data = slices.Clone(G.Data)
	return G
}

func (s suite) near(t *testing.T, got, want []float32) {
	t.Helper()
	var size float64
	for _, v := range want {
		size = max(size, math.Abs(float64(v)))
	}
	for j := range want {
		if gap := math.Abs(float64(got[j]) - float64(want[j])); !(gap <= s.props.Tolerance*size) {
			t.Fatalf("coordinate %d is %v, want %v within %g", j, got[j], want[j], s.props.Tolerance*size)
		}
	}
}
