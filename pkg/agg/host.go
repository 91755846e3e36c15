package agg

// host is the Space of a matrix in memory, with scratch.
type host struct {
	dst []float32
	G   Matrix

	gram   gramSums
	sums   []float64
	sorter columnSorter
}

// forget drops the references to the caller's matrices.
func (h *host) forget() { h.dst, h.G = nil, Matrix{} }

func (h *host) Size() (n, d int) { return h.G.Rows, h.G.Cols }

func (h *host) Gram(K []float64, centre int, exact bool) (precision float64, err error) {
	if exact {
		h.gram.exact(K, h.G, centre)
		return exactError, nil
	}
	h.gram.fast(K, h.G, centre)
	return fastError(h.G.Cols), nil
}

func (h *host) Norms(squares []float64) error {
	h.sums = squaredNorms(h.sums, h.G)
	copy(squares, h.sums)
	return nil
}

func (h *host) Combine(w []float64) error { return weightedSum(h.dst, h.G, w) }

func (h *host) Middle(from, to int) error {
	return h.sorter.each(h.dst, h.G, nil, from, to, func(out []float32, columns sorted) { meanOf(out, columns, from, to) })
}

func (h *host) Columns(o BlockOptions, direct bool) Columns {
	return &hostColumns{rows: h, options: o, direct: direct, memory: memory{kind: o.Memory}}
}

func (h *host) Host() (dst []float32, G Matrix, err error) { return h.dst, h.G, nil }

func (h *host) Put([]float32) error { return nil }
