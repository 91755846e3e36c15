package agg

import (
	"errors"
	"math"
	"testing"
)

// TestKnownMedians holds every solver to medians known in closed form.
func TestKnownMedians(t *testing.T) {
	corner := float32((3 - math.Sqrt(3)) / 6)
	for name, c := range map[string]struct {
		points []float32
		want   [2]float32
	}{
		// All pairs of edges are seen under 120° [Torricelli].
		"Fermat point of a right triangle": {[]float32{0, 0, 1, 0, 0, 1}, [2]float32{corner, corner}},
		// The crossing of the diagonals [Fagnano 1775].
		"convex quadrilateral":          {[]float32{0, 0, 3, 3, 0, 2, 2, 0}, [2]float32{1, 1}},
		"median of five points, a line": {[]float32{0, 0, 1, 1, 2, 2, 3, 3, 4, 4}, [2]float32{2, 2}},
		"one point":                     {[]float32{5, 6}, [2]float32{5, 6}},
		"two points":                    {[]float32{0, 0, 2, 4}, [2]float32{1, 2}},
		"four equal points":             {[]float32{7, 8, 7, 8, 7, 8, 7, 8}, [2]float32{7, 8}},
	} {
		G := Matrix{Data: c.points, Rows: len(c.points) / 2, Cols: 2}
		for _, solver := range Solvers() {
			dst := make([]float32, 2)
			stats, err := must(New("gm", Options{Solver: solver})).Aggregate(dst, G, Step{})
			if err != nil {
				t.Fatal(err)
			}
			if math.Abs(float64(dst[0]-c.want[0])) > 1e-5 || math.Abs(float64(dst[1]-c.want[1])) > 1e-5 {
				t.Errorf("%s: %s: %v, want %v", name, solver, dst, c.want)
			}
			if !stats.GM.Converged {
				t.Errorf("%s: %s: %+v", name, solver, *stats.GM)
			}
		}
	}
}

// TestLeavingADataPoint starts the textbook solvers at a row that equals the
// mean, exactly because n is a power of two, but is not the median: the row at
// (12, 0) pulls with 1 to the right, the six at (−2, ±a) with 2/√(4+a²) each to
// the left, in sum more than the 1 that would hold y there.
func TestLeavingADataPoint(t *testing.T) {
	G := Matrix{Data: []float32{0, 0, 12, 0, -2, 1, -2, -1, -2, 2, -2, -2, -2, 3, -2, -3}, Rows: 8, Cols: 2}
	pull := 2*(2/math.Sqrt(5)+2/math.Sqrt(8)+2/math.Sqrt(13)) - 1
	dst := make([]float32, 2)
	stats, err := must(New("gm", Options{Solver: "weiszfeld"})).Aggregate(dst, G, Step{})
	if err != nil || stats.GM.Converged || math.Abs(stats.GM.Residual-(pull-1)/8) > 1e-12 {
		t.Errorf("weiszfeld: %+v, error %v, want it stuck with residual %v", *stats.GM, err, (pull-1)/8)
	}
	want := referenceMedian(rowsOf(G))
	for _, solver := range []string{"vardi-zhang", "gram"} {
		stats, err := must(New("gm", Options{Solver: solver})).Aggregate(dst, G, Step{})
		if gap := distance(want, toFloat64(dst)); err != nil || !stats.GM.Converged || gap > 1e-5 {
			t.Errorf("%s: off by %g, %+v, error %v", solver, gap, *stats.GM, err)
		}
	}
}

// authorsMedian is the solver of [bgmd]'s authors in float64: it looks at fewer than
// maxIter iterates, of which the mean is the first, and returns the one from which
// the next is nearer than eps, or zeros. No row may equal an iterate. It returns how
// many steps lead to the result.
func authorsMedian(rows [][]float64, eps float64, maxIter int) (y []float64, steps int) {
	n, d := float64(len(rows)), len(rows[0])
	y = make([]float64, d)
	for _, row := range rows {
		for j, v := range row {
			y[j] += v / n
		}
	}
	for steps = range maxIter - 1 {
		next, weight := make([]float64, d), 0.0
		for _, row := range rows {
			w := 1 / distance(y, row)
			weight += w
			for j, v := range row {
				next[j] += w * v
			}
		}
		for j := range next {
			next[j] /= weight
		}
		if distance(next, y) < eps {
			return y, steps
		}
		y = next
	}
	return make([]float64, d), maxIter - 1
}

