//go:build gpu && linux

package main

import (
	"fmt"

	"github.com/bgmd/bgmd/internal/cuda"
)

// rows is n rows of d normal draws with a gap behind each.
func (b *bench) rows(n, d int) cuda.Rows {
	return cuda.Rows{Memory: b.floats(n * (d + 3)), N: n, D: d, Stride: d + 3}
}

func rowCases() []testCase {
	var all []testCase
	for _, s := range [][2]int{{3, 5000}, {7, 1001}, {16, 700}, {32, 100003}, {64, 3000}} {
		n, d := s[0], s[1]
		all = append(all, testCase{fmt.Sprintf("rows-%d", n), func(b *bench) []answer { return rowAnswers(b, b.rows(n, d)) }})
	}
	return append(all, testCase{"block", blockAnswers}, testCase{"block-ties", tieAnswers}, testCase{"steps", stepAnswers})
}

func rowAnswers(b *bench, r cuda.Rows) []answer {
	n := r.N
	K, space := room[float64](b, n*n), room[float64](b, cuda.GramSpace(n))
	dst, bad, squares := room[float32](b, r.D), room[uint32](b, 1), room[float64](b, n)
	var got []answer
	b.try(b.Gram(K, r, -1, false, space))
	got = append(got, output(b, "gram", K))
	b.try(b.Gram(K, r, n-1, false, space))
	got = append(got, output(b, "gram-centred", K))
	b.try(b.Gram(K, r, -1, true, space))
	got = append(got, output(b, "gram-exact", K))
	w := make([]float64, n)
	for i := range w {
		w[i] = b.rng.Float64()
	}
	b.try(b.Combine(dst, bad, r, up(b, w)))
	got = append(got, output(b, "combine", dst))
	b.try(b.SortedMean(dst, bad, r, (n-1)/2, n/2+1))
	got = append(got, output(b, "median", dst))
	b.try(b.SortedMean(dst, bad, r, n/4, n-n/4))
	got = append(got, output(b, "trimmed-mean", dst))
	b.try(b.RowSquares(squares, r, room[float64](b, cuda.RowSquaresSpace(n))))
	b.try(b.ScaleRow(r.Row(0), -2.5))
	b.try(b.AddRow(r.Row(0), r.Row(n-1)))
	return append(got, output(b, "squares", squares), output(b, "corrupt", r.Row(0)), output(b, "bad", bad))
}

// blockAnswers is a step of a block with each memory.
func blockAnswers(b *bench) []answer {
	const n, d, k, gamma = 9, 20011, 2001, 0.05
	r, memory := b.rows(n, d), b.floats(d)
	scores, total, next, bad, space := room[float64](b, d), room[float64](b, 1), room[float32](b, d), room[uint32](b, 1), room[float64](b, cuda.ScoreSpace(d))
	sel, err := cuda.NewSelection(b.Device(), d)
	b.try(err)
	if err != nil {
		return nil
	}
	b.free = append(b.free, sel.Free)
	index, block, dst := room[uint32](b, k), room[float32](b, n*k), room[float32](b, d)
	b.try(b.ScoreColumns(scores, total, next, bad, r, memory, gamma, space))
	b.try(b.Largest(index, scores, sel))
	b.try(b.Gather(block, r, index, memory, gamma))
	b.try(b.Scatter(dst, bad, block.Slice(0, k), index, memory, gamma, gamma))
	b.try(b.ClearColumns(next, index))
	got := []answer{output(b, "scores", scores), output(b, "total", total), output(b, "index", index), output(b, "gathered", block), output(b, "scattered", dst), output(b, "memory", next)}
	b.try(b.Carry(next, bad, dst, memory, gamma))
	got = append(got, output(b, "carried", next))
	own := b.floats(n * d)
	b.try(b.ScoreRows(scores, total, own, r, own, gamma, space))
	return append(got, output(b, "row-scores", scores), output(b, "row-memory", own), output(b, "bad", bad))
}

// tieAnswers selects among scores of few values.
func tieAnswers(b *bench) []answer {
	const d, k = 5000, 1234
	scores := make([]float64, d)
	for i := range scores {
		scores[i] = float64(b.rng.IntN(4))
	}
	sel, err := cuda.NewSelection(b.Device(), d)
	b.try(err)
	if err != nil {
		return nil
	}
	b.free = append(b.free, sel.Free)
	index := room[uint32](b, k)
	b.try(b.Largest(index, up(b, scores), sel))
	return []answer{output(b, "index", index)}
}

