//go:build gpu && linux

package main

import (
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/bgmd/bgmd/internal/cuda"
)

// timing is a call to time, and what it does.
type timing struct {
	name  string
	flops int // multiplications and additions
	bytes int // read and written at least
	run   func() error
	count int // of such calls in a step
}

// repeated is calls that a step makes so often.
func repeated(count int, calls []timing) []timing {
	for i := range calls {
		calls[i].count = count
	}
	return calls
}

// workload is the calls of one step, at its size.
type workload struct {
	name  string
	build func(b *bench, clients, batch int) []timing
	sizes [2]int // clients, batch
}

// Times of a call: so many to warm up, so many measured.
const (
	warmUps  = 3
	measured = 15
)

// timeAll times every workload and prints a table of each.
func timeAll(s *cuda.Stream, rehearse bool, out io.Writer) error {
	for _, w := range workloads() {
		clients, batch := w.sizes[0], w.sizes[1]
		if rehearse {
			clients, batch = 1, 2
		}
		b := newBench(s, 1)
		calls := w.build(b, clients, batch)
		fmt.Fprintf(out, "\n%s, %d clients, batch %d\n", w.name, clients, batch)
		var sum time.Duration
		for _, c := range calls {
			if b.err != nil {
				break
			}
			runs := measured
			if rehearse {
				runs = 1
			}
			d, err := timeOne(s, c.run, runs)
			b.try(err)
			sum += time.Duration(c.count) * d
			fmt.Fprintf(out, "  %2d × %-28s %9.3f ms %9.1f GFLOPS %8.1f GB/s\n", c.count, c.name, d.Seconds()*1e3,
				float64(c.flops)/d.Seconds()/1e9, float64(c.bytes)/d.Seconds()/1e9)
		}
		fmt.Fprintf(out, "       %-28s %9.3f ms\n", "sum", sum.Seconds()*1e3)
		if err := b.close(); err != nil {
			return fmt.Errorf("%s: %w", w.name, err)
		}
	}
	return nil
}

// timeOne is the median time of a call by the device's events.
func timeOne(s *cuda.Stream, run func() error, runs int) (time.Duration, error) {
	start, err := s.Device().NewEvent()
	if err != nil {
		return 0, err
	}
	defer func() { _ = start.Free() }()
	end, err := s.Device().NewEvent()
	if err != nil {
		return 0, err
	}
	defer func() { _ = end.Free() }()
	var times []time.Duration
	for i := range warmUps + runs {
		if runs == 1 && i < warmUps {
			continue
		}
		for _, f := range []func() error{func() error { return start.Record(s) }, run, func() error { return end.Record(s) }, end.Wait} {
			if err := f(); err != nil {
				return 0, err
			}
		}
		d, err := end.Since(start)
		if err != nil {
			return 0, err
		}
		if i >= warmUps {
			times = append(times, d)
		}
	}
	slices.Sort(times)
	return times[len(times)/2], nil
}

func workloads() []workload {
	return []workload{
		{"LeNet", lenet, [2]int{32, 16}},
		{"LeNet", lenet, [2]int{32, 64}},
		{"MLP 784-200-200-10", mlp, [2]int{32, 64}},
		{"ResNet-18", resnet, [2]int{10, 128}},
		{"aggregation, LeNet's 1,163,978 columns", aggregation(1163978), [2]int{32, 0}},
		{"aggregation, ResNet-18's 11,181,642 columns", aggregation(11181642), [2]int{10, 0}},
	}
}

// conv lists a convolution's three products.
func conv(b *bench, name string, c cuda.Conv, first bool) []timing {
	in, w, out, dout := b.floats(c.InLen()), b.floats(c.WeightLen()), room[float32](b, c.OutLen()), b.floats(c.OutLen())
	grads, space := room[float32](b, c.WeightLen()*c.Clients), room[float32](b, c.WeightSpace())
	size := func(values int) int { return 4 * values }
	all := []timing{
		{name + " forward", c.Flops(), size(c.InLen() + c.OutLen() + c.WeightLen()), func() error { return b.ConvForward(c, out, w, in) }, 1},
		{name + " grad weight", c.Flops(), size(c.InLen() + c.OutLen() + c.WeightLen()*c.Clients), func() error { return b.ConvGradWeight(c, grads, c.WeightLen(), dout, in, space) }, 1},
	}
	if first {
		return all
	}
	din := room[float32](b, c.InLen())
	return append(all, timing{name + " grad input", c.Flops(), size(c.InLen() + c.OutLen() + c.WeightLen()), func() error { return b.ConvGradInput(c, din, w, dout, false) }, 1})
}

