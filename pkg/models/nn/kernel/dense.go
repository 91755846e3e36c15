package kernel

import (
	"math"
	"math/rand/v2"

	"github.com/bgmd/bgmd/internal/gemm"
)

// leastStreamed is the least number of elements of a gradient, 1 MB, that is written
// past the caches: a second-level one would not hold it.
const leastStreamed = 1 << 18

// Linear computes out = W·x + b for W out×in, x in×N and out out×N.
func Linear(out, w, b, x []float32, n int) {
	rows := len(b)
	inner := len(x) / n
	for r, v := range b {
		line := out[r*n : (r+1)*n]
		for i := range line {
			line[i] = v
		}
	}
	mul(out, n, rows, n, inner, rowMajor(w, inner), rowMajor(x, n), 1)
}

// GradLinear computes the gradients of [Linear]'s parameters:
//
//	dw = dout·xᵀ    db = Σ_i dout[:,i]
func GradLinear(dw, db, dout, x []float32, n int) {
	rows := len(db)
	inner := len(x) / n
	if len(dw) >= leastStreamed {
		gemm.Default.MulStream(rows, inner, n, dout, x, dw)
	} else {
		mul(dw, inner, rows, inner, n, rowMajor(dout, n), rowMajor(x, n).t(), 0)
	}
	for r := range db {
		var sum float32
		for _, g := range dout[r*n : (r+1)*n] {
			sum += g
		}
		db[r] = sum
	}
}

// GradLinearInput computes the gradient of [Linear]'s input, dx = Wᵀ·dout.
func GradLinearInput(dx, dout, w []float32, n int) {
	rows, inner := len(dout)/n, len(dx)/n
	mul(dx, n, inner, n, rows, rowMajor(w, inner).t(), rowMajor(dout, n), 0)
}

// ReLUDropout replaces x by max(0, x), times 1/(1−p) with probability 1−p and
// 0 otherwise, in place, and notes each factor in scale. A nil rng or p = 0
// drops nothing.
//
// There is no branch: half of the outputs are cut off in no order that a processor
// could foresee.
func ReLUDropout(x, scale []float32, p float64, rng *rand.Rand) {
	keep, limit := float32(1), int64(0)
	if rng != nil && p > 0 {
		keep, limit = float32(1/(1-p)), int64(p*(1<<32))
	}
	scale = scale[:len(x)]
	var draws uint64
	for i, v := range x {
		if limit > 0 {
			if draws >>= 32; i&1 == 0 {
				draws = rng.Uint64()
			}
		}
		kept := ^uint32((int64(uint32(draws)) - limit) >> 63)
		v = max(0, v)
		bits := math.Float32bits(v)
		alive := uint32(int32(bits|-bits) >> 31)
		s := math.Float32frombits(math.Float32bits(keep) & kept & alive)
		scale[i] = s
		x[i] = v * s
	}
}

// Scale computes dst = x·scale, element by element.
func Scale(dst, x, scale []float32) {
	for i, s := range scale {
		dst[i] = x[i] * s
	}
}

// SoftmaxCrossEntropy returns the mean over the labelled images of
//
//	−log softmax(logits[:,i])[labels[i]]
//
// for logits classes×N, and fills prob, classes×N, with the softmax. Images
// with a negative label do not count.
func SoftmaxCrossEntropy(prob, logits []float32, labels []int) float64 {
	n := len(labels)
	classes := len(logits) / n
	var loss float64
	counted := 0
	for i, label := range labels {
		top := logits[i]
		for c := 1; c < classes; c++ {
			top = max(top, logits[c*n+i])
		}
		var sum float64
		for c := range classes {
			e := math.Exp(float64(logits[c*n+i] - top))
			prob[c*n+i] = float32(e)
			sum += e
		}
		for c := range classes {
			prob[c*n+i] *= float32(1 / sum)
		}
		if label >= 0 {
			loss += math.Log(sum) - float64(logits[label*n+i]-top)
			counted++
		}
	}
	return loss / float64(max(counted, 1))
}

// GradSoftmaxCrossEntropy computes the gradient of [SoftmaxCrossEntropy] times
// grad: (prob − onehot(label))·grad/counted, and 0 for images without a label.
func GradSoftmaxCrossEntropy(dlogits, prob []float32, labels []int, grad float32) {
	n := len(labels)
	counted := 0
	for _, label := range labels {
		if label >= 0 {
			counted++
		}
	}
	scale := grad / float32(max(counted, 1))
	for at := range prob {
		switch label := labels[at%n]; {
		case label < 0:
			dlogits[at] = 0
		case label == at/n:
			dlogits[at] = (prob[at] - 1) * scale
		default:
			dlogits[at] = prob[at] * scale
		}
	}
}
