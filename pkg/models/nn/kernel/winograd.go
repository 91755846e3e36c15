package kernel

import (
	"github.com/bgmd/bgmd/internal/gemm"
	"github.com/bgmd/bgmd/internal/winograd"
)

// When [Winograd] is used.
const (
	// leastGain is how many times fewer multiplications it must have than the
	// definition, without taps that fall outside: its transforms take time, too.
	leastGain = 2
	// mostWeights is the most transformed weights, 16 MB, that pass through the
	// caches a few times for each client.
	mostWeights = 4 << 20
)

// Fast tells whether the convolution is computed by [Winograd], where one may choose.
// Nothing else decides that. It goes by geometry alone, so that results do not depend on
// what a machine was doing while it measured. Measured on one core of a Zen 5 (AVX-512;
// AVX2 gains as much or more), all three products together:
//
//	                                    N  multiplications  time
//	5×5,  64 channels, 12×12 (LeNet)   64  6.25 times fewer  4.8 times less
//	                                    6  2.34              1.4
//	3×3,  64 channels, 32×32           32  3.84              more than 3
//	     128 channels, 16×16           32  3.67              3.2
//	      64 channels,   8×8          128  3.36              2.5
//	     256 channels,   8×8          128  3.36              2.5
//	      16 channels,   8×8          128  3.36              1.5
//	     128 channels,   4×4          128  2.78              2.3
//	     512 channels,   4×4          128  2.78              0.8, weights beyond the caches
//	      64 channels,   3×3          128  1.36              0.96
//
// N counts, since samples are taken 16 at a time: one alone costs as much as 16.
func (c Conv) Fast() bool {
	if c.stride() != 1 || c.Thin() || c.Co < maxThin || !winograd.Has(c.K) {
		return false
	}
	m := c.minimal()
	return c.Flops() >= leastGain*m.Flops(c.N) && m.WeightsLen() <= mostWeights
}

func (c Conv) minimal() winograd.Conv {
	return winograd.Conv{Ci: c.Ci, H: c.H, W: c.W, Co: c.Co, K: c.K, Pad: c.Pad}
}

// Group is the number of samples that [Winograd] takes at a time.
const Group = winograd.Lanes

// Space is the memory that any number of [Winograd] share which run one after
// another. The zero value is ready.
type Space = winograd.Space

// Winograd computes a convolution's products by package winograd, with fewer
// multiplications than their definition has, on arrays of the same layout. It takes
// the batch in groups of Group samples; zeros fill up the last.
type Winograd struct {
	Conv
	plan  *winograd.Plan
	space *Space
	// What the last group's samples are copied to where they do not fill it.
	in, din, out []float32
}

// NewWinograd returns the products of a c that is [Conv.Fast].
func NewWinograd(c Conv, space *Space) *Winograd {
	f := &Winograd{Conv: c, plan: winograd.NewPlan(c.minimal(), gemm.Default), space: space}
	if c.N%Group != 0 {
		size := c.H * c.Ci * c.W * Group
		f.in, f.din, f.out = make([]float32, size), make([]float32, size), make([]float32, f.GroupLen())
	}
	return f
}

// FastSize is the number of elements that [Winograd] takes for a c that is fast: of
// its own, of the space that others share, and of transformed weights. With gradients
// it counts what they need.
func (c Conv) FastSize(gradients bool) (own, memory, gradient, transformed int) {
	plan := winograd.NewPlan(c.minimal(), gemm.Default)
	if c.N%Group != 0 {
		own = (2*c.H*c.Ci*c.W + c.OH()*c.Co*c.OW()) * Group
	}
	memory, gradient = plan.SpaceLen(gradients)
	return own, memory, gradient, plan.WeightsLen()
}

// Flops counts the multiplications and additions of one product.
func (f *Winograd) Flops() int { return f.minimal().Flops(f.N) }

// Groups is the number of groups.
func (f *Winograd) Groups() int { return (f.N + Group - 1) / Group }

// GroupLen is the number of elements of one group's output, OH×Co×OW×Group.
func (f *Winograd) GroupLen() int { return f.OH() * f.Co * f.OW() * Group }

// Transformed is the number of elements of the transformed weights.
func (f *Winograd) Transformed() int { return f.plan.WeightsLen() }

// Transform computes the transformed weights u of output channels [from, to).
func (f *Winograd) Transform(u, w []float32, from, to int) { f.plan.Transform(u, w, from, to) }

