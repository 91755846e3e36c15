package agg

import (
	"errors"
	"fmt"
)

var bucketingPre = Pre{
	Name: "bucketing", Title: "bucketing",
	Options: []string{"bucket"}, Cost: "O(nd)",
	Source: "Karimireddy, He and Jaggi 2022", shuffles: true,
	build: func(o Options) transform {
		if o.Bucket == 0 {
			o.Bucket = 2
		}
		return &bucketing{size: o.Bucket}
	},
}

// bucketing shuffles the rows, cuts them into ⌈n/size⌉ buckets and replaces each
// by its mean; the last may be smaller. Up to f buckets are then corrupt: the
// rule behind it needs as many more honest rows. It draws from Step.Rand.
type bucketing struct {
	size   int
	n      int
	bucket []int // of every row
	order  []int
}

func (b *bucketing) String() string { return fmt.Sprintf("bucketing(%d)", b.size) }
func (b *bucketing) mixes() bool    { return true }

func (b *bucketing) prepare(G Matrix, step Step) (int, error) {
	if step.Rand == nil {
		return 0, errors.New("agg: pre-aggregator \"bucketing\" draws, but Step.Rand is nil")
	}
	b.n = G.Rows
	b.bucket, b.order = grown(b.bucket, b.n), b.order[:0]
	for i := range b.n {
		b.order = append(b.order, i)
	}
	step.Rand.Shuffle(b.n, func(i, j int) { b.order[i], b.order[j] = b.order[j], b.order[i] })
	for place, row := range b.order {
		b.bucket[row] = place / b.size
	}
	return (b.n + b.size - 1) / b.size, nil
}

func (b *bucketing) weight(i, j int) float64 {
	if b.bucket[j] != i {
		return 0
	}
	return 1 / float64(min(b.size, b.n-i*b.size))
}
