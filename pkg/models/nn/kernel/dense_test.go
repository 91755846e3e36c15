package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

func TestLinear(t *testing.T) {
	for _, n := range []int{1, 3, 16} {
		for _, s := range []struct{ out, in int }{{1, 1}, {3, 7}, {70, 5}, {10, 130}} {
			t.Run(fmt.Sprintf("%d to %d, N=%d", s.in, s.out, n), func(t *testing.T) {
				rng := source(11)
				w, b, x := normal(rng, s.out*s.in), normal(rng, s.out), normal(rng, s.in*n)
				dout := normal(rng, s.out*n)
				out, db := make([]sum, s.out*n), make([]sum, s.out)
				dw, dx := make([]sum, s.out*s.in), make([]sum, s.in*n)
				for o := range s.out {
					for i := range n {
						out[o*n+i].add(float64(b[o]))
						db[o].add(float64(dout[o*n+i]))
						for k := range s.in {
							out[o*n+i].add(float64(w[o*s.in+k]) * float64(x[k*n+i]))
							dw[o*s.in+k].add(float64(dout[o*n+i]) * float64(x[k*n+i]))
							dx[k*n+i].add(float64(w[o*s.in+k]) * float64(dout[o*n+i]))
						}
					}
				}

				got := stale(s.out * n)
				Linear(got, w, b, x, n)
				compare(t, "out", got, out)
				gotX, gotW, gotB := stale(len(dx)), stale(len(dw)), stale(len(db))
				GradLinear(gotW, gotB, dout, x, n)
				GradLinearInput(gotX, dout, w, n)
				compare(t, "dx", gotX, dx)
				compare(t, "dw", gotW, dw)
				compare(t, "db", gotB, db)
			})
		}
	}
}

// TestLinearByHand: W = [1 2; 3 4], b = [10 20], x = [5 6] give
// [1·5+2·6+10, 3·5+4·6+20]; an output's gradient of [1 −1] gives
// dx = [1−3, 2−4] and dW = [5 6; −5 −6].
func TestLinearByHand(t *testing.T) {
	w, x := []float32{1, 2, 3, 4}, []float32{5, 6}
	out := make([]float32, 2)
	Linear(out, w, []float32{10, 20}, x, 1)
	compareExactly(t, "out", out, []float32{27, 59})

	dx, dw, db := make([]float32, 2), make([]float32, 4), make([]float32, 2)
	GradLinear(dw, db, []float32{1, -1}, x, 1)
	GradLinearInput(dx, []float32{1, -1}, w, 1)
	compareExactly(t, "dx", dx, []float32{-2, -2})
	compareExactly(t, "dw", dw, []float32{5, 6, -5, -6})
	compareExactly(t, "db", db, []float32{1, -1})
}

func TestReLU(t *testing.T) {
	nan := float32(math.NaN())
	for _, c := range []struct {
		name string
		p    float64
		rng  *rand.Rand
	}{
		{"no dropout", 0, source(1)},
		{"no stream", 0.5, nil},
		{"neither", 0, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			x, scale := []float32{-2, 0, 3, nan, -0.5, 1}, stale(6)
			ReLUDropout(x, scale, c.p, c.rng)
			compareExactly(t, "x", x, []float32{0, 0, 3, nan, 0, 1})
			compareExactly(t, "scale", scale, []float32{0, 0, 1, 1, 0, 1})
		})
	}
}

// TestDropout drops from positive units, where nothing but dropout makes a
// zero. The count of n fair draws lies within 5·√(n·p·(1−p)) of n·p but for
// once in two million seeds, and the seed is fixed.
func TestDropout(t *testing.T) {
	const n = 100_001 // odd: two draws share one number of the stream
	for _, p := range []float64{0.01, 0.25, 0.5, 0.9} {
		t.Run(fmt.Sprint(p), func(t *testing.T) {
			x, scale := make([]float32, n), stale(n)
			for i := range x {
				x[i] = float32(i + 1)
			}
			ReLUDropout(x, scale, p, source(12))
			dropped, pairs := 0, 0
			keep := float32(1 / (1 - p))
			for i, s := range scale {
				if s != 0 && s != keep {
					t.Fatalf("scale[%d] is %g, want 0 or 1/(1−p) = %g", i, s, keep)
				}
				if x[i] != float32(i+1)*s {
					t.Fatalf("x[%d] is %g, want %d times its scale %g", i, x[i], i+1, s)
				}
				if s == 0 {
					dropped++
					if i&1 == 1 && scale[i-1] == 0 {
						pairs++
					}
				}
			}
			near(t, "dropped units", dropped, n, p)
			near(t, "pairs dropped together", pairs, n/2, p*p)
		})
	}
}

// near fails unless count could be that of n draws of probability p.
func near(t *testing.T, what string, count, n int, p float64) {
	t.Helper()
	mean := float64(n) * p
	if off := math.Abs(float64(count) - mean); off > 5*math.Sqrt(mean*(1-p)) {
		t.Errorf("%d %s of %d, want about %.0f", count, what, n, mean)
	}
}