func stepAnswers(b *bench) []answer {
	const d = 10007
	x, velocity, u := b.floats(d), b.floats(d), b.floats(d)
	b.try(b.SGD(x, velocity, u, 0.1, 0.9, 1e-4, true))
	b.try(b.SGD(x, cuda.Memory[float32]{}, u, 0.1, 0, 1e-4, false))
	got := []answer{output(b, "sgd", x), output(b, "velocity", velocity)}
	m, v := room[float32](b, d), room[float32](b, d)
	b.try(b.Adam(cuda.Adam{Beta1: 0.9, Rest1: 0.1, Beta2: 0.999, Rest2: 0.001, Rate: 0.01, Scale: 30, Epsilon: 1e-8}, x, m, v, u))
	return append(got, output(b, "adam", x), output(b, "mean", m), output(b, "square", v))
}

func normCases() []testCase {
	norm := func(n cuda.Norm) func(b *bench) []answer { return func(b *bench) []answer { return normAnswers(b, n) } }
	return []testCase{
		{"norm", norm(cuda.Norm{H: 4, C: 70, W: 4, N: 32, Clients: 3})},
		{"norm-odd", norm(cuda.Norm{H: 1, C: 5, W: 3, N: 1, Clients: 7})},
		{"max-pool", func(b *bench) []answer {
			p := cuda.MaxPool{C: 17, H: 16, W: 15, K: 3, Stride: 2, Pad: 1, M: 21}
			in, out, arg, din := b.floats(p.InLen()), room[float32](b, p.OutLen()), room[uint8](b, p.OutLen()), room[float32](b, p.InLen())
			// behind a ReLU
			b.try(b.BiasReLUDropout(cuda.Dropout{Rows: p.InLen() / p.M, N: p.M, Clients: 1}, in, din, room[float32](b, p.InLen()/p.M), cuda.Memory[uint64]{}))
			b.try(b.MaxPool(p, out, arg, in))
			b.try(b.MaxPoolGrad(p, din, b.floats(p.OutLen()), arg))
			return []answer{output(b, "out", out), output(b, "arg", arg), output(b, "grad", din)}
		}},
		{"average-pool", func(b *bench) []answer {
			in, mean := b.floats(4*33*3*21), room[float32](b, 33*21)
			b.try(b.AveragePool(mean, in, 4, 33, 3, 21))
			b.try(b.AveragePoolGrad(in, mean, 4, 33, 3, 21))
			return []answer{output(b, "mean", mean), output(b, "grad", in)}
		}},
	}
}

func normAnswers(b *bench, n cuda.Norm) []answer {
	x, y, r, gamma, beta := b.floats(n.Len()), b.floats(n.Len()), b.floats(n.Len()), b.floats(n.C), b.floats(n.C)
	channels, others, slopes := room[cuda.Channel](b, n.Clients*n.C), room[cuda.Channel](b, n.Clients*n.C), room[cuda.Slope](b, n.Clients*n.C)
	batch, out, grads := room[float32](b, 2*n.C*n.Clients), room[float32](b, n.Len()), room[float32](b, 2*n.C*n.Clients)
	b.try(b.NormMeasure(n, channels, batch, 2*n.C, x, gamma, beta))
	b.try(b.NormReLU(n, out, x, channels))
	got := []answer{output(b, "statistics", batch), output(b, "relu", out)}
	b.try(b.NormUse(n, others, batch.Slice(0, 2*n.C), gamma, beta))
	b.try(b.NormAddReLU(n, out, x, channels, y, others))
	got = append(got, output(b, "sum-of-norms", out))
	b.try(b.NormAddReLU(n, out, x, channels, r, cuda.Memory[cuda.Channel]{}))
	got = append(got, output(b, "sum", out))
	b.try(b.NormMask(n, r, slopes, grads, grads.Slice(n.C, grads.Len()), 2*n.C, y, out, x, channels))
	b.try(b.NormGrad(n, x, r, slopes))
	return append(got, output(b, "mask", r), output(b, "parameters", grads), output(b, "grad", x))
}
