package aggtest

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/bgmd/bgmd/pkg/agg"
)

func (s suite) permutation(t *testing.T) {
	if s.props.Ordered {
		t.Skip("not claimed")
	}
	G := Random(11, 200, 1)
	shuffled := agg.NewMatrix(G.Rows, G.Cols)
	for i, p := range rand.New(rand.NewPCG(2, 0)).Perm(G.Rows) {
		copy(shuffled.Row(i), G.Row(p))
	}
	s.near(t, aggregate(t, s.newRule(), shuffled, 0), aggregate(t, s.newRule(), G, 0))
}

func (s suite) translation(t *testing.T) {
	if !s.props.Translation {
		t.Skip("not claimed")
	}
	G := Random(10, 200, 3)
	shift := Random(1, 200, 4).Data
	want := aggregate(t, s.newRule(), G, 0)
	for i := range G.Rows {
		for j, b := range shift {
			G.Row(i)[j] += b
		}
	}
	for j, b := range shift {
		want[j] += b
	}
	s.near(t, aggregate(t, s.newRule(), G, 0), want)
}

func (s suite) scale(t *testing.T) {
	if !s.props.Scale {
		t.Skip("not claimed")
	}
	for _, a := range []float32{1e-12, 3, 1e12} {
		G := Random(10, 200, 5)
		want := aggregate(t, s.newRule(), G, 0)
		for i := range G.Data {
			G.Data[i] *= a
		}
		for j := range want {
			want[j] *= a
		}
		s.near(t, aggregate(t, s.newRule(), G, 0), want)
	}
}

func (s suite) oneRow(t *testing.T) {
	if s.props.MinRows > 1 {
		if _, err := s.newRule().Aggregate(make([]float32, 5), Random(1, 5, 6), at(0)); err == nil {
			t.Error("one row: no error")
		}
		return
	}
	G := Random(1, 50, 6)
	kept := 0
	for j, v := range aggregate(t, s.newRule(), G, 0) {
		switch want := G.Data[j]; {
		case v == want:
			kept++
		case !s.props.Sparse || v != 0:
			t.Errorf("coordinate %d of a single row is %v, want %v", j, v, want)
		}
	}
	if kept == 0 {
		t.Error("no coordinate of a single row is kept")
	}
}

// outliers relies on ‖A(G)‖ ≤ 2(n−f)/(n−2f)·max‖gᵢ‖ over the honest rows, which
// holds for the geometric median [Minsker 2015, Lemma 2.1] and leaves room for
// other robust rules.
func (s suite) outliers(t *testing.T) {
	const n, d = 11, 100
	f := max(1, s.props.Corrupt)
	G := Random(n, d, 7)
	honest := 0.0
	for i := range n {
		if i < f {
			for j := range G.Row(i) {
				G.Row(i)[j] = 1e6
			}
			continue
		}
		honest = max(honest, norm(G.Row(i)))
	}
	got := norm(aggregate(t, s.newRule(), G, 0))
	bound := 2 * float64(n-f) / float64(n-2*f) * honest
	if s.props.Corrupt == 0 {
		if got < 1e3*honest {
			t.Errorf("one row of 1e6 moves the result to norm %g only: the breakdown point is not 0", got)
		}
	} else if got > bound {
		t.Errorf("%d of %d rows of 1e6 move the result to norm %g, want at most %g", f, n, got, bound)
	}
}

func norm(x []float32) float64 {
	var sum float64
	for _, v := range x {
		sum += float64(v) * float64(v)
	}
	return math.Sqrt(sum)
}
