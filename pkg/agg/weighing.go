package agg

// weighing is the frame of the rules whose result is Σ wᵢ gᵢ with weights that
// follow from the distances between rows: a pass over G for those, O(n²d), and
// one for the sum. What a rule does between them costs nothing against them
// unless it says so.
type weighing struct {
	name  string
	label string // with the options
	f     int
	rule  weigher
	// magnifies says that errors of the distances can grow a thousandfold in the
	// weights: where the two largest spreads are nearly equal, a little turns the
	// direction by a lot, and the next one depends on what was removed along it.
	magnifies bool
	absolute  bool // the weights depend on the rows' scale
	numbered  bool // as in Traits

	distances distances
	weights   []float64
	change    []float64 // of the weights, for distances that are a little different
}

// A weigher chooses weights.
type weigher interface {
	// check reports what does not fit n rows, f of them corrupt.
	check(n, f int, step Step) error
	// scratch is the bytes that it holds besides a few values a row.
	scratch(n, d int) float64
	// weigh sets w, which is zero and has an element a row; the sum is one.
	weigh(w []float64, rows *distances, f int, step Step)
}

func (r *weighing) String() string { return r.label }

// Traits: distances do not change when all rows move, and only their order and
// proportions matter.
func (r *weighing) Traits() Traits {
	return Traits{Equivariant: !r.absolute, Weights: true, Numbered: r.numbered}
}

func (r *weighing) Fits(n, d int, step Step) error {
	if err := r.rule.check(n, step.budget(r.f), step); err != nil {
		return err
	}
	return checkPairs(`rule "`+r.name+`"`, n, d)
}

func (r *weighing) Scratch(n, d int) float64 {
	return r.distances.scratch(n, d) + r.rule.scratch(n, d)
}

func (r *weighing) aggregate(rows Space, step Step) (Stats, error) {
	if err := r.distances.measure(rows); err != nil {
		return Stats{}, err
	}
	r.weights = r.weigh(r.weights, &r.distances, step)
	if r.magnifies && r.unsure(step) {
		if err := r.distances.sharpen(rows, r.distances.medoid()); err != nil {
			return Stats{}, err
		}
		r.weights = r.weigh(r.weights, &r.distances, step)
	}
	return Stats{Weights: r.weights}, rows.Combine(r.weights)
}

// weigh returns the weights that follow from the distances, in w if that is large
// enough.
func (r *weighing) weigh(w []float64, rows *distances, step Step) []float64 {
	w = grown(w, rows.n)
	clear(w)
	r.rule.weigh(w, rows, step.budget(r.f), step)
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
func (r *weighing) unsure(step Step) bool {
	if r.distances.precision == exactError {
		return false
	}
	r.change = r.weigh(r.change, r.distances.moved(), step)
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
