package winograd

// forward is a forward product under way.
type forward struct {
	*Plan
	// mid has a plane for each row of points: of each line of tiles, channels ×
	// pixels along x, transformed along y. A row's outputs take its inputs' place.
	mid  []float32
	v, m []float32 // a row's points, each channels × columns
}

// forward lists the lengths of what [forward] has.
func (p *Plan) forward() lengths {
	return lengths{p.N * p.plane, p.N * p.ofPoint(p.Ci), p.N * p.ofPoint(p.Co)}
}

// Forward computes the outputs y of so many groups of samples x, with the
// transformed weights u.
func (p *Plan) Forward(s *Space, y View, u []float32, x View, groups int) {
	w := s.take(p.forward())
	f := forward{p, w[0], w[1], w[2]}
	p.blocks(groups, func(b block) {
		f.alongY(b, x)
		for i := range p.N {
			f.alongX(b, i)
			for j := range p.N {
				p.gemm.MulInPlace(p.Co, b.columns, p.Ci, p.weights(u, i, j), p.Ci, 1, f.v[j*p.ofPoint(p.Ci):], p.columns, false, f.m[j*p.ofPoint(p.Co):], p.columns)
			}
			f.outX(b, i)
		}
		f.outY(b, y)
	})
}

// alongY transforms the inputs of b along y.
func (f *forward) alongY(b block, x View) {
	for line := range b.lines {
		group, tile := b.at(line)
		to, first := line*f.Ci*f.width*Lanes, tile*Outputs-f.Pad
		for i := range f.N {
			clearAround(f.mid[i*f.plane+to:][:f.Ci*f.width*Lanes], f.Pad*Lanes, f.W*Lanes, f.width*Lanes)
		}
		f.bt.run(pass{
			dst: f.mid, dstAt: to + f.Pad*Lanes, dstStep: f.plane, dstOuter: f.width * Lanes, dstInner: Lanes,
			src: x.X, srcAt: group*x.Group + first*x.Row, srcStep: x.Row, srcOuter: x.Channel, srcInner: x.Pixel,
			outer: f.Ci, inner: f.W,
			load: between(first, f.N, f.H), store: all(f.N),
		})
	}
}

// alongX transforms row i of points along x.
func (f *forward) alongX(b block, i int) {
	for line := range b.lines {
		f.bt.run(pass{
			dst: f.v, dstAt: line * f.tilesX() * Lanes, dstStep: f.ofPoint(f.Ci), dstOuter: f.columns, dstInner: Lanes,
			src: f.mid, srcAt: i*f.plane + line*f.Ci*f.width*Lanes, srcStep: Lanes, srcOuter: f.width * Lanes, srcInner: Outputs * Lanes,
			outer: f.Ci, inner: f.tilesX(),
			load: all(f.N), store: all(f.N),
		})
	}
}

// outX transforms row i of the points' sums along x.
func (f *forward) outX(b block, i int) {
	for line := range b.lines {
		f.at.run(pass{
			dst: f.mid, dstAt: i*f.plane + line*f.Co*f.outputs*Lanes, dstStep: Lanes, dstOuter: f.outputs * Lanes, dstInner: Outputs * Lanes,
			src: f.m, srcAt: line * f.tilesX() * Lanes, srcStep: f.ofPoint(f.Co), srcOuter: f.columns, srcInner: Lanes,
			outer: f.Co, inner: f.tilesX(),
			load: all(f.N), store: all(Outputs),
		})
	}
}

// outY transforms the sums of b along y, to outputs.
func (f *forward) outY(b block, y View) {
	for line := range b.lines {
		group, tile := b.at(line)
		first := tile * Outputs
		f.at.run(pass{
			dst: y.X, dstAt: group*y.Group + first*y.Row, dstStep: y.Row, dstOuter: y.Channel, dstInner: y.Pixel,
			src: f.mid, srcAt: line * f.Co * f.outputs * Lanes, srcStep: f.plane, srcOuter: f.outputs * Lanes, srcInner: Lanes,
			outer: f.Co, inner: f.OW(),
			load: all(f.N), store: between(first, Outputs, f.OH()),
		})
	}
}

// clearAround clears what is around columns [from, from+size) of rows of the given
// width.
func clearAround(x []float32, from, size, width int) {
	if from == 0 && size >= width {
		return
	}
	for at := 0; at < len(x); at += width {
		clear(x[at:][:from])
		clear(x[min(at+from+size, at+width) : at+width])
	}
}
