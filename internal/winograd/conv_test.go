package winograd

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/bgmd/bgmd/internal/gemm"
	"github.com/bgmd/bgmd/internal/racing"
)

// A problem is a convolution with its operands in H×C×W×N, weights K×Co×K×Ci, and
// all three products in float64 by the definition.
type problem struct {
	Conv
	n         int
	x, w, dy  []float32
	y, dx, dw []float64
	space     *Space
}

// view is that of an array of so many channels of rows of w pixels of n samples.
func view(x []float32, channels, w, n int) View {
	return View{X: x, Row: channels * w * n, Channel: w * n, Pixel: n, Group: Lanes}
}

func newProblem(c Conv, n int) *problem {
	rng := rand.New(rand.NewPCG(uint64(c.Ci*c.H+c.W), uint64(n)))
	p := &problem{Conv: c, n: n, space: &Space{}}
	p.x, p.w, p.dy = normal(rng, c.H*c.Ci*c.W*n), normal(rng, c.K*c.Co*c.K*c.Ci), normal(rng, c.OH()*c.Co*c.OW()*n)
	p.y, p.dx, p.dw = make([]float64, len(p.dy)), make([]float64, len(p.x)), make([]float64, len(p.w))
	for oy := range c.OH() {
		for ox := range c.OW() {
			for tap := range c.K * c.K {
				iy, ix := oy-c.Pad+tap/c.K, ox-c.Pad+tap%c.K
				if iy < 0 || iy >= c.H || ix < 0 || ix >= c.W {
					continue
				}
				for co := range c.Co {
					o := ((oy*c.Co+co)*c.OW() + ox) * n
					for ci := range c.Ci {
						p.tap(o, ((iy*c.Ci+ci)*c.W+ix)*n, ((tap%c.K*c.Co+co)*c.K+tap/c.K)*c.Ci+ci)
					}
				}
			}
		}
	}
	return p
}

// tap adds what one weight does where its output and input lie.
func (p *problem) tap(o, i, k int) {
	w, sum := float64(p.w[k]), 0.0
	y, dy, x, dx := p.y[o:][:p.n], p.dy[o:][:p.n], p.x[i:][:p.n], p.dx[i:][:p.n]
	for s := range x {
		y[s] += w * float64(x[s])
		dx[s] += w * float64(dy[s])
		sum += float64(dy[s]) * float64(x[s])
	}
	p.dw[k] += sum
}

// products computes all three with the kernels of g.
func (p *problem) products(g *gemm.Kernels) (y, dx, dw []float32) {
	plan := NewPlan(p.Conv, g)
	u, du := make([]float32, plan.WeightsLen()), make([]float32, plan.GradLen())
	plan.Transform(u, p.w, 0, p.Co)
	y, dx, dw = stale(len(p.y)), stale(len(p.dx)), stale(len(p.dw))
	x := view(p.x, p.Ci, p.W, p.n)
	plan.Forward(p.space, view(y, p.Co, p.OW(), p.n), u, x, p.n/Lanes)
	dy := view(p.dy, p.Co, p.OW(), p.n)
	plan.Backward(p.space, Gradients{DU: du, Fresh: true, DX: view(dx, p.Ci, p.W, p.n)}, dy, u, x, p.n/Lanes)
	plan.GradWeights(p.space, dw, du)
	return y, dx, dw
}

func stale(n int) []float32 {
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(math.NaN())
	}
	return x
}

// errors returns the distance of got from want over the norm of want (Frobenius),
// and the largest difference over the root mean square of want.
func errors(got []float32, want []float64) (relative, largest float64) {
	var difference, norm float64
	for i, w := range want {
		d := float64(got[i]) - w
		difference += d * d
		norm += w * w
		largest = max(largest, math.Abs(d))
		if math.IsNaN(d) {
			return d, d
		}
	}
	return math.Sqrt(difference / norm), largest / math.Sqrt(norm/float64(len(want)))
}

