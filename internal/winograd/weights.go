package winograd

// Transform computes the transformed weights u = G·w·Gᵀ, n·n×Co×Ci, of output
// channels [from, to), for w of K×Co×K×Ci, kernels' columns outermost. It does so
// in float64 and rounds once.
func (p *Plan) Transform(u, w []float32, from, to int) {
	for co := from; co < to; co++ {
		for ci := range p.Ci {
			var columns [maxR][maxN]float64
			for x := range p.R {
				var column [maxR]float64
				for y := range p.R {
					column[y] = float64(w[((x*p.Co+co)*p.R+y)*p.Ci+ci])
				}
				p.evaluate(&columns[x], &column)
			}
			for i := range p.N {
				var row [maxR]float64
				for x := range p.R {
					row[x] = columns[x][i]
				}
				var points [maxN]float64
				p.evaluate(&points, &row)
				for j := range p.N {
					u[((i*p.N+j)*p.Co+co)*p.Ci+ci] = float32(points[j])
				}
			}
		}
	}
}

// The most weights and points along an axis.
const maxR, maxN = 5, 8

// evaluate computes G·w. Rows of G for ±a differ in the signs of odd columns.
func (a *Algorithm) evaluate(points *[maxN]float64, w *[maxR]float64) {
	points[0], points[a.N-1] = w[0], w[a.R-1]
	for k := 1; k < a.N-1; k += 2 {
		g := &a.g[k]
		even, odd := g[0]*w[0]+g[2]*w[2]+g[4]*w[4], g[1]*w[1]+g[3]*w[3]
		points[k], points[k+1] = even+odd, even-odd
	}
}

// GradWeights computes the gradient dw of the weights, in their order, from that of
// the transformed ones: Gᵀ·du·G.
func (p *Plan) GradWeights(s *Space, dw, du []float32) {
	w := s.take(lengths{p.R * p.N * p.ci, p.R * p.R * p.ci})
	half, taps := w[0], w[1] // of one output channel: rows of taps of columns of points, columns of taps of rows
	for co := range p.Co {
		p.gt.run(pass{
			dst: half, dstStep: p.N * p.ci, dstOuter: p.ci, dstInner: Lanes,
			src: du, srcAt: co * p.ci, srcStep: p.N * p.Co * p.ci, srcOuter: p.Co * p.ci, srcInner: Lanes,
			outer: p.N, inner: p.ci / Lanes,
			load: all(p.N), store: all(p.R),
		})
		p.gt.run(pass{
			dst: taps, dstStep: p.R * p.ci, dstOuter: p.ci, dstInner: Lanes,
			src: half, srcStep: p.ci, srcOuter: p.N * p.ci, srcInner: Lanes,
			outer: p.R, inner: p.ci / Lanes,
			load: all(p.N), store: all(p.R),
		})
		for tap := range p.R * p.R {
			x, y := tap/p.R, tap%p.R
			copy(dw[((x*p.Co+co)*p.R+y)*p.Ci:][:p.Ci], taps[tap*p.ci:])
		}
	}
}
