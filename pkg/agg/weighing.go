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
	change    []float64 // of the weights, for distances that are a little different
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
	if err := r.fits(G.Rows, G.Cols); err != nil {
		return Stats{}, err
	}
	if err := r.distances.measure(G); err != nil {
		return Stats{}, notFinite(r.name, G)
	}
	r.weights = r.weigh(r.weights, &r.distances)
	if m, ok := r.rule.(interface{ magnifies() bool }); ok && m.magnifies() && r.unsure() {
		r.distances.sharpen(G, r.distances.medoid())
		r.weights = r.weigh(r.weights, &r.distances)
	}
	if !weightedSum(dst, G, r.weights) {
		return Stats{}, notFinite(r.name, G)
	}
	return Stats{Weights: r.weights}, nil
}

// weigh returns the weights that follow from the distances, in w if that is large
// enough.
func (r *weighing) weigh(w []float64, rows *distances) []float64 {
	w = grown(w, rows.n)
	clear(w)
	r.rule.weigh(w, rows, r.left())
	return w
}

// mostMoved is how far errors of the distances may move the result of a rule that
// magnifies them, in units of the weighted rows' root mean square distance from it;
// beyond, the distances are measured in float64.
const mostMoved = 1e-6

// unsure reports whether errors such as the distances may have move the result by more
// than mostMoved. It weighs once more to find out. With Δw the change of the weights,
// whose sum is zero, and D the squared distances,
//
//	‖Σ Δwᵢ gᵢ‖² = −½ ΔwᵀDΔw,  Σ wᵢ ‖gᵢ − Σ wⱼ gⱼ‖² = ½ wᵀDw.
func (r *weighing) unsure() bool {
	if r.distances.precision == exactError {
		return false
	}
	r.change = r.weigh(r.change, r.distances.moved())
	for i, w := range r.weights {
		r.change[i] -= w
	}
	return -r.distances.form(r.change) > mostMoved*mostMoved*r.distances.form(r.weights)
}

// average sets the weights of the given rows to one over their number.
func average(w []float64, rows []int) {
	for _, i := range rows {
		w[i] = 1 / float64(len(rows))
	}
}
