package agg

import (
	"errors"
	"fmt"
)

// DropNonFinite returns a rule that runs inner on the rows of G which are
// finite throughout, and says in Stats.Dropped how many are not. Where all are,
// it costs nothing: G is searched only once inner has refused it.
//
// Rows dropped count as corrupt ones found: a rule that assumes f corrupt rows
// is left to assume f less their number. It fails with no finite row, and a rule
// that trusts a row where that one is not finite. Not for a [Block] with a memory a
// client, whose rows must keep their numbers.
func DropNonFinite(inner Aggregator) (Aggregator, error) {
	if b, ok := inner.(*Block); ok && b.options.Memory == memoryClient {
		return nil, fmt.Errorf("agg: rows of %v cannot be dropped: its memory is %q", inner, memoryClient)
	}
	d := &dropping{inner: inner}
	if s, ok := inner.(Stateful); ok {
		return &droppingStateful{d, s}, nil
	}
	return d, nil
}

type dropping struct {
	inner   Aggregator
	kept    []int
	rows    []float32
	weights []float64
}

type droppingStateful struct {
	*dropping
	stateful Stateful
}

func (d *droppingStateful) State() []float32              { return d.stateful.State() }
func (d *droppingStateful) Restore(state []float32) error { return d.stateful.Restore(state) }

// String is that of the inner rule.
func (d *dropping) String() string { return d.inner.String() }

// Equivariant implements [Equivariant].
func (d *dropping) Equivariant() bool {
	e, ok := d.inner.(Equivariant)
	return ok && e.Equivariant()
}

func (d *dropping) weightless() bool { return weightless(d.inner) }

func (d *dropping) Aggregate(dst []float32, G Matrix, step Step) (Stats, error) {
	stats, err := d.inner.Aggregate(dst, G, step)
	if !errors.Is(err, ErrNotFinite) {
		return stats, err
	}
	d.kept = d.kept[:0]
	for i := range G.Rows {
		if finiteRow(G.Row(i)) {
			d.kept = append(d.kept, i)
		}
	}
	dropped := G.Rows - len(d.kept)
	if dropped == 0 {
		return stats, err
	}
	if len(d.kept) == 0 {
		return stats, fmt.Errorf("agg: each of the %d rows of G is %w", G.Rows, ErrNotFinite)
	}
	rest := Matrix{Rows: len(d.kept), Cols: G.Cols}
	d.rows = grown(d.rows, rest.Rows*rest.Cols)
	rest.Data = d.rows
	for r, i := range d.kept {
		copy(rest.Row(r), G.Row(i))
	}
	spared(d.inner, d.kept, G.Rows)
	defer spared(d.inner, nil, G.Rows)
	stats, err = d.inner.Aggregate(dst, rest, step)
	if err != nil {
		return stats, fmt.Errorf("agg: without the %d rows of G that are not finite: %w", dropped, err)
	}
	stats.Dropped = dropped
	stats.Weights = d.spread(stats.Weights, G.Rows)
	return stats, nil
}

// spread gives the rows that were dropped the weight zero.
func (d *dropping) spread(kept []float64, n int) []float64 {
	if kept == nil {
		return nil
	}
	d.weights = grown(d.weights, n)
	clear(d.weights)
	for r, i := range d.kept {
		d.weights[i] = kept[r]
	}
	return d.weights
}
