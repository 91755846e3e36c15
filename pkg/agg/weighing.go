package agg

// weighing is the frame of the rules whose result is Σ wᵢ gᵢ with weights that
// follow from the distances between rows: a pass over G for those, O(n²d), and
// one for the sum. What a rule does between them costs nothing against them
// unless it says so.
type weighing struct {
	budget
	name string
	rule weigher

	distances distances
	weights   []float64
}

// A weigher chooses weights.
type weigher interface {
	// check reports what does not fit n rows, f of them corrupt.
	check(n, f int) error
	// weigh sets w, which is zero and has an element a row; the sum is one.
	weigh(w []float64, rows *distances, f int)
	String() string
}

func newWeighing(name string, o Options, rule weigher) Aggregator {
	return &weighing{budget: budget{f: o.F}, name: name, rule: rule}
}

func (r *weighing) String() string { return r.rule.String() }

// spare implements sparing.
func (r *weighing) spare(kept []int, n int) {
	r.budget.spare(kept, n)
	spared(r.rule, kept, n)
}

func (r *weighing) numbered() bool { return isNumbered(r.rule) }

// Equivariant implements [Equivariant]: distances do not change when all rows
// move, and only their order and proportions matter.
func (r *weighing) Equivariant() bool {
	e, ok := r.rule.(interface{ Equivariant() bool })
	return !ok || e.Equivariant()
}

func (r *weighing) Aggregate(dst []float32, G Matrix, _ Step) (Stats, error) {
	if err := check(r.name, dst, G); err != nil {
		return Stats{}, err
	}
	if err := r.rule.check(G.Rows, r.left()); err != nil {
		return Stats{}, err
	}
	if err := r.distances.measure(G); err != nil {
		return Stats{}, notFinite(r.name, G)
	}
	r.weights = grown(r.weights, G.Rows)
	clear(r.weights)
	r.rule.weigh(r.weights, &r.distances, r.left())
	if !weightedSum(dst, G, r.weights) {
		return Stats{}, notFinite(r.name, G)
	}
	return Stats{Weights: r.weights}, nil
}

// average sets the weights of the given rows to one over their number.
func average(w []float64, rows []int) {
	for _, i := range rows {
		w[i] = 1 / float64(len(rows))
	}
}
