package winograd

// Gradients says which gradients [Plan.Backward] computes, and where they go.
type Gradients struct {
	// DU, if not nil, gets the gradient of the transformed weights: what the
	// samples give is added to it or, with Fresh, takes its place. It has
	// [Plan.GradLen] elements.
	DU    []float32
	Fresh bool

	// DX, if its X is not nil, gets the gradient of the input, or, with Add, has
	// it added.
	DX  View
	Add bool
}

// backward is a product with gradients of outputs under way.
type backward struct {
	*Plan
	Gradients
	mid  []float32 // as in forward: the outputs' gradient transformed along y, then the input's
	d, m []float32 // a row's points: Co × columns of the first, Ci × columns of the second

	// The inputs with their channels side by side: pixels, the same transformed
	// along y, and a row's points, columns × channels each.
	xt, midT, vt []float32
}

// backward lists the lengths of what [backward] has.
func (p *Plan) backward() lengths {
	return lengths{
		p.N * p.plane, p.N * p.ofPoint(p.Co), p.N * p.ofPoint(p.Ci),
		p.groups * p.met(p.rows) * p.W * p.pixelT(), p.N * p.planeT, p.N * p.ofPointT(),
	}
}

// GradLen is the number of floats of DU, n·n×Co×⌈Ci⌉ in whole vectors.
func (p *Plan) GradLen() int { return p.N * p.N * p.Co * p.ci }

// Backward computes gradients from that of the outputs, dy, of so many groups of
// samples: of the weights with the samples x, and of x with the transformed weights
// u.
func (p *Plan) Backward(s *Space, g Gradients, dy View, u []float32, x View, groups int) {
	w := s.take(p.backward())
	k := backward{p, g, w[0], w[1], w[2], w[3], w[4], w[5]}
	p.blocks(groups, func(b block) {
		k.alongY(b, dy)
		if g.DU != nil {
			k.transpose(b, x)
		}
		for i := range p.N {
			k.alongX(b, i)
			if g.DU != nil {
				k.inputs(b, i)
				k.weights(b, i)
			}
			if g.DX.X != nil {
				for j := range p.N {
					p.gemm.MulInPlace(p.Ci, b.columns, p.Co, p.weights(u, i, j), 1, p.Ci, k.d[j*p.ofPoint(p.Co):], p.columns, false, k.m[j*p.ofPoint(p.Ci):], p.columns)
				}
				k.outX(b, i)
			}
		}
		if g.DX.X != nil {
			k.outY(b)
		}
		k.Fresh = false
	})
}

// alongY transforms the outputs' gradient of b along y.
func (k *backward) alongY(b block, dy View) {
	for line := range b.lines {
		group, tile := b.at(line)
		to, first := line*k.Co*k.outputs*Lanes, tile*Outputs
		for i := range k.N {
			clearAround(k.mid[i*k.plane+to:][:k.Co*k.outputs*Lanes], 0, k.OW()*Lanes, k.outputs*Lanes)
		}
		k.a.run(pass{
			dst: k.mid, dstAt: to, dstStep: k.plane, dstOuter: k.outputs * Lanes, dstInner: Lanes,
			src: dy.X, srcAt: group*dy.Group + first*dy.Row, srcStep: dy.Row, srcOuter: dy.Channel, srcInner: dy.Pixel,
			outer: k.Co, inner: k.OW(),
			load: between(first, Outputs, k.OH()), store: all(k.N),
		})
	}
}

// alongX transforms row i of points along x.
func (k *backward) alongX(b block, i int) {
	for line := range b.lines {
		k.a.run(pass{
			dst: k.d, dstAt: line * k.tilesX() * Lanes, dstStep: k.ofPoint(k.Co), dstOuter: k.columns, dstInner: Lanes,
			src: k.mid, srcAt: i*k.plane + line*k.Co*k.outputs*Lanes, srcStep: Lanes, srcOuter: k.outputs * Lanes, srcInner: Outputs * Lanes,
			outer: k.Co, inner: k.tilesX(),
			load: all(Outputs), store: all(k.N),
		})
	}
}

