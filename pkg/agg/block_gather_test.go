package agg

import (
	"slices"
	"testing"

	"github.com/bgmd/bgmd/internal/topk"
)

// TestBlockCandidates compares a block that is copied while scores are formed with one that is
// selected and gathered afterwards: on scores of many sizes, on ties, where a
// sample's bound lets too many through, and on scores that the sample does not see.
func TestBlockCandidates(t *testing.T) {
	const n, d = 5, 150_000
	r := newRand(1)
	for name, c := range map[string]struct {
		entry    func(j int) float64
		selected bool
	}{
		"many sizes": {func(int) float64 { return r.NormFloat64() * r.ExpFloat64() }, true},
		"ties":       {func(j int) float64 { return float64(j % 2) }, false},
		"unseen": {func(j int) float64 {
			if j < 20_000 && j%(d/sampleLines) < sampleLine {
				return 100
			}
			return 1e-3 * r.NormFloat64()
		}, false},
	} {
		for _, memory := range []string{memoryMean, memoryClient} {
			b := must(NewBlock(must(New("mean", Options{})), BlockOptions{Fraction: 0.01, Memory: memory}))
			dst := make([]float32, d)
			for range 2 {
				G := NewMatrix(n, d)
				for k := range G.Data {
					G.Data[k] = float32(c.entry(k % d))
				}
				before := slices.Clone(b.State())
				must(b.Aggregate(dst, G, Step{Gamma: 0.5}))
				checkSelected(t, name+", memory "+memory, b.columns.(*hostColumns), G, before)
			}
			if got := b.columns.(*hostColumns).selected; got != c.selected {
				t.Errorf("%s, memory %s: selected by candidates %v, want %v", name, memory, got, c.selected)
			}
		}
	}
}

// checkSelected holds the block to scores and columns written out, with the memory as
// it was before the call.
func checkSelected(t *testing.T, name string, c *hostColumns, G Matrix, memory []float32) {
	t.Helper()
	P, scores := NewMatrix(G.Rows, G.Cols), make([]float64, G.Cols)
	for k, v := range G.Data {
		t, j := 0.5*float64(v), k%G.Cols
		switch {
		case memory == nil:
		case c.memory.perRow():
			t += float64(memory[k])
		default:
			t += float64(memory[j])
		}
		if P.Data[k] = float32(t); c.memory.perRow() {
			t = float64(P.Data[k]) // it is kept in float32
		}
		scores[j] += t * t
	}
	want := make([]int, len(c.index))
	new(topk.Selector).Top(want, scores)
	if !slices.Equal(c.index, want) {
		t.Fatalf("%s: selected %v…, want %v…", name, c.index[:3], want[:3])
	}
	from := G // the mean's block is taken from G itself
	if c.memory.perRow() {
		from = P
	}
	for i := range from.Rows {
		for p, j := range c.index {
			if got, want := c.gathered[i*len(c.index)+p], from.Row(i)[j]; got != want {
				t.Fatalf("%s: row %d of column %d is %v, want %v", name, i, j, got, want)
			}
		}
	}
}