// convs are LeNet's second convolution, those of ResNet-18, and what is uneven:
// maps that tiles do not divide, not square, as small as the kernel, of many tiles,
// channels that vectors do not divide, any padding.
var convs = []struct {
	Conv
	n int
}{
	{Conv{Ci: 64, H: 12, W: 12, Co: 64, K: 5}, 16},
	{Conv{Ci: 64, H: 12, W: 12, Co: 64, K: 5}, 64},
	{Conv{Ci: 64, H: 8, W: 8, Co: 64, K: 3, Pad: 1}, 32},
	{Conv{Ci: 128, H: 4, W: 4, Co: 128, K: 3, Pad: 1}, 96},
	{Conv{Ci: 17, H: 9, W: 6, Co: 19, K: 5}, 16},
	{Conv{Ci: 16, H: 5, W: 5, Co: 1, K: 5}, 48},
	{Conv{Ci: 20, H: 7, W: 10, Co: 33, K: 5, Pad: 2}, 32},
	{Conv{Ci: 16, H: 11, W: 27, Co: 18, K: 5, Pad: 1}, 16},
	{Conv{Ci: 31, H: 3, W: 4, Co: 16, K: 3}, 16},
	{Conv{Ci: 16, H: 1, W: 2, Co: 17, K: 3, Pad: 1}, 80},
	{Conv{Ci: 18, H: 13, W: 6, Co: 16, K: 3, Pad: 1}, 32},
	{Conv{Ci: 16, H: 6, W: 33, Co: 16, K: 3, Pad: 1}, 16},
}

// TestProducts holds all products to the definition in float64. The bounds are
// about 1.5 times what is measured on LeNet's and ResNet-18's layers, which
// TestErrors prints.
func TestProducts(t *testing.T) {
	for _, c := range convs {
		p := newProblem(c.Conv, c.n)
		relative, largest := 6e-6, 7e-5
		if c.K == 3 {
			relative, largest = 2e-6, 2e-5
		}
		for _, g := range available() {
			y, dx, dw := p.products(g)
			for _, r := range []struct {
				what string
				got  []float32
				want []float64
			}{{"y", y, p.y}, {"dx", dx, p.dx}, {"dw", dw, p.dw}} {
				f, l := errors(r.got, r.want)
				t.Logf("%s, %+v, N = %d: %s: relative error %.2g, largest %.2g", g, c.Conv, c.n, r.what, f, l)
				if !(f <= relative && l <= largest) {
					t.Errorf("%s, %+v, N = %d: %s is off by %.2g of its norm, its worst element by %.2g of the root mean square; want at most %.2g and %.2g", g, c.Conv, c.n, r.what, f, l, relative, largest)
				}
			}
		}
	}
}

// TestSameBits: AVX-512 and AVX2 agree to the bit, whichever a processor prefers.
func TestSameBits(t *testing.T) {
	list := available()
	if len(list) < 3 {
		t.Skip("this processor has no two instruction sets to compare")
	}
	for _, c := range convs {
		p := newProblem(c.Conv, c.n)
		y, dx, dw := p.products(list[0])
		y2, dx2, dw2 := p.products(list[1])
		if !slices.Equal(y, y2) || !slices.Equal(dx, dx2) || !slices.Equal(dw, dw2) {
			t.Errorf("%+v, N = %d: %s and %s differ", c.Conv, c.n, list[0], list[1])
		}
	}
}

// TestGradientsApart: each gradient alone has the bits it has beside the other, one
// that is added to another is their sum, and groups one after another give what they
// give at once.
func TestGradientsApart(t *testing.T) {
	for _, c := range convs {
		p := newProblem(c.Conv, c.n)
		plan := NewPlan(c.Conv, gemm.Default)
		u := make([]float32, plan.WeightsLen())
		plan.Transform(u, p.w, 0, c.Co)
		_, dx, dw := p.products(gemm.Default)
		x, dy := view(p.x, p.Ci, p.W, p.n), view(p.dy, p.Co, p.OW(), p.n)

		alone := stale(len(dx))
		plan.Backward(p.space, Gradients{DX: view(alone, p.Ci, p.W, p.n)}, dy, u, View{}, p.n/Lanes)
		if !slices.Equal(alone, dx) {
			t.Errorf("%+v: dx alone differs", c.Conv)
		}
		rng := rand.New(rand.NewPCG(5, 5))
		sum := normal(rng, len(dx))
		before := slices.Clone(sum)
		plan.Backward(p.space, Gradients{DX: view(sum, p.Ci, p.W, p.n), Add: true}, dy, u, View{}, p.n/Lanes)
		for i, v := range sum {
			if math.Abs(float64(v-before[i]-dx[i])) > 1e-4 {
				t.Fatalf("%+v: element %d of dx added to %v is %v, and alone %v", c.Conv, i, before[i], v, dx[i])
			}
		}

		du, got := stale(plan.GradLen()), stale(len(dw))
		for s := 0; s < p.n/Lanes; s++ {
			x, dy := x, dy
			x.X, dy.X = x.X[s*Lanes:], dy.X[s*Lanes:]
			plan.Backward(p.space, Gradients{DU: du, Fresh: s == 0}, dy, nil, x, 1)
		}
		plan.GradWeights(p.space, got, du)
		if plan.groups == 1 && !slices.Equal(got, dw) {
			t.Errorf("%+v: dw of groups one after another differs", c.Conv)
		}
		if f, _ := errors(got, p.dw); !(f < 6e-6) {
			t.Errorf("%+v: dw of groups one after another is off by %.2g", c.Conv, f)
		}
	}
}