// pool lists a pool's kernels.
func pool(b *bench, name string, p cuda.Pixels) []timing {
	n := p.Len()
	z, bias, out, arg, dz, dout, db := b.floats(4*n), b.floats(p.C), room[float32](b, n), room[uint8](b, n), room[float32](b, 4*n), b.floats(n), room[float32](b, p.C*p.Clients)
	return []timing{
		{name + " pool", 0, 21 * n, func() error { return b.PoolBiasReLU(p, out, arg, z, bias) }, 1},
		{name + " grad pool", 0, 21 * n, func() error { return b.PoolBiasReLUGrad(p, dz, dout, arg) }, 1},
		{name + " grad bias", 0, 5 * n, func() error { return b.BiasGrad(p, db, p.C, dout, arg) }, 1},
	}
}

// linear lists a linear layer's kernels, hidden ones with dropout.
func linear(b *bench, name string, in, out, clients, batch int, hidden, first bool) []timing {
	c := cuda.Conv{Ci: in, H: 1, W: 1, Co: out, K: 1, Stride: 1, N: batch, Clients: clients}
	all := conv(b, name, c, first)
	n := c.OutLen()
	x, bias, db := b.floats(n), b.floats(out), room[float32](b, out*clients)
	if hidden {
		scale, seeds, d := room[float32](b, n), b.words(2*clients), cuda.Dropout{Rows: out, N: batch, Clients: clients, P: 0.5}
		all = append(all,
			timing{name + " bias, ReLU, dropout", 0, 12 * n, func() error { return b.BiasReLUDropout(d, x, scale, bias, seeds) }, 1},
			timing{name + " grad dropout", 0, 12 * n, func() error { return b.Scale(x, x, scale) }, 1})
	} else {
		all = append(all, timing{name + " bias", 0, 8 * n, func() error { return b.AddBias(x, bias, c.M()) }, 1})
	}
	p := cuda.Pixels{C: out, PH: 1, PW: 1, N: batch, Clients: clients}
	return append(all, timing{name + " grad bias", 0, 4 * n, func() error { return b.BiasGrad(p, db, out, x, cuda.Memory[uint8]{}) }, 1})
}

// loss lists the loss's kernels.
func loss(b *bench, clients, batch int) []timing {
	l := cuda.Loss{Classes: 10, N: batch, Clients: clients}
	m := batch * clients
	logits, labels := b.floats(10*m), b.integers(m, 10)
	prob, losses, dlogits, mean := room[float32](b, 10*m), room[float64](b, m), room[float32](b, 10*m), room[float64](b, clients)
	return []timing{
		{"softmax", 0, 80 * m, func() error { return b.Softmax(l, prob, losses, logits, labels) }, 1},
		{"grad softmax", 0, 80 * m, func() error { return b.SoftmaxGrad(l, dlogits, mean, prob, losses, labels) }, 1},
	}
}

func lenet(b *bench, clients, batch int) []timing {
	n := cuda.Conv{N: batch, Clients: clients, K: 5, Stride: 1, Co: 64}
	first, second := n, n
	first.Ci, first.H, first.W, first.Thin = 1, 28, 28, true
	second.Ci, second.H, second.W = 64, 12, 12
	images := room[float32](b, first.InLen())
	drawn := b.floats(first.InLen())
	all := []timing{{"merge clients", 0, 8 * first.InLen(), func() error { return b.MergeClients(images, drawn, 784, batch, clients) }, 1}}
	all = append(all, conv(b, "conv1", first, true)...)
	all = append(all, pool(b, "conv1", cuda.Pixels{C: 64, PH: 12, PW: 12, N: batch, Clients: clients})...)
	all = append(all, conv(b, "conv2", second, false)...)
	all = append(all, pool(b, "conv2", cuda.Pixels{C: 64, PH: 4, PW: 4, N: batch, Clients: clients, Flat: true})...)
	all = append(all, linear(b, "fc1", 1024, 1024, clients, batch, true, false)...)
	all = append(all, linear(b, "fc2", 1024, 10, clients, batch, false, false)...)
	return append(all, loss(b, clients, batch)...)
}