// TestDropoutMask: the mask depends on the stream only, not on which units
// ReLU cuts off, so that clients with equal streams drop the same units.
func TestDropoutMask(t *testing.T) {
	mask := func(seed uint64, x []float32) []float32 {
		scale := make([]float32, len(x))
		ReLUDropout(slices.Clone(x), scale, 0.5, source(seed))
		return scale
	}
	x := normal(source(13), 1001)
	positive := slices.Repeat([]float32{1}, len(x))
	all := mask(1, positive)
	for i, s := range mask(1, x) {
		if want := all[i]; x[i] > 0 && s != want {
			t.Fatalf("unit %d has scale %g, want %g as when all units are positive", i, s, want)
		}
	}
	if slices.Equal(all, mask(2, positive)) {
		t.Error("two streams drop the same units")
	}
}

func TestScale(t *testing.T) {
	dst := stale(3)
	Scale(dst, []float32{3, -5, 7}, []float32{2, 0, 0.5})
	compareExactly(t, "dst", dst, []float32{6, 0, 3.5})
}

// naiveLoss is the mean cross-entropy of the labelled images in float64, with
// the softmax and the loss's gradient.
func naiveLoss(logits []float32, labels []int) (loss float64, prob, grad []float64) {
	n := len(labels)
	prob, grad = make([]float64, len(logits)), make([]float64, len(logits))
	counted := 0
	for _, label := range labels {
		if label >= 0 {
			counted++
		}
	}
	for i, label := range labels {
		top := math.Inf(-1)
		for at := i; at < len(logits); at += n {
			top = max(top, float64(logits[at]))
		}
		var sum float64
		for at := i; at < len(logits); at += n {
			sum += math.Exp(float64(logits[at]) - top)
		}
		for at := i; at < len(logits); at += n {
			prob[at] = math.Exp(float64(logits[at])-top) / sum
			if label < 0 {
				continue
			}
			grad[at] = prob[at] / float64(counted)
			if at/n == label {
				grad[at] -= 1 / float64(counted)
				loss += (math.Log(sum) + top - float64(logits[at])) / float64(counted)
			}
		}
	}
	return loss, prob, grad
}

func TestSoftmaxCrossEntropy(t *testing.T) {
	for _, c := range []struct {
		name    string
		classes int
		labels  []int
		spread  float64 // of the logits
	}{
		{"one image", 10, []int{3}, 1},
		{"small", 3, []int{0, 2, 1, 1}, 1},
		{"some without a label", 5, []int{-1, 4, -1, 0, 2, -7}, 1},
		{"none with a label", 4, []int{-1, -1}, 1},
		{"large logits", 7, []int{6, 0, -1, 3}, 1e4},
		{"one class", 1, []int{0, 0}, 10},
	} {
		t.Run(c.name, func(t *testing.T) {
			logits := normal(source(14), c.classes*len(c.labels))
			var widest float64
			for i := range logits {
				logits[i] *= float32(c.spread)
				widest = max(widest, 2*math.Abs(float64(logits[i])))
			}
			loss, prob, grad := naiveLoss(logits, c.labels)

			// A difference of two logits is rounded once, by roundoff·widest,
			// which exp turns into a relative error; four roundings follow.
			relative := (widest + 4) * roundoff
			gotProb := stale(len(logits))
			got := SoftmaxCrossEntropy(gotProb, logits, c.labels)
			if !(math.Abs(got-loss) <= relative) {
				t.Errorf("loss is %.9g, want %.9g within %.1g", got, loss, relative)
			}
			for i, want := range prob {
				if err := math.Abs(float64(gotProb[i]) - want); !(err <= relative*want+1e-37) {
					t.Errorf("prob[%d] is %g, want %g", i, gotProb[i], want)
				}
			}
			const scale = 3
			gotGrad := stale(len(logits))
			GradSoftmaxCrossEntropy(gotGrad, gotProb, c.labels, scale)
			for i, want := range grad {
				if err := math.Abs(float64(gotGrad[i]) - scale*want); !(err <= scale*relative) {
					t.Errorf("gradient[%d] is %g, want %g", i, gotGrad[i], scale*want)
				}
			}
		})
	}
}

// TestSoftmaxCrossEntropyByHand: logits 0 and ln 3 are probabilities ¼ and ¾;
// equal logits, ½ each. The second image has no label.
func TestSoftmaxCrossEntropyByHand(t *testing.T) {
	ln3 := float32(math.Log(3))
	logits, labels := []float32{0, 0, 2, ln3, 0, 2}, []int{0, -1, 1}
	prob, grad := make([]float32, 6), make([]float32, 6)
	loss := SoftmaxCrossEntropy(prob, logits, labels)
	if want := (math.Log(4) + math.Log(2)) / 2; math.Abs(loss-want) > 1e-7 {
		t.Errorf("loss is %.9g, want (ln 4 + ln 2)/2 = %.9g", loss, want)
	}
	GradSoftmaxCrossEntropy(grad, prob, labels, 1)
	for i, want := range []float32{-0.375, 0, 0.25, 0.375, 0, -0.25} {
		if math.Abs(float64(grad[i]-want)) > 1e-7 {
			t.Errorf("gradient[%d] is %g, want %g", i, grad[i], want)
		}
	}
}

// TestDivergedLoss: a loss of logits that are no numbers is none either.
func TestDivergedLoss(t *testing.T) {
	for _, bad := range []float64{math.NaN(), math.Inf(1)} {
		logits := []float32{0, float32(bad), 1}
		if loss := SoftmaxCrossEntropy(make([]float32, 3), logits, []int{0}); !math.IsNaN(loss) {
			t.Errorf("logits %v: loss is %g, want NaN", logits, loss)
		}
	}
}
