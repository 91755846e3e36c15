package bench

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"time"

	"github.com/bgmd/bgmd/internal/bounds"
	"github.com/bgmd/bgmd/internal/gemm"
	"github.com/bgmd/bgmd/internal/stream"
	"github.com/bgmd/bgmd/pkg/models/nn/kernel"
)

// Kernels says for which batches to time the products of layers, and for how long each.
type Kernels struct {
	Batches []int `json:"batches"`
	MS      int   `json:"ms_per_kernel"`
}

// KernelsResult is what was measured, on one core.
type KernelsResult struct {
	Kernels
	Backend  string        `json:"backend"`
	Peak     float64       `json:"peak_gflops"`  // multiply-adds in registers
	Sgemm    float64       `json:"sgemm_gflops"` // 512×512×512 products
	Cache    float64       `json:"cache_gbs"`    // reading 256 kB again and again
	Memory   float64       `json:"memory_gbs"`   // reading 256 MB
	Products []KernelSpeed `json:"kernels"`
}

// KernelSpeed is the speed of one of a layer's products.
type KernelSpeed struct {
	Layer   string  `json:"layer"`
	Product string  `json:"product"`
	Batch   int     `json:"batch"`
	GFLOPS  float64 `json:"gflops"`
	Nominal float64 `json:"effective_gflops"` // by the layer's definition
	OfPeak  float64 `json:"share_of_peak"`
	OfSgemm float64 `json:"share_of_sgemm"`
	// Intensity is the number of multiplications and additions for a byte of all
	// operands, each counted once.
	Intensity float64 `json:"flops_per_byte"`
}

// Check reports all that [Kernels.Run] cannot do, a line each that begins with the
// flag's name: batch for Batches, time for MS.
func (b Kernels) Check() error {
	errs := []error{bounds.Check(bounds.Count{Name: "time", Value: b.MS, Least: 1})}
	if len(b.Batches) == 0 {
		errs = append(errs, errors.New("batch is empty, want the sizes of batches"))
	}
	for _, n := range b.Batches {
		errs = append(errs, bounds.Check(bounds.Count{Name: "batch", Value: n, Least: 1}))
	}
	return errors.Join(errs...)
}

// convs are the convolutions of LeNet and of ResNet-18 on 32×32 images.
var convs = []struct {
	layer  string
	pooled bool // at once, two rows at a time
	kernel.Conv
}{
	{"lenet conv1", true, kernel.Conv{Ci: 1, H: 28, W: 28, Co: 64, K: 5}},
	{"lenet conv2", true, kernel.Conv{Ci: 64, H: 12, W: 12, Co: 64, K: 5}},
	{"resnet18 conv1", false, kernel.Conv{Ci: 3, H: 32, W: 32, Co: 64, K: 7, Stride: 2, Pad: 3}},
	{"resnet18 layer1", false, kernel.Conv{Ci: 64, H: 8, W: 8, Co: 64, K: 3, Pad: 1}},
	{"resnet18 layer2, stride 2", false, kernel.Conv{Ci: 64, H: 8, W: 8, Co: 128, K: 3, Stride: 2, Pad: 1}},
	{"resnet18 layer2", false, kernel.Conv{Ci: 128, H: 4, W: 4, Co: 128, K: 3, Pad: 1}},
	{"resnet18 layer3", false, kernel.Conv{Ci: 256, H: 2, W: 2, Co: 256, K: 3, Pad: 1}},
	{"resnet18 layer4", false, kernel.Conv{Ci: 512, H: 1, W: 1, Co: 512, K: 3, Pad: 1}},
}

// linears are their fully connected layers.
var linears = []struct {
	layer   string
	in, out int
}{
	{"lenet fc1", 1024, 1024},
	{"lenet fc2", 1024, 10},
}

// product is one of a layer's products, and what it computes.
type product struct {
	layer, name string
	flops       int
	nominal     int // flops by definition
	operands    int // float32s
	run         func()
}

