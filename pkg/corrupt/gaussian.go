package corrupt

import (
	"math"
	"math/rand/v2"
)

// gaussian generates float32 values from N(0, 1) by the ziggurat method with
// 256 layers [Marsaglia and Tsang 2000], two values from a 64-bit draw: half
// the time of rand.NormFloat64, which [AdditiveGradient] needs 10⁷ times a
// step. Layer and value come from different bits [Doornik 2005].
type gaussian struct {
	src   rand.PCG
	draws [512]uint32 // drawn ahead, in a loop of its own, which is faster
	used  int         // how many of them
}

func newGaussian(seed1, seed2 uint64) *gaussian {
	g := &gaussian{src: *rand.NewPCG(seed1, seed2)}
	g.used = len(g.draws)
	return g
}

// next returns one value.
func (g *gaussian) next() float32 {
	bits := g.ahead()[0]
	g.used++
	if x, ok := zig.inside(bits); ok {
		return x
	}
	return g.edge(bits)
}

// addTo adds std times the next len(dst) values to dst. The products are
// rounded before they are added, so that all machines agree.
func (g *gaussian) addTo(dst []float32, std float32) {
	for len(dst) > 0 {
		draws := g.ahead()
		draws = draws[:min(len(draws), len(dst))]
		g.used += len(draws)
		block := dst[:len(draws)]
		for j, bits := range draws {
			x, ok := zig.inside(bits)
			if !ok {
				x = g.edge(bits)
			}
			block[j] += float32(std * x)
		}
		dst = dst[len(draws):]
	}
}

// ahead returns the draws that are not used yet, at least one.
func (g *gaussian) ahead() []uint32 {
	if g.used == len(g.draws) {
		for i := 0; i < len(g.draws); i += 2 {
			draw := g.src.Uint64()
			g.draws[i], g.draws[i+1] = uint32(draw), uint32(draw>>32)
		}
		g.used = 0
	}
	return g.draws[g.used:]
}

// edge returns the value for bits for which [ziggurat.inside] failed, one in a
// hundred: their point is accepted if it lies under the curve, or replaced.
func (g *gaussian) edge(bits uint32) float32 {
	for {
		x, ok := zig.inside(bits)
		if ok {
			return x
		}
		layer := bits % layers
		if layer == 0 {
			return g.tail(x < 0)
		}
		low, high := zig.height[layer], zig.height[layer+1]
		if low+(high-low)*g.uniform() < curve(float64(x)) {
			return x
		}
		bits = uint32(g.src.Uint64())
	}
}

// tail returns a value beyond tailEdge [Marsaglia 1964].
func (g *gaussian) tail(negative bool) float32 {
	for {
		x := -math.Log(g.uniform()) / tailEdge
		if y := -math.Log(g.uniform()); 2*y < x*x {
			continue
		}
		if negative {
			x = -x - 2*tailEdge
		}
		return float32(tailEdge + x)
	}
}

// uniform returns a value in (0, 1), the middle of one of 2⁵² equal parts.
func (g *gaussian) uniform() float64 {
	return (float64(g.src.Uint64()>>12) + 0.5) * 0x1p-52
}

// The ziggurat covers [curve] on x ≥ 0 by layers of equal area [Marsaglia and
// Tsang 2000]. Layer 0, the lowest, is the strip up to the curve's height at
// tailEdge together with the tail beyond. Layer i ≥ 1 is a rectangle of which
// all to the left of the next layer's edge lies under the curve.
const (
	layers    = 256
	tailEdge  = 3.6541528853610088
	layerArea = 0.00492867323399
)

// curve is the density of N(0, 1), up to a factor.
func curve(x float64) float64 { return math.Exp(-0.5 * x * x) }

var zig = newZiggurat()

type ziggurat struct {
	step   [layers]float32     // width / 2²³
	under  [layers]uint32      // below so many steps, the layer is under the curve
	height [layers + 1]float64 // the layer's lower border, which is the curve's height at its edge
}

// inside turns 8 of the bits into a layer and 24 into a signed value in it, the
// middle of one of 2²⁴ equal parts, and reports whether it is known to lie
// under the curve.
func (z *ziggurat) inside(bits uint32) (x float32, ok bool) {
	layer := bits % layers
	steps := int32(bits) >> 8
	distance := uint32(steps ^ steps>>31) // steps below zero count from −1
	return (float32(steps) + 0.5) * z.step[layer], distance < z.under[layer]
}

func newZiggurat() *ziggurat {
	z := new(ziggurat)
	width := layerArea / curve(tailEdge) // layer 0 as a rectangle
	next := tailEdge                     // width of the layer above
	for i := range layers {
		z.step[i] = float32(width * 0x1p-23)
		z.under[i] = uint32(next / width * 0x1p23)
		width = next
		z.height[i+1] = curve(width)
		next = 0
		if top := z.height[i+1] + layerArea/width; top < 1 {
			next = math.Sqrt(-2 * math.Log(top))
		}
	}
	return z
}
