package agg_test

import (
	"fmt"
	"math"

	"github.com/bgmd/bgmd/pkg/agg"
)

func ExampleNew() {
	G := agg.NewMatrix(4, 2)
	copy(G.Row(0), []float32{1, 2})
	copy(G.Row(1), []float32{1.25, 2})
	copy(G.Row(2), []float32{1, 2.25})
	copy(G.Row(3), []float32{1e6, 1e6}) // corrupt
	dst := make([]float32, 2)
	for _, name := range []string{"mean", "cm", "gm"} {
		rule, err := agg.New(name, agg.Options{})
		if err != nil {
			fmt.Println(err)
			return
		}
		if _, err := rule.Aggregate(dst, G, agg.Step{}); err != nil {
			fmt.Println(err)
			return
		}
		fmt.Printf("%-4s %.3f\n", rule, dst)
	}
	// Output:
	// mean [250000.812 250001.562]
	// cm   [1.125 2.125]
	// gm   [1.125 2.125]
}

// What goes around a rule is an Aggregator like the rule.
func ExampleDropNonFinite() {
	G := agg.NewMatrix(5, 2)
	for i, row := range [][]float32{{1, 2}, {1.5, 2}, {1, 2.5}, {1e6, 1e6}, {float32(math.NaN()), 0}} {
		copy(G.Row(i), row)
	}
	mda, err := agg.New("mda", agg.Options{F: 2}) // of which one is found at once
	if err != nil {
		fmt.Println(err)
		return
	}
	rule, err := agg.DropNonFinite(mda)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("weights:", rule.Traits().Weights, "of 4 rows:", rule.Fits(4, 2, agg.Step{}))
	dst := make([]float32, 2)
	stats, err := rule.Aggregate(dst, G, agg.Step{})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%.2f, weights %.2f, %d row dropped\n", dst, stats.Weights, stats.Dropped)
	// Output:
	// weights: true of 4 rows: agg: rule "mda": n = 4 clients and f = 2 corrupt, want n > 2f
	// [1.17 2.17], weights [0.33 0.33 0.33 0.00 0.00], 1 row dropped
}

func ExampleNewBlock() {
	gm, err := agg.New("gm", agg.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	block, err := agg.NewBlock(gm, agg.BlockOptions{Fraction: 0.5})
	if err != nil {
		fmt.Println(err)
		return
	}
	G := agg.NewMatrix(3, 4)
	for i := range G.Rows {
		copy(G.Row(i), []float32{8, -1, 0.5, -4})
	}
	dst := make([]float32, 4)
	for range 5 { // what is left out is remembered until it is large enough
		stats, err := block.Aggregate(dst, G, agg.Step{Gamma: 1})
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Printf("%v left out %.0f%%\n", dst, 100*stats.Block.Residual)
	}
	// Output:
	// [8 0 0 -4] left out 2%
	// [8 0 0 -4] left out 6%
	// [8 0 0 -4] left out 12%
	// [8 -4 0 0] left out 20%
	// [8 0 0 -8] left out 5%
}
