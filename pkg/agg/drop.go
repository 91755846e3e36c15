package agg

import (
	"errors"
	"fmt"
)

// DropNonFinite returns a rule that runs inner on the rows of G which are
// finite throughout, and says in Stats.Dropped how many are not. Where all are,
// it costs nothing: G is searched only once inner has refused it.
//
// Rows dropped count as corrupt: a rule that assumes f corrupt rows assumes f less their
// number among the others. Aggregate fails if no row is finite, and if the row that the
// inner rule trusts is not. DropNonFinite refuses a rule that needs every row, such as a
// [Block] with a memory for each client.
func DropNonFinite(inner Aggregator) (Aggregator, error) {
	if inner.Traits().EveryRow {
		return nil, fmt.Errorf("agg: rows of %v cannot be dropped: its memory is %q", inner, memoryClient)
	}
	return &dropping{inner: inner}, nil
}

type dropping struct {
	inner   Aggregator
	kept    []int // the finite rows
	numbers []int // the numbers that they had before any row was dropped
	rows    []float32
	weights []float64
}

// String is that of the inner rule.
func (d *dropping) String() string { return d.inner.String() }

// Traits are the inner rule's; a value that is not finite counts in every column.
func (d *dropping) Traits() Traits {
	t := d.inner.Traits()
	t.Separable = false
	return t
}

func (d *dropping) Fits(n, cols int, step Step) error { return d.inner.Fits(n, cols, step) }

func (d *dropping) Scratch(n, cols int) float64 { return d.inner.Scratch(n, cols) }

func (d *dropping) Aggregate(dst []float32, G Matrix, step Step) (Stats, error) {
	stats, err := d.inner.Aggregate(dst, G, step)
	if !errors.Is(err, ErrNotFinite) {
		return stats, err
	}
	return d.rest(dst, G, step, err)
}

// AggregateIn aggregates rows where they are, as the function [AggregateIn] says.
func (d *dropping) AggregateIn(rows Space, step Step) (Stats, error) {
	stats, err := AggregateIn(d.inner, rows, step)
	if !errors.Is(err, ErrNotFinite) {
		return stats, err
	}
	dst, G, hostErr := rows.Host()
	if hostErr != nil {
		return Stats{}, hostErr
	}
	if stats, err = d.rest(dst, G, step, err); err != nil {
		return stats, err
	}
	return stats, rows.Put(dst)
}

// rest aggregates the rows that are finite, after an error about all.
func (d *dropping) rest(dst []float32, G Matrix, step Step, err error) (Stats, error) {
	d.kept = d.kept[:0]
	for i := range G.Rows {
		if finiteRow(G.Row(i)) {
			d.kept = append(d.kept, i)
		}
	}
	dropped := G.Rows - len(d.kept)
	if dropped == 0 {
		return Stats{}, err
	}
	if len(d.kept) == 0 {
		return Stats{}, fmt.Errorf("agg: each of the %d rows of G is %w", G.Rows, ErrNotFinite)
	}
	rest := Matrix{Rows: len(d.kept), Cols: G.Cols}
	d.rows = grown(d.rows, rest.Rows*rest.Cols)
	rest.Data = d.rows
	for r, i := range d.kept {
		copy(rest.Row(r), G.Row(i))
	}
	step.Numbers = d.number(step.Numbers)
	step.Dropped += dropped
	stats, err := d.inner.Aggregate(dst, rest, step)
	if err != nil {
		return stats, fmt.Errorf("agg: without the %d rows of G that are not finite: %w", dropped, err)
	}
	stats.Dropped += dropped
	stats.Weights = d.spread(stats.Weights, G.Rows)
	return stats, nil
}

// number returns the numbers of the rows that are kept, given those of all rows.
func (d *dropping) number(all []int) []int {
	if all == nil {
		return d.kept
	}
	d.numbers = d.numbers[:0]
	for _, i := range d.kept {
		d.numbers = append(d.numbers, all[i])
	}
	return d.numbers
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
