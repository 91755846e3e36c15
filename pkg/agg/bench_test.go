package agg

import "testing"

// BenchmarkAggregate runs every rule at the size of [bgmd]'s LeNet with 32
// clients, 12 of them corrupt.
func BenchmarkAggregate(b *testing.B) {
	G := rows(32, 1_163_978, 0.01, 0.01, 12, 10, 1)
	dst := make([]float32, G.Cols)
	for _, c := range variants() {
		b.Run(c.name, func(b *testing.B) {
			rule := c.build()
			b.ReportAllocs()
			for b.Loop() {
				if _, err := rule.Aggregate(dst, G, Step{Gamma: 0.1, Rand: newRand(1)}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
