package agg

import (
	"math"
	"testing"
)

func duplicate(G Matrix, from, to int) { copy(G.Row(to), G.Row(from)) }

// TestGMMatchesReference holds every solver to 1e-6 of the reference,
// relative to the median's norm, on the cases in which Gram matrices are known
// to lose digits.
func TestGMMatchesReference(t *testing.T) {
	star := NewMatrix(5, 2) // the first row is the median: pulls cancel there
	copy(star.Data, []float32{3, 4, 4, 4, 2, 4, 3, 9, 3, -1})
	majority := rows(9, 300, 1, 1, 4, 1e3, 7)
	for i := 5; i < 9; i++ {
		duplicate(majority, 4, i)
	}
	pairs := rows(12, 300, 1, 1, 0, 0, 8)
	for i := 6; i < 12; i++ {
		duplicate(pairs, i-6, i)
	}
	same := rows(32, 9_000, 1, 1, 12, 1e4, 9)
	for i := 1; i < 12; i++ {
		duplicate(same, 0, i)
	}
	barely := NewMatrix(4, 2) // row 0 is not the median, but R/m is 1.03
	copy(barely.Data, []float32{0, 0, 1, 0.15, -1, 0.15, 0.7, 1})
	for name, G := range map[string]Matrix{
		"plain":                         rows(10, 500, 0, 1, 0, 0, 1),
		"plain, fast path":              rows(32, 9_000, 0, 1, 0, 0, 2),
		"corrupt rows of 1e4":           rows(32, 9_000, 1e-3, 1e-3, 12, 1e4, 3),
		"corrupt rows of 1e8":           rows(32, 9_000, 0, 1e-3, 12, 1e8, 4),
		"corrupt rows of 1e8, small d":  rows(11, 50, 0, 1e-3, 5, 1e8, 4),
		"corrupt rows of 1e18":          rows(11, 1000, 0, 1, 4, 1e18, 5),
		"corrupt rows of 1e38":          rows(11, 1000, 0, 1, 4, 5e37, 5),
		"all rows of 1e19":              rows(11, 1000, 1e19, 1e19, 0, 0, 5),
		"all rows of 1e-25":             rows(11, 1000, 1e-25, 1e-25, 0, 0, 5),
		"common part 1e2 times spread":  rows(32, 9_000, 1, 1e-2, 0, 0, 6),
		"common part 1e4 times spread":  rows(32, 9_000, 1, 1e-4, 0, 0, 6),
		"common part, corrupt, small d": rows(15, 40, 1, 1e-4, 6, 1e8, 6),
		"a data point is the median":    star,
		"a majority of duplicates":      majority,
		"every row twice":               pairs,
		"corrupt duplicates":            same,
		"almost a data point":           barely,
		"three points in the plane":     rows(3, 2, 0, 1, 0, 0, 12),
		"one zero row among small ones": {Data: append(make([]float32, 40), rows(6, 40, 1, 1, 0, 0, 3).Data...), Rows: 7, Cols: 40},
		"all zero":                      NewMatrix(5, 7),
		"many rows in three columns":    rows(200, 3, 0, 1, 0, 0, 13),
	} {
		want := referenceMedian(rowsOf(G))
		for _, o := range []Options{{}, {Solver: "weiszfeld", Eps: 1e-9, MaxIter: 1000}, {Solver: "vardi-zhang", Eps: 1e-9, MaxIter: 1000}} {
			rule := must(New("gm", o))
			t.Run(name+"/"+rule.String(), func(t *testing.T) {
				dst := make([]float32, G.Cols)
				stats, err := rule.Aggregate(dst, G, Step{})
				if err != nil {
					t.Fatal(err)
				}
				gap := distance(want, toFloat64(dst)) / max(norm(want), math.SmallestNonzeroFloat64)
				if !(gap <= 1e-6) {
					t.Errorf("relative error %.2e, want at most 1e-6", gap)
				}
				// The textbook solvers creep up to a data point and never arrive.
				if creeps := o.Solver != "" && &G.Data[0] == &star.Data[0]; !creeps && (!stats.GM.Converged || stats.GM.Residual > 1e-8) {
					t.Errorf("certificate %+v, want converged to 1e-8", *stats.GM)
				}
				checkWeights(t, stats.Weights, dst, G)
			})
		}
	}
}

