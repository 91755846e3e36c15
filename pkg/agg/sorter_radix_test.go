package agg

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// TestRadixMatchesNetwork: both ways to sort columns give the same result to the last
// digit, on both sides of the border between them, with equal values and both zeros.
func TestRadixMatchesNetwork(t *testing.T) {
	rng := rand.New(rand.NewPCG(15, 0))
	for _, n := range []int{1, 2, 5, 64, mostNetwork, mostNetwork + 1} {
		G := NewMatrix(n, 2*lanes+5)
		for i := range G.Data {
			switch v := rng.NormFloat64(); rng.IntN(4) {
			case 0:
				G.Data[i] = float32(math.Round(v))
			case 1:
				G.Data[i] = float32(v * 1e37)
			default:
				G.Data[i] = float32(v * 1e-38)
			}
		}
		from, to := n/4, n-n/4
		for name, reduce := range map[string]func(out []float32, columns sorted){
			"mean":         func(out []float32, columns sorted) { meanOf(out, columns, from, to) },
			"around":       func(out []float32, columns sorted) { meanAround(out, columns, n, n-n/3) },
			"single value": func(out []float32, columns sorted) { copy(out, columns.row(n/2)) },
		} {
			var s columnSorter
			s.take(G, nil)
			want, got := make([]float32, G.Cols), make([]float32, G.Cols)
			if err := errors.Join(s.eachByNetwork(want, 0, n, reduce), s.eachByRadix(got, reduce)); err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(got, want) {
				t.Errorf("%d rows, %s: by radix %v, by a network %v", n, name, got, want)
			}
		}
		for _, v := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
			at := rng.IntN(len(G.Data))
			was := G.Data[at]
			G.Data[at] = float32(v)
			var s columnSorter
			s.take(G, nil)
			if s.eachByRadix(make([]float32, G.Cols), func([]float32, sorted) {}) == nil {
				t.Errorf("%d rows: %v is finite", n, v)
			}
			G.Data[at] = was
		}
	}
}

// BenchmarkSorters finds the number of rows at which a radix sort is as fast.
func BenchmarkSorters(b *testing.B) {
	for _, n := range []int{256, 512, 1024, 2048, 4096} {
		for _, d := range []int{4, 1024} {
			G := rows(n, d, 1, 1, 0, 0, 1)
			dst := make([]float32, d)
			reduce := func(out []float32, columns sorted) { meanOf(out, columns, n/2, n/2+1) }
			var s columnSorter
			s.take(G, nil)
			b.Run(fmt.Sprintf("%d×%d/network", n, d), func(b *testing.B) {
				for b.Loop() {
					_ = s.eachByNetwork(dst, n/2, n/2+1, reduce)
				}
			})
			b.Run(fmt.Sprintf("%d×%d/radix", n, d), func(b *testing.B) {
				for b.Loop() {
					_ = s.eachByRadix(dst, reduce)
				}
			})
		}
	}
}

// BenchmarkManyRows runs rules on a million rows of four.
func BenchmarkManyRows(b *testing.B) {
	G := rows(1_000_000, 4, 1, 1, 0, 0, 1)
	dst := make([]float32, G.Cols)
	for _, name := range []string{"mean", "cm", "trimmed-mean", "meamed", "norm-clipping"} {
		b.Run(name, func(b *testing.B) {
			rule := must(New(name, Options{F: 100_000}))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := rule.Aggregate(dst, G, Step{Gamma: 1}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