// Run times every product again and again and takes the best time of each.
func (b Kernels) Run(ctx context.Context) (KernelsResult, error) {
	if err := b.Check(); err != nil {
		return KernelsResult{}, err
	}
	r := KernelsResult{Kernels: b, Backend: gemm.Backend(), Peak: peakGFLOPS(), Sgemm: Sgemm(), Cache: readGBs(256 << 10), Memory: readGBs(256 << 20)}
	rng := stream.Root(1).At(stream.Synthetic)
	for _, n := range b.Batches {
		for _, p := range products(n, rng) {
			if err := ctx.Err(); err != nil {
				return r, err
			}
			best := math.Inf(1)
			for start := time.Now(); time.Since(start) < time.Duration(b.MS)*time.Millisecond; {
				t := time.Now()
				p.run()
				best = min(best, time.Since(t).Seconds())
			}
			speed := float64(p.flops) / best / 1e9
			nominal := float64(p.nominal) / best / 1e9
			r.Products = append(r.Products, KernelSpeed{p.layer, p.name, n, speed, nominal, speed / r.Peak, speed / r.Sgemm, float64(p.flops) / float64(4*p.operands)})
		}
	}
	return r, nil
}

// products lists all products for batches of n.
func products(n int, rng *rand.Rand) (list []product) {
	for _, l := range convs {
		c := l.Conv
		c.N = n
		row := c.Co * c.OW() * n
		rows := c.OH()
		if l.pooled {
			rows = 2 // all that ever exists
		}
		w, in, out := normal(rng, c.Co*c.Ci*c.K*c.K), normal(rng, c.Ci*c.H*c.W*n), normal(rng, rows*row)
		grad, arranged := make([]float32, max(len(w), len(in))), c.Arrange(make([]float32, c.ArrangedLen()), in)
		add := func(name string, f func(row []float32, y int)) {
			list = append(list, product{l.layer, name, c.Flops(), c.Flops(), len(w) + len(in) + c.OH()*row, func() {
				for y := range c.OH() {
					f(out[y%rows*row:][:row], y)
				}
			}})
		}
		add("weight gradient", func(dout []float32, y int) { c.GradWeight(grad[:len(w)], dout, arranged, y) })
		if !c.Thin() {
			add("input gradient", func(dout []float32, y int) { c.GradInput(grad[:len(in)], w, dout, y) })
		}
		add("forward", func(out []float32, y int) { c.Forward(out, w, arranged, y) })
		if c.Fast() {
			list = append(list, fastProducts(l.layer, c, w, in)...)
		}
	}
	for _, l := range linears {
		w, x, out := normal(rng, l.out*l.in), normal(rng, l.in*n), normal(rng, l.out*n)
		bias, dw, dx := make([]float32, l.out), make([]float32, l.out*l.in), make([]float32, l.in*n)
		flops, operands := 2*l.out*l.in*n, len(w)+len(x)+len(out)
		list = append(list,
			product{l.layer, "weight gradient", flops, flops, operands, func() { kernel.GradLinear(dw, bias, out, x, n) }},
			product{l.layer, "input gradient", flops, flops, operands, func() { kernel.GradLinearInput(dx, out, w, n) }},
			product{l.layer, "forward", flops, flops, operands, func() { kernel.Linear(out, w, bias, x, n) }})
		p, space := kernel.Packed{In: l.in, Out: l.out}, &kernel.Space{}
		if !p.Pays() {
			continue
		}
		packed := make([]float32, p.Len(true))
		p.Pack(packed, w)
		list = append(list,
			product{l.layer + ", packed", "input gradient", flops, flops, operands, func() { p.GradInput(space, dx, packed, out, n) }},
			product{l.layer + ", packed", "forward", flops, flops, operands, func() { p.Forward(space, out, packed, bias, x, n) }})
	}
	return list
}

// fastProducts lists the products of a convolution that takes fewer multiplications,
// with weights that are transformed already, as for all clients of a step.
func fastProducts(layer string, c kernel.Conv, w, in []float32) []product {
	f := kernel.NewWinograd(c, &kernel.Space{})
	u, out := make([]float32, f.Transformed()), make([]float32, c.OH()*c.Co*c.OW()*c.N)
	f.Transform(u, w, 0, c.Co)
	dw, din := make([]float32, len(w)), make([]float32, len(in))
	layer += ", winograd"
	operands := len(u) + len(in) + len(out)
	return []product{
		{layer, "weight gradient", f.Flops(), c.Flops(), operands, func() { f.GradWeight(dw, out, in) }},
		{layer, "input gradient", f.Flops(), c.Flops(), operands, func() { f.GradInput(din, u, out) }},
		{layer, "forward", f.Flops(), c.Flops(), operands, func() { f.Forward(out, u, in) }},
	}
}

func normal(rng *rand.Rand, n int) []float32 {
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(rng.NormFloat64())
	}
	return x
}