// TestGramSmallConfigurations compares the objective on points of a small grid,
// where duplicates, lines and medians at data points abound.
func TestGramSmallConfigurations(t *testing.T) {
	r := newRand(1)
	for range 1000 {
		G := NewMatrix(1+r.IntN(8), 1+r.IntN(3))
		for i := range G.Data {
			G.Data[i] = float32(r.IntN(4))
		}
		points := rowsOf(G)
		// Not unique on a line, so that only the objective can be compared.
		want := sumOfDistances(referenceMedian(points), points)
		dst := make([]float32, G.Cols)
		stats, err := must(New("gm", Options{})).Aggregate(dst, G, Step{})
		if err != nil || !stats.GM.Converged {
			t.Fatalf("rows %v: %+v, error %v", points, stats.GM, err)
		}
		y := make([]float64, G.Cols) // before rounding to float32
		for i, w := range stats.Weights {
			for j, v := range points[i] {
				y[j] += w * v
			}
		}
		if got := sumOfDistances(y, points); got > want+1e-9*(1+want) {
			t.Fatalf("rows %v: objective %.12f, want %.12f", points, got, want)
		}
	}
}

func TestGramStops(t *testing.T) {
	G := rows(10, 400, 1, 1, 3, 20, 21)
	want := referenceMedian(rowsOf(G))
	dst := make([]float32, G.Cols)
	stats := must(must(New("gm", Options{Stop: "step"})).Aggregate(dst, G, Step{}))
	if gap := distance(want, toFloat64(dst)); !stats.GM.Converged || gap > 1e-5 {
		t.Errorf("stop at step: off by %g, %+v", gap, *stats.GM)
	}
	far := rows(20, 9000, 1, 1e-3, 0, 0, 22) // needs the exact Gram matrix
	dst = make([]float32, far.Cols)
	stats = must(must(New("gm", Options{Stop: "step"})).Aggregate(dst, far, Step{}))
	want = referenceMedian(rowsOf(far))
	if gap := distance(want, toFloat64(dst)); !stats.GM.Converged || gap > 1e-6*norm(want) {
		t.Errorf("stop at step: off by %g, %+v", gap, *stats.GM)
	}
	dst = make([]float32, G.Cols)
	stats = must(must(New("gm", Options{MaxIter: 1})).Aggregate(dst, G, Step{}))
	if stats.GM.Converged || stats.GM.Residual < 1e-8 || stats.GM.Iterations != 1 {
		t.Errorf("one iteration: %+v", *stats.GM)
	}
	checkWeights(t, stats.Weights, dst, G)
}

// TestFastError holds the float32 Gram matrix to the error that the solver
// reckons with: about zero, with and without a common part, and about a row,
// where a large one is gone.
func TestFastError(t *testing.T) {
	for _, d := range []int{100, gramChunk, 20_000, 300_000} {
		for seed := range uint64(4) {
			checkFastError(t, rows(8, d, 0, 1, 0, 0, seed), -1)
			checkFastError(t, rows(8, d, 0.5, 1, 0, 0, seed), -1)
			checkFastError(t, rows(8, d, 100, 1, 0, 0, seed), 3)
		}
	}
}

func checkFastError(t *testing.T, G Matrix, centre int) {
	t.Helper()
	var fast, exact gram
	must(fast.fast(&host{G: G}, centre))
	must(exact.exact(&host{G: G}, centre))
	n := G.Rows
	for i := range n {
		for j := range n {
			size := math.Sqrt(exact.K[i*n+i] * exact.K[j*n+j])
			if gap := math.Abs(fast.K[i*n+j] - exact.K[i*n+j]); gap > fastError(G.Cols)*size {
				t.Errorf("d = %d, centre %d: product of rows %d and %d is off by %.2g, want at most %.2g",
					G.Cols, centre, i, j, gap/size, fastError(G.Cols))
			}
		}
	}
}

// TestManyRows: beyond mostNewton rows the solver goes on without Newton's system,
// whose n³ would be hours for as many rows as it takes.
func TestManyRows(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a second")
	}
	G := rows(mostNewton+1, 3, 1, 1, 100, 20, 29)
	dst := make([]float32, G.Cols)
	stats := must(must(New("gm", Options{Eps: 1e-6})).Aggregate(dst, G, Step{}))
	if want := referenceMedian(rowsOf(G)); !stats.GM.Converged || distance(want, toFloat64(dst)) > 1e-4 {
		t.Errorf("%v, %+v, want %v", dst, *stats.GM, want)
	}
}
