package simd

func minMaxGo(lo, hi []float32) {
	for i, a := range lo {
		if b := hi[i]; b < a {
			lo[i], hi[i] = b, a
		}
	}
}

func finiteGo(x []float32) bool {
	var zero float32
	for _, v := range x {
		zero += v - v
	}
	return zero == 0
}

// The conversions keep compilers from fusing the product into the sum.

func addScaledGo(sum []float64, x []float32, w float64) {
	for i, v := range x {
		sum[i] += float64(w * float64(v))
	}
}

func addPowersGo(sum, squares []float64, x []float32) {
	for i, v := range x {
		sum[i] += float64(v)
		squares[i] += float64(float64(v) * float64(v))
	}
}

func accumulateGo(sum, memory, mask, x []float32, scores []float64, gamma float64) {
	for i, v := range x {
		t := float32(float64(gamma*float64(v)) + float64(mask[i]*memory[i]))
		sum[i] = t
		scores[i] += float64(float64(t) * float64(t))
	}
}

func scoreGo(scores []float64, next []float32, s []float64, m []float32, square, twice, rows, scale float64) {
	for j, v := range m {
		w := float64(v)
		t := float64(twice*s[j]) + float64(rows*w)
		scores[j] = max(0, float64(square*scores[j])+float64(w*t))
		next[j] = float32(float64(scale*s[j]) + w)
	}
}

func squaredDistanceGo(lanes *[16]float64, x, y []float32) {
	for i, v := range x {
		d := float64(v) - float64(y[i])
		lanes[i%16] += float64(d * d)
	}
}

func dotGo(x, y []float32) float64 {
	var sum float64
	for c, v := range x {
		sum += float64(v) * float64(y[c])
	}
	return sum
}
