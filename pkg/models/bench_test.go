package models

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/bgmd/bgmd/pkg/data"
)

func options() Options {
	return Options{Shape: data.Shape{C: 1, H: 28, W: 28}, Classes: 10, Dropout: 0.5, Batch: 64, EvalBatch: 80, Replicas: 1, Rand: rand.New(rand.NewPCG(1, 1))}
}

func BenchmarkStep(b *testing.B) {
	for _, size := range []int{16, 64} {
		b.Run(fmt.Sprintf("batch=%d", size), func(b *testing.B) {
			o := options()
			o.Batch, o.Replicas = size, 2
			net, err := New("lenet", o)
			if err != nil {
				b.Fatal(err)
			}
			batch := data.NewBatch(o.Shape, size)
			for i := range batch.X {
				batch.X[i] = o.Rand.Float32()
			}
			const clients = 32
			d := len(net.Params())
			g := make([]float32, clients*d)
			step := func() {
				err := net.Each(clients, func(r *Replica, i int) error {
					_, err := r.Grad(g[i*d:(i+1)*d], batch, rand.New(rand.NewPCG(1, uint64(i))))
					return err
				})
				if err != nil {
					b.Fatal(err)
				}
			}
			step()
			b.ReportAllocs()
			for b.Loop() {
				step()
			}
		})
	}
}