// Forward computes the output of the whole batch, OH×Co×OW×N, from the transformed
// weights u.
func (f *Winograd) Forward(out, u, in []float32) {
	full := f.N / Group
	if full > 0 {
		f.plan.Forward(f.space, f.place(out, f.Co, f.OW(), 0), u, f.place(in, f.Ci, f.W, 0), full)
	}
	if full < f.Groups() {
		f.ForwardGroup(f.out, u, in, full)
		move(out[full*Group:], f.out, f.N, Group, f.N%Group)
	}
}

// ForwardGroup computes the output of group g alone.
func (f *Winograd) ForwardGroup(out, u, in []float32, g int) {
	f.plan.Forward(f.space, group(out, f.Co, f.OW()), u, f.input(in, g), 1)
}

// GradWeight computes the gradient dw of the weights from that of the output.
func (f *Winograd) GradWeight(dw, dout, in []float32) {
	full := f.N / Group
	g := winograd.Gradients{DU: f.space.Gradient(f.plan), Fresh: true}
	if full > 0 {
		f.plan.Backward(f.space, g, f.place(dout, f.Co, f.OW(), 0), nil, f.place(in, f.Ci, f.W, 0), full)
		g.Fresh = false
	}
	if full < f.Groups() {
		f.plan.Backward(f.space, g, f.lastOutput(dout), nil, f.input(in, full), 1)
	}
	f.plan.GradWeights(f.space, dw, g.DU)
}

// GradInput adds to din the gradient of the input from that of the output.
func (f *Winograd) GradInput(din, u, dout []float32) {
	full := f.N / Group
	if full > 0 {
		g := winograd.Gradients{DX: f.place(din, f.Ci, f.W, 0), Add: true}
		f.plan.Backward(f.space, g, f.place(dout, f.Co, f.OW(), 0), u, winograd.View{}, full)
	}
	if full < f.Groups() {
		g := winograd.Gradients{DX: group(f.din, f.Ci, f.W)}
		f.plan.Backward(f.space, g, f.lastOutput(dout), u, winograd.View{}, 1)
		n := f.N % Group
		for i := 0; i < len(din); i += f.N {
			to, from := din[i+full*Group:][:n], f.din[i/f.N*Group:]
			for s := range to {
				to[s] += from[s]
			}
		}
	}
}

// GradGroup computes the gradient din of the input of group g alone, and adds what
// the group gives to the gradient of the weights, which group 0 begins anew. dout is
// the group's, OH×Co×OW×Group.
func (f *Winograd) GradGroup(din, dout, u, in []float32, g int) {
	want := winograd.Gradients{DU: f.space.Gradient(f.plan), Fresh: g == 0}
	partial := (g+1)*Group > f.N
	if partial {
		want.DX = group(f.din, f.Ci, f.W)
	} else {
		want.DX = f.place(din, f.Ci, f.W, g)
	}
	f.plan.Backward(f.space, want, group(dout, f.Co, f.OW()), u, f.input(in, g), 1)
	if partial {
		move(din[g*Group:], f.din, f.N, Group, f.N%Group)
	}
}

// GradGroups computes the gradient dw of the weights when GradGroup has had all
// groups.
func (f *Winograd) GradGroups(dw []float32) {
	f.plan.GradWeights(f.space, dw, f.space.Gradient(f.plan))
}

// place is a view of an array of H×channels×w×N from group g on.
func (f *Winograd) place(x []float32, channels, w, g int) winograd.View {
	return winograd.View{X: x[g*Group:], Row: channels * w * f.N, Channel: w * f.N, Pixel: f.N, Group: Group}
}

// group is a view of one group alone.
func group(x []float32, channels, w int) winograd.View {
	return winograd.View{X: x, Row: channels * w * Group, Channel: w * Group, Pixel: Group}
}

// input is a view of group g of the input.
func (f *Winograd) input(in []float32, g int) winograd.View {
	if (g+1)*Group <= f.N {
		return f.place(in, f.Ci, f.W, g)
	}
	move(f.in, in[g*Group:], Group, f.N, f.N%Group)
	return group(f.in, f.Ci, f.W)
}

// lastOutput is a view of the last group of the output's gradient, which its samples
// do not fill.
func (f *Winograd) lastOutput(dout []float32) winograd.View {
	move(f.out, dout[f.N/Group*Group:], Group, f.N, f.N%Group)
	return group(f.out, f.Co, f.OW())
}

// move copies n samples of every pixel, which has so many in dst and in src. Of a
// whole group, the others become zeros.
func move(dst, src []float32, dstPixel, srcPixel, n int) {
	for i, j := 0, 0; j < len(src); i, j = i+dstPixel, j+srcPixel {
		copy(dst[i:][:n], src[j:])
		if dstPixel == Group {
			clear(dst[i:][n:Group])
		}
	}
}
