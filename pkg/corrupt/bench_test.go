package corrupt

import (
	"math/rand/v2"
	"testing"

	"github.com/bgmd/bgmd/pkg/agg"
	"github.com/bgmd/bgmd/pkg/data"
)

// BenchmarkGradient corrupts 12 of 32 gradients of LeNet.
func BenchmarkGradient(b *testing.B) {
	for _, corruption := range everyGradient() {
		b.Run(corruption.String(), func(b *testing.B) {
			G := agg.NewMatrix(32, lenet)
			rows := Members{Fraction: 0.4, Kind: First}.Pick(32, nil)
			rng := rand.New(rand.NewPCG(1, 2))
			b.SetBytes(int64(4 * len(rows) * lenet))
			for b.Loop() {
				corruption.Apply(G, rows, rng)
			}
		})
	}
}

func BenchmarkGaussian(b *testing.B) {
	dst := make([]float32, 1<<14)
	b.Run("ziggurat", func(b *testing.B) {
		g := newGaussian(1, 2)
		for b.Loop() {
			g.addTo(dst, 10)
		}
	})
	b.Run("NormFloat64", func(b *testing.B) {
		rng := rand.New(rand.NewPCG(1, 2))
		for b.Loop() {
			for j := range dst {
				dst[j] += float32(10 * rng.NormFloat64())
			}
		}
	})
}

func BenchmarkFeature(b *testing.B) {
	for _, corruption := range []Data{
		AdditiveFeature{Std: 10, Clip: true},
		Impulse{Amount: 0.9},
	} {
		b.Run(corruption.String(), func(b *testing.B) {
			batch := data.NewBatch(data.Shape{C: 1, H: 28, W: 28}, 64)
			rng := rand.New(rand.NewPCG(1, 2))
			for b.Loop() {
				corruption.Apply(batch, nil, rng)
			}
		})
	}
}

const lenet = 1_163_978 // parameters of the LeNet of [code]
