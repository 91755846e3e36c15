package corrupt

import (
	"math"
	"slices"
	"testing"
)

// TestGaussianIsNormal compares 4 million values with N(0, 1): the first four
// moments, and the distribution function at points from the bulk to the tail.
func TestGaussianIsNormal(t *testing.T) {
	const n = 1 << 22
	xs := make([]float32, n)
	newGaussian(1, 2).addTo(xs, 1)

	var moment [5]float64
	for _, x := range xs {
		p := 1.
		for k := range moment {
			moment[k] += p / n
			p *= float64(x)
		}
	}
	// The deviations of x, x², x³, x⁴ under N(0, 1).
	for k, want := range []struct{ mean, std float64 }{{1, 0}, {0, 1}, {1, math.Sqrt2}, {0, math.Sqrt(15)}, {3, math.Sqrt(96)}} {
		if math.Abs(moment[k]-want.mean) > 5*want.std/math.Sqrt(n)+1e-9 {
			t.Errorf("moment %d is %.5f, want %v", k, moment[k], want.mean)
		}
	}

	slices.Sort(xs)
	for _, x := range []float64{-4.5, -tailEdge, -3, -2, -1, -0.5, -0.01, 0, 0.2, 0.7, 1.5, 2.5, 3.5, tailEdge, 4} {
		below, _ := slices.BinarySearch(xs, float32(x))
		near(t, "share of values below", float64(below)/n, 0.5*math.Erfc(-x/math.Sqrt2), n)
	}
	// The largest deviation of the distribution functions [Kolmogorov 1933]:
	// above 1.95/√n with probability 0.001.
	var worst float64
	for i, x := range xs {
		worst = max(worst, math.Abs(float64(i)/n-0.5*math.Erfc(-float64(x)/math.Sqrt2)))
	}
	if worst > 1.95/math.Sqrt(n) {
		t.Errorf("Kolmogorov's distance from N(0, 1) is %.6f, want below %.6f", worst, 1.95/math.Sqrt(n))
	}
}

func TestZiggurat(t *testing.T) {
	// Layers have equal areas, and the topmost ends at the curve's peak.
	for i := 1; i < layers; i++ {
		width := float64(zig.step[i]) * 0x1p23
		area := width * (zig.height[i+1] - zig.height[i])
		if math.Abs(area-layerArea) > 1e-8 {
			t.Errorf("layer %d has area %v, want %v", i, area, layerArea)
		}
	}
	if top := zig.height[layers]; math.Abs(top-1) > 1e-8 {
		t.Errorf("the top is at height %v, want 1", top)
	}
	// A bit pattern and its complement above the layer are opposite values.
	for _, bits := range []uint32{7, 0x12345607, 0x7fffff07} {
		x, _ := zig.inside(bits)
		y, _ := zig.inside(^bits&^0xff | bits&0xff)
		if x != -y {
			t.Errorf("bits %#x: values %v and %v, want opposite", bits, x, y)
		}
	}
}

// TestGaussianSequence checks that a sequence does not depend on how it is
// asked for.
func TestGaussianSequence(t *testing.T) {
	want := make([]float32, 2000)
	newGaussian(3, 4).addTo(want, 1)
	got := make([]float32, len(want))
	g := newGaussian(3, 4)
	g.addTo(got[:701], 1)
	for i := 701; i < 900; i++ {
		got[i] = g.next()
	}
	g.addTo(got[900:], 1)
	if !slices.Equal(got, want) {
		t.Error("values asked for one by one and in blocks differ")
	}
}