func TestFlops(t *testing.T) {
	for _, c := range []struct {
		Conv
		samples, want int
	}{
		// 4 tiles of 64 points of 64×64 channels, and of 16 samples each
		{Conv{Ci: 64, H: 12, W: 12, Co: 64, K: 5}, 16, 2 * 4 * 64 * 64 * 64 * 16},
		// 2 tiles of 36 points; 17 samples are two groups
		{Conv{Ci: 16, H: 4, W: 5, Co: 32, K: 3, Pad: 1}, 17, 2 * 2 * 36 * 16 * 32 * 32},
	} {
		if got := c.Flops(c.samples); got != c.want {
			t.Errorf("%+v, %d samples: %d multiplications and additions, want %d", c.Conv, c.samples, got, c.want)
		}
	}
}

func BenchmarkProducts(b *testing.B) {
	for _, c := range convs[:4] {
		p := newProblem(Conv{Ci: c.Ci, H: c.H, W: c.W, Co: c.Co, K: c.K, Pad: c.Pad}, c.n)
		for _, g := range available() {
			plan := NewPlan(c.Conv, g)
			u, du := make([]float32, plan.WeightsLen()), make([]float32, plan.GradLen())
			y, dx, dw := make([]float32, len(p.y)), make([]float32, len(p.dx)), make([]float32, len(p.dw))
			yv, xv, dyv, dxv := view(y, p.Co, p.OW(), p.n), view(p.x, p.Ci, p.W, p.n), view(p.dy, p.Co, p.OW(), p.n), view(dx, p.Ci, p.W, p.n)
			groups := p.n / Lanes
			for _, f := range []struct {
				name  string
				flops int
				run   func()
			}{
				{"weights", 0, func() { plan.Transform(u, p.w, 0, p.Co) }},
				{"forward", 1, func() { plan.Forward(p.space, yv, u, xv, groups) }},
				{"dx", 1, func() { plan.Backward(p.space, Gradients{DX: dxv}, dyv, u, xv, groups) }},
				{"dw", 1, func() {
					plan.Backward(p.space, Gradients{DU: du, Fresh: true}, dyv, u, xv, groups)
					plan.GradWeights(p.space, dw, du)
				}},
				{"both", 2, func() {
					plan.Backward(p.space, Gradients{DU: du, Fresh: true, DX: dxv}, dyv, u, xv, groups)
					plan.GradWeights(p.space, dw, du)
				}},
			} {
				b.Run(fmt.Sprintf("%dx%d,%dx%dx%d,N=%d/%s/%s", c.K, c.K, c.Ci, c.H, c.W, c.n, g, f.name), func(b *testing.B) {
					for b.Loop() {
						f.run()
					}
					b.ReportMetric(float64(f.flops*plan.Flops(p.n))*float64(b.N)/b.Elapsed().Seconds()/1e9, "GFLOPS")
				})
			}
		}
	}
}

// TestProductsAllocateNothing, in a space that has been used.
func TestProductsAllocateNothing(t *testing.T) {
	if racing.Enabled {
		t.Skip("the race detector allocates, too")
	}
	p := newProblem(Conv{Ci: 16, H: 8, W: 8, Co: 16, K: 5}, 16)
	plan := NewPlan(p.Conv, gemm.Default)
	memory, gradient := plan.SpaceLen(true)
	p.space.Reserve(memory, gradient)
	u, x, dy := make([]float32, plan.WeightsLen()), view(p.x, p.Ci, p.W, p.n), view(p.dy, p.Co, p.OW(), p.n)
	allocs := testing.AllocsPerRun(10, func() {
		plan.Forward(p.space, dy, u, x, 1)
		g := Gradients{DU: p.space.Gradient(plan), Fresh: true, DX: x}
		plan.Backward(p.space, g, dy, u, x, 1)
		plan.GradWeights(p.space, p.w, g.DU)
	})
	if allocs != 0 {
		t.Errorf("the products allocate %v times", allocs)
	}
}