func mlp(b *bench, clients, batch int) []timing {
	all := linear(b, "fc1", 784, 200, clients, batch, true, true)
	all = append(all, linear(b, "fc2", 200, 200, clients, batch, true, false)...)
	all = append(all, linear(b, "fc3", 200, 10, clients, batch, false, false)...)
	return append(all, loss(b, clients, batch)...)
}

// norm lists the kernels of so many norms, of which some are added to another before ReLU,
// or are that other.
func norm(b *bench, name string, n cuda.Norm, norms, plain, added int) []timing {
	x, r, out, dout, gamma, beta := b.floats(n.Len()), b.floats(n.Len()), b.floats(n.Len()), b.floats(n.Len()), b.floats(n.C), b.floats(n.C)
	channels, slopes := room[cuda.Channel](b, n.Clients*n.C), room[cuda.Slope](b, n.Clients*n.C)
	batch, grads := room[float32](b, 2*n.C*n.Clients), room[float32](b, 2*n.C*n.Clients)
	all := []timing{
		{name + " norm measure", 0, 4 * n.Len(), func() error { return b.NormMeasure(n, channels, batch, 2*n.C, x, gamma, beta) }, norms},
		{name + " norm ReLU", 0, 8 * n.Len(), func() error { return b.NormReLU(n, out, x, channels) }, plain},
		{name + " norm mask", 0, 16 * n.Len(), func() error {
			return b.NormMask(n, r, slopes, grads, grads.Slice(n.C, grads.Len()), 2*n.C, dout, out, x, channels)
		}, norms},
		{name + " norm grad", 0, 12 * n.Len(), func() error { return b.NormGrad(n, x, r, slopes) }, norms},
	}
	if added > 0 {
		all = append(all, timing{name + " norm add ReLU", 0, 12 * n.Len(), func() error { return b.NormAddReLU(n, out, x, channels, r, channels) }, added})
	}
	return all
}

// aggregation lists what rules do with rows of d values, and an optimiser's step.
func aggregation(d int) func(b *bench, clients, batch int) []timing {
	return func(b *bench, n, _ int) []timing {
		if n == 1 { // a rehearsal
			d = 5000
		}
		r, err := cuda.AllocRows(b.Device(), n, d)
		b.try(err)
		if err != nil {
			return nil
		}
		b.free = append(b.free, r.Free)
		row := b.floats(r.Stride)
		for i := range n {
			b.try(cuda.Copy(b.Stream, r.Slice(i*r.Stride, (i+1)*r.Stride), row))
		}
		k, w := d/10, make([]float64, n)
		for i := range w {
			w[i] = 1 / float64(n)
		}
		K, space, weights, squares := room[float64](b, n*n), room[float64](b, cuda.GramSpace(n)), up(b, w), room[float64](b, n)
		dst, bad, squareSpace := room[float32](b, d), room[uint32](b, 1), room[float64](b, cuda.RowSquaresSpace(n))
		scores, total, next, scoreSpace := room[float64](b, d), room[float64](b, 1), room[float32](b, d), room[float64](b, cuda.ScoreSpace(d))
		index, block, memory := room[uint32](b, k), room[float32](b, n*k), room[float32](b, d)
		sel, err := cuda.NewSelection(b.Device(), d)
		b.try(err)
		if err != nil {
			return nil
		}
		b.free = append(b.free, sel.Free)
		all := 4 * n * d
		return []timing{
			{"Gram", n * (n + 1) * d, all, func() error { return b.Gram(K, r, -1, false, space) }, 1},
			{"Gram, exact", n * (n + 1) * d, all, func() error { return b.Gram(K, r, -1, true, space) }, 1},
			{"combine", 2 * n * d, all, func() error { return b.Combine(dst, bad, r, weights) }, 1},
			{"median", 0, all, func() error { return b.SortedMean(dst, bad, r, (n-1)/2, n/2+1) }, 1},
			{"row squares", 2 * n * d, all, func() error { return b.RowSquares(squares, r, squareSpace) }, 1},
			{"score columns", 0, all + 16*d, func() error { return b.ScoreColumns(scores, total, next, bad, r, memory, 0.1, scoreSpace) }, 1},
			{"largest tenth", 0, 8 * 8 * d, func() error { return b.Largest(index, scores, sel) }, 1},
			{"gather", 0, 8 * n * k, func() error { return b.Gather(block, r, index, memory, 0.1) }, 1},
			{"scatter", 0, 4*d + 12*k, func() error { return b.Scatter(dst, bad, block.Slice(0, k), index, memory, 0.1, 0) }, 1},
			{"clear columns", 0, 8 * k, func() error { return b.ClearColumns(next, index) }, 1},
			{"SGD, momentum", 0, 20 * d, func() error { return b.SGD(memory, next, dst, 0.01, 0.9, 1e-4, false) }, 1},
		}
	}
}