func TestStopAtStepIsTheAuthors(t *testing.T) {
	G := rows(10, 400, 1, 1, 3, 20, 21)
	for _, solver := range []string{"weiszfeld", "vardi-zhang"} {
		for _, maxIter := range []int{50, 10, 9, 4, 1} {
			for _, gamma := range []float64{1, 1e-3} { // it is no matter of the step size
				want, steps := authorsMedian(rowsOf(G), 1e-5, maxIter)
				rule := must(New("gm", Options{Solver: solver, Stop: "step", OnFail: "zero", MaxIter: maxIter}))
				dst := make([]float32, G.Cols)
				stats, err := rule.Aggregate(dst, G, Step{Gamma: gamma})
				if err != nil {
					t.Fatal(err)
				}
				if gap := distance(want, toFloat64(dst)); gap > 1e-6*(1+norm(want)) {
					t.Errorf("%v: off the authors' by %g", rule, gap)
				}
				if stats.GM.Iterations != steps || stats.GM.Converged != (maxIter > 9) {
					t.Errorf("%v: %+v, want %d iterations", rule, *stats.GM, steps)
				}
				if (stats.Weights == nil) != (maxIter <= 9) {
					t.Errorf("%v: weights %v", rule, stats.Weights)
				}
			}
		}
	}
}

// TestStopAtStepByHand has rows 0, 1, 5 on a line: the mean is 2, from which
// Weiszfeld's step leads to (0/2 + 1/1 + 5/3)/(1/2 + 1/1 + 1/3) = 16/11, and from
// there to (1·11/5 + 5·11/39)/(11/16 + 11/5 + 11/39) = 1.1390432. The steps are
// 0.545 and 0.315 long, the next is 0.112.
func TestStopAtStepByHand(t *testing.T) {
	G := Matrix{Data: []float32{0, 1, 5}, Rows: 3, Cols: 1}
	for _, c := range []struct {
		eps     float64
		maxIter int
		want    float32
	}{
		{0.6, 50, 2},         // the first step is short enough: the mean is the result
		{0.5, 50, 16. / 11},  // the second is
		{0.2, 50, 1.1390432}, // the third is
		{0.6, 2, 2},          // one step may be tried
		{0.5, 2, 0},          // and was too long: zero
		{0.5, 3, 16. / 11},   // two may
		{0.6, 1, 0},          // none may
		{1e-5, 4, 0},
	} {
		rule := must(New("gm", Options{Solver: "vardi-zhang", Stop: "step", OnFail: "zero", Eps: c.eps, MaxIter: c.maxIter}))
		var dst [1]float32
		if must(rule.Aggregate(dst[:], G, Step{Gamma: 0.01})); math.Abs(float64(dst[0]-c.want)) > 1e-6 {
			t.Errorf("%v: %v, want %v", rule, dst[0], c.want)
		}
	}
}

// TestResidualIsThatOfTheResult recomputes the certificate from the weights.
func TestResidualIsThatOfTheResult(t *testing.T) {
	G := rows(10, 400, 1, 1, 3, 20, 23)
	for _, solver := range Solvers() {
		for _, maxIter := range []int{1, 2, 100} {
			dst := make([]float32, G.Cols)
			stats, err := must(New("gm", Options{Solver: solver, MaxIter: maxIter})).Aggregate(dst, G, Step{})
			if err != nil {
				t.Fatal(err)
			}
			y, pull := make([]float64, G.Cols), make([]float64, G.Cols)
			for i, w := range stats.Weights {
				for j, v := range G.Row(i) {
					y[j] += w * float64(v)
				}
			}
			for _, row := range rowsOf(G) {
				dist := distance(y, row)
				for j, v := range row {
					pull[j] += (v - y[j]) / dist
				}
			}
			if got := norm(pull) / float64(G.Rows); math.Abs(got-stats.GM.Residual) > 2e-8 {
				t.Errorf("%s, %d iterations: residual %.3e, recomputed %.3e", solver, maxIter, stats.GM.Residual, got)
			}
		}
	}
}

// TestResidualIsAtMostOne comes ever closer to a median that is a row: y is 1e-10
// beside 1e6 away from it, where the residual computed was 699051 once, and 40.
func TestResidualIsAtMostOne(t *testing.T) {
	for _, last := range [][]float32{{1e6, 1}, {1e6, 0, 1e6, 1}} {
		G := Matrix{Data: append([]float32{1e6, 0, 1e6, 0}, last...), Cols: 2, Rows: 2 + len(last)/2}
		for _, solver := range Solvers() {
			for maxIter := 1; maxIter < 500; maxIter += 7 {
				rule := must(New("gm", Options{Solver: solver, MaxIter: maxIter, Eps: 1e-12}))
				stats, err := rule.Aggregate(make([]float32, 2), G, Step{})
				if err != nil || !(0 <= stats.GM.Residual && stats.GM.Residual <= 1) {
					t.Fatalf("%s, %d iterations: residual %g, %v", solver, maxIter, stats.GM.Residual, err)
				}
			}
		}
	}
}

func TestNotFiniteNamesTheRow(t *testing.T) {
	G := rows(8, 10, 1, 1, 0, 0, 1)
	G.Row(3)[7] = float32(math.Inf(-1))
	for _, name := range Names() {
		_, err := must(New(name, someOptions[name])).Aggregate(make([]float32, 10), G, Step{})
		want := `agg: rule "` + name + `": row 3 of G has -Inf in column 7: not finite`
		if !errors.Is(err, ErrNotFinite) || err.Error() != want {
			t.Errorf("error %v, want %s", err, want)
		}
	}
}
