package agg

import (
	"errors"
	"fmt"
	"slices"
)

var bucketingPre = Pre{
	Name: "bucketing", Title: "bucketing",
	Options: []string{"bucket"}, Cost: "O(nd)",
	Source: "Karimireddy, He and Jaggi 2022", shuffles: true, mixes: true,
	build: func(o Options) transform { return &bucketing{size: o.Bucket} },
}

// bucketing shuffles the rows, cuts them into ⌈n/size⌉ buckets and replaces each
// by its mean; the last may be smaller. Up to f buckets are then corrupt: the
// rule behind it needs as many more honest rows. It draws from Step.Rand.
type bucketing struct {
	size  int
	width int   // size, or the number of rows if that is less
	order []int // rows, those of a bucket side by side
}

func (b *bucketing) String() string            { return fmt.Sprintf("bucketing(%d)", b.size) }
func (b *bucketing) makes(n int) int           { return 1 + (n-1)/b.size }
func (b *bucketing) fits(int, int, Step) error { return nil }
func (b *bucketing) scratch(int, int) float64  { return 0 }

func (b *bucketing) prepare(G Matrix, step Step) error {
	if step.Rand == nil {
		return errors.New("agg: pre-aggregator \"bucketing\" draws, but Step.Rand is nil")
	}
	b.width, b.order = min(b.size, G.Rows), b.order[:0]
	for i := range G.Rows {
		b.order = append(b.order, i)
	}
	step.Rand.Shuffle(G.Rows, func(i, j int) { b.order[i], b.order[j] = b.order[j], b.order[i] })
	for bucket := range slices.Chunk(b.order, b.width) {
		slices.Sort(bucket)
	}
	return nil
}

func (b *bucketing) sources(i int) (rows []int, weight float64) {
	rows = b.order[i*b.width : min((i+1)*b.width, len(b.order))]
	return rows, 1 / float64(len(rows))
}