// resnet lists each shape of layer of ResNet-18 on 32×32 pixels, with the stem for large
// images.
func resnet(b *bench, clients, batch int) []timing {
	c := func(ci, size, co, k, stride, pad int) cuda.Conv {
		return cuda.Conv{Ci: ci, H: size, W: size, Co: co, K: k, Stride: stride, Pad: pad, N: batch, Clients: clients, Thin: ci < 16}
	}
	n := func(channels, size int) cuda.Norm {
		return cuda.Norm{H: size, C: channels, W: size, N: batch, Clients: clients}
	}
	all := conv(b, "conv1", c(3, 32, 64, 7, 2, 3), true)
	all = append(all, norm(b, "conv1", n(64, 16), 1, 1, 0)...)
	all = append(all, ends(b, clients*batch)...)
	all = append(all, repeated(4, conv(b, "layer1", c(64, 8, 64, 3, 1, 1), false))...)
	all = append(all, norm(b, "layer1", n(64, 8), 4, 2, 2)...)
	size, in := 8, 64
	for layer := 2; layer <= 4; layer++ {
		name := fmt.Sprint("layer", layer)
		all = append(all, conv(b, name+" stride", c(in, size, 2*in, 3, 2, 1), false)...)
		all = append(all, conv(b, name+" shortcut", c(in, size, 2*in, 1, 2, 0), false)...)
		size, in = size/2, 2*in
		all = append(all, repeated(3, conv(b, name, c(in, size, in, 3, 1, 1), false))...)
		all = append(all, norm(b, name, n(in, size), 5, 2, 2)...)
	}
	all = append(all, linear(b, "fc", 512, 10, clients, batch, false, false)...)
	return append(all, loss(b, clients, batch)...)
}

// ends lists ResNet-18's two pools, of m samples.
func ends(b *bench, m int) []timing {
	p := cuda.MaxPool{C: 64, H: 16, W: 16, K: 3, Stride: 2, Pad: 1, M: m}
	x, out, arg, mean, last := b.floats(p.InLen()), b.floats(p.OutLen()), room[uint8](b, p.OutLen()), room[float32](b, 512*m), b.floats(512*m)
	return []timing{
		{"max pool", 0, 4*p.InLen() + 5*p.OutLen(), func() error { return b.MaxPool(p, out, arg, x) }, 1},
		{"grad max pool", 0, 4*p.InLen() + 5*p.OutLen(), func() error { return b.MaxPoolGrad(p, x, out, arg) }, 1},
		{"average pool", 0, 8 * 512 * m, func() error { return b.AveragePool(mean, last, 1, 512, 1, m) }, 1},
		{"grad average pool", 0, 8 * 512 * m, func() error { return b.AveragePoolGrad(last, mean, 1, 512, 1, m) }, 1},
	}
}
