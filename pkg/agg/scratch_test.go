package agg

import (
	"fmt"
	"math"
	"runtime"
	"testing"

	"github.com/bgmd/bgmd/internal/racing"
)

// TestScratch holds the computed scratch of every rule, alone and in blocks, to what
// it holds by the allocator's count, where that is a good part of the matrix.
func TestScratch(t *testing.T) {
	if racing.Enabled {
		t.Skip("the race detector's pools forget")
	}
	const n, d = 24, 200_000
	G := rows(n, d, 1, 1, 2, 10, 1)
	small := rows(300, 20_000, 1, 1, 2, 10, 1)
	for _, rule := range Rules() {
		o := someOptions[rule.Name]
		holds(t, must(New(rule.Name, o)), G)
		if rule.MaxCorrupt(small.Rows) >= 0 && rule.Name != "smea" {
			holds(t, must(New(rule.Name, o)), small)
		}
	}
	for _, solver := range Solvers() {
		holds(t, must(New("gm", Options{Solver: solver, MaxIter: 3})), G)
	}
	for _, pre := range PreNames() {
		holds(t, must(NewPre(pre, must(New("cm", Options{})), Options{F: 2, Radius: 1})), G)
	}
	for _, memory := range Memories() {
		for _, selection := range Selections() {
			for _, fraction := range []float64{0.1, 0.6} {
				block := must(NewBlock(must(New("gm", Options{})), BlockOptions{Fraction: fraction, Select: selection, Memory: memory}))
				holds(t, block, G)
			}
		}
	}
}

// holds compares what a rule holds after three calls with what Scratch says.
func holds(t *testing.T, rule Aggregator, G Matrix) {
	t.Helper()
	dst, r := make([]float32, G.Cols), newRand(1)
	heap := func() float64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.GC() // the first leaves what pools hold
		runtime.ReadMemStats(&m)
		return float64(m.HeapAlloc)
	}
	before := heap()
	for range 3 {
		if _, err := rule.Aggregate(dst, G, Step{Gamma: 0.1, Rand: r}); err != nil {
			t.Fatal(err)
		}
	}
	got, want := heap()-before, rule.Scratch(G.Rows, G.Cols)
	runtime.KeepAlive(rule)
	matrix := 4 * float64(len(G.Data))
	if math.Abs(got-want) > 0.05*(matrix+want) {
		t.Errorf("%v of %d×%d holds %.2f MB, computed were %.2f (the matrix is %.1f)", rule, G.Rows, G.Cols, got/1e6, want/1e6, matrix/1e6)
	}
}

// TestFits: a rule takes the numbers of rows that Aggregate takes.
func TestFits(t *testing.T) {
	try := func(rule Aggregator, n int) {
		t.Helper()
		_, err := rule.Aggregate(make([]float32, 1), NewMatrix(n, 1), Step{Gamma: 1, Rand: newRand(1)})
		if got := rule.Fits(n, 1, Step{}); fmt.Sprint(got) != fmt.Sprint(err) {
			t.Errorf("%v: of %d rows Fits says %v, Aggregate %v", rule, n, got, err)
		}
	}
	for _, rule := range Rules() {
		most := 70
		if rule.Name == "smea" {
			most = 12 // its subsets are many
		}
		for n := 1; n <= most; n++ {
			o := someOptions[rule.Name]
			try(must(New(rule.Name, o)), n)
			if rule.Name != "smea" {
				try(must(DropNonFinite(must(New(rule.Name, o)))), n)
			}
			for _, pre := range PreNames() {
				if rule.Name == "monna" && pre == "bucketing" {
					continue
				}
				o.Radius = 1
				try(must(NewPre(pre, must(New(rule.Name, o)), o)), n)
			}
		}
	}
}

// TestHuge: numbers that no memory holds neither panic nor overflow.
func TestHuge(t *testing.T) {
	for _, rule := range Rules() {
		built := must(New(rule.Name, someOptions[rule.Name]))
		for _, r := range []Aggregator{built, must(NewBlock(must(New("mean", Options{})), BlockOptions{Fraction: 0.1, Memory: "client"}))} {
			if bytes := r.Scratch(1<<40, 1<<50); !(bytes >= 0) || math.IsInf(bytes, 0) {
				t.Errorf("%v: %v bytes", r, bytes)
			}
		}
	}
}