// outX transforms row i of the points' products along x, each tile adding to what it
// shares with the one before.
func (k *backward) outX(b block, i int) {
	for line := range b.lines {
		for tile := range k.tilesX() {
			var shared uint32
			if tile > 0 {
				shared = all(k.N - Outputs)
			}
			k.b.run(pass{
				dst: k.mid, dstAt: i*k.plane + (line*k.Ci*k.width+tile*Outputs)*Lanes, dstStep: Lanes, dstOuter: k.width * Lanes,
				src: k.m, srcAt: (line*k.tilesX() + tile) * Lanes, srcStep: k.ofPoint(k.Ci), srcOuter: k.columns,
				outer: k.Ci, inner: 1,
				load: all(k.N), store: all(k.N), add: shared,
			})
		}
	}
}

// outY transforms what outX has left along y, to the gradient of the input.
func (k *backward) outY(b block) {
	for line := range b.lines {
		group, tile := b.at(line)
		first := tile*Outputs - k.Pad
		there := between(first, k.N, k.H)
		add := there
		if !k.Add {
			add = 0
			if tile > 0 {
				add = there & all(k.N-Outputs)
			}
		}
		k.b.run(pass{
			dst: k.DX.X, dstAt: group*k.DX.Group + first*k.DX.Row, dstStep: k.DX.Row, dstOuter: k.DX.Channel, dstInner: k.DX.Pixel,
			src: k.mid, srcAt: (line*k.Ci*k.width + k.Pad) * Lanes, srcStep: k.plane, srcOuter: k.width * Lanes, srcInner: Lanes,
			outer: k.Ci, inner: k.W,
			load: all(k.N), store: there, add: add,
		})
	}
}

// met is the number of rows of the input that so many rows of tiles meet, with those
// around it.
func (p *Plan) met(tiles int) int { return (tiles-1)*Outputs + p.N }

// transpose fills xt, and from it midT.
func (k *backward) transpose(b block, x View) {
	pixel, from := k.pixelT(), b.tile*Outputs-k.Pad
	rows := k.met(b.tiles)
	for g := range b.groups {
		for r := max(0, -from); r < min(rows, k.H-from); r++ {
			for col := range k.W {
				at := x.X[(b.group+g)*x.Group+(from+r)*x.Row+col*x.Pixel:]
				to := k.xt[((g*rows+r)*k.W+col)*pixel:]
				for c := 0; c < k.Ci; c += Lanes {
					k.gemm.Transpose16(to[c:], k.ci, at[c*x.Channel:], x.Channel, min(Lanes, k.Ci-c))
				}
			}
		}
	}
	for line := range b.lines {
		g, t := line/b.tiles, line%b.tiles
		to := line * k.width * pixel
		for i := range k.N {
			clearAround(k.midT[i*k.planeT+to:][:k.width*pixel], k.Pad*pixel, k.W*pixel, k.width*pixel)
		}
		k.bt.run(pass{
			dst: k.midT, dstAt: to + k.Pad*pixel, dstStep: k.planeT, dstOuter: pixel, dstInner: Lanes,
			src: k.xt, srcAt: (g*rows + t*Outputs) * k.W * pixel, srcStep: k.W * pixel, srcOuter: pixel, srcInner: Lanes,
			outer: k.W, inner: k.ci,
			load: between(from+t*Outputs, k.N, k.H), store: all(k.N),
		})
	}
}

// inputs transforms row i of the inputs' points along x.
func (k *backward) inputs(b block, i int) {
	pixel := k.pixelT()
	for line := range b.lines {
		k.bt.run(pass{
			dst: k.vt, dstAt: line * k.tilesX() * Lanes * k.ci, dstStep: k.ofPointT(), dstOuter: Lanes * k.ci, dstInner: Lanes,
			src: k.midT, srcAt: i*k.planeT + line*k.width*pixel, srcStep: pixel, srcOuter: Outputs * pixel, srcInner: Lanes,
			outer: k.tilesX(), inner: k.ci,
			load: all(k.N), store: all(k.N),
		})
	}
}

// weights adds row i of points to the gradient of the transformed weights.
func (k *backward) weights(b block, i int) {
	size := k.Co * k.ci
	for j := range k.N {
		to := k.DU[(i*k.N+j)*size:][:size]
		k.gemm.MulInPlace(k.Co, k.ci, b.columns, k.d[j*k.ofPoint(k.Co):], k.columns, 1, k.vt[j*k.ofPointT():], k.ci, !k.Fresh, to, k.ci)
	}
}
