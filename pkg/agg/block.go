package agg

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/bgmd/bgmd/internal/topk"
)

// BlockOptions configure a [Block]. The zero values of Select and Memory mean
// their defaults.
type BlockOptions struct {
	// Fraction is β in (0, 1]; a block has k = max(1, ⌊βd⌋) coordinates.
	Fraction float64
	// Select is one of [Selections]; the default is "top-k".
	Select string
	// Memory is one of [Memories]; the default is "mean".
	Memory string
}

// Block aggregates a block of k of the d coordinates and remembers what it left
// out. With P the n×d matrix whose row i is γgᵢ + mᵢ, where mᵢ is what row i
// finds in the memory, and I the block selected from P's columns,
//
//	dst[I] = Inner(P[:, I])/γ,  dst[j] = 0 for j outside I,
//
// and the memory becomes what is left of P outside I; see [Memories]. With
// the selection "top-k", the memory "mean" and the geometric median this is one
// step of [bgmd, Alg. 1], up to the factor γ, which is left to the optimiser.
//
// Stats.Weights and Stats.GM are those of the inner rule on the block.
//
// Cost: O(nd) and the inner rule on n×k. A Block reads G once to score its columns. Most
// top-k blocks of a large G are copied in this pass; any other block takes another pass,
// and so does the memory "gm-weighted". For the memory "client" the first pass writes P,
// and the block is taken from P.
//
// Errors: those of the inner rule; a γ that is not positive; a selection that
// draws without a Step.Rand; rows whose number or length does not fit the memory;
// [ErrNotFinite].
type Block struct {
	inner   Aggregator
	options BlockOptions
	direct  bool // the inner rule may run on G[:, I] in place of P[:, I]

	host    host
	rows    Space   // where columns are
	columns Columns // with the memory
	stats   BlockStats
}

// NewBlock wraps inner, which must have no memory. All options that are not
// allowed are reported at once.
func NewBlock(inner Aggregator, o BlockOptions) (*Block, error) {
	var fraction, nested, weights error
	if !(o.Fraction > 0 && o.Fraction <= 1) {
		fraction = fmt.Errorf("agg: rule \"block\": fraction is %v, want (0, 1]", o.Fraction)
	}
	traits := inner.Traits()
	if traits.Memory != nil {
		nested = fmt.Errorf("agg: rule \"block\": the inner rule %v has a memory of its own", inner)
	}
	if o.Memory == memoryGMWeighted && !traits.Weights {
		weights = fmt.Errorf("agg: rule \"block\": memory is %q, but the inner rule %v does not always give weights", o.Memory, inner)
	}
	err := errors.Join(fraction, nested, weights,
		notOneOf("select", o.Select, Selections),
		notOneOf("memory", o.Memory, Memories))
	if err != nil {
		return nil, err
	}
	if o.Select == "" {
		o.Select = Selections()[0]
	}
	if o.Memory == "" {
		o.Memory = Memories()[0]
	}
	direct := traits.Equivariant && o.Memory != memoryClient
	b := &Block{inner: inner, options: o, direct: direct}
	b.rows, b.columns = &b.host, b.host.Columns(o, direct)
	return b, nil
}

// notOneOf reports a value of a block's option that is not allowed.
func notOneOf(name, value string, allowed func() []string) error {
	if value != "" && !slices.Contains(allowed(), value) {
		return fmt.Errorf("agg: rule \"block\": %s is %q, want one of %s", name, value, strings.Join(allowed(), ", "))
	}
	return nil
}

// Traits implements [Aggregator].
func (b *Block) Traits() Traits {
	t := b.inner.Traits()
	t.Equivariant, t.Separable, t.Memory = false, false, b
	perRow := b.options.Memory == memoryClient
	t.EveryRow = t.EveryRow || perRow
	t.Numbered = t.Numbered || perRow
	return t
}

// Fits implements [Aggregator].
func (b *Block) Fits(n, d int, step Step) error {
	return b.inner.Fits(n, min(d, blockSize(b.options.Fraction, d)), step)
}

// Scratch implements [Aggregator]: what every memory and selection holds. Candidates for
// the block are at most a quarter more than its columns, as a rule.
func (b *Block) Scratch(n, d int) float64 {
	rows, cols := float64(n), float64(d)
	k := blockSize(b.options.Fraction, d)
	block := float64(k)
	bytes := (of32*rows+of64+of32)*block + b.inner.Scratch(n, k) // gathered, index and out
	switch b.options.Memory {
	case memoryClient:
		bytes += of32 * (2*rows + 1) * cols
	case memoryMean, memoryGMWeighted:
		bytes += 2 * of32 * cols
	}
	if b.options.Select == selectRandom {
		return bytes + of64*cols + cols/8
	}
	candidates := 2 * 16 * block // all, and again those in the bin of the last one chosen
	if b.options.samples(k, d) {
		bytes += 1.25 * (of32*rows*block + candidates)
	} else {
		bytes += of64*cols + candidates // the scores
	}
	if b.options.Select == selectNormProportional {
		bytes += of64 * cols
	}
	return bytes + topk.Scratch
}

// String returns "block(β, inner)" and the options that are not the default.
func (b *Block) String() string {
	var s strings.Builder
	fmt.Fprintf(&s, "block(%g, %v", b.options.Fraction, b.inner)
	if b.options.Select != Selections()[0] {
		fmt.Fprintf(&s, ", select=%s", b.options.Select)
	}
	if b.options.Memory != Memories()[0] {
		fmt.Fprintf(&s, ", memory=%s", b.options.Memory)
	}
	return s.String() + ")"
}

// Aggregate implements [Aggregator].
func (b *Block) Aggregate(dst []float32, G Matrix, step Step) (Stats, error) {
	if err := check("block", dst, G); err != nil {
		return Stats{}, err
	}
	b.host.dst, b.host.G = dst, G
	defer b.host.forget()
	return b.AggregateIn(&b.host, step)
}

// AggregateIn aggregates rows where they are, as the function [AggregateIn] says.
func (b *Block) AggregateIn(rows Space, step Step) (Stats, error) {
	if !(step.Gamma > 0) || math.IsInf(step.Gamma, 1) {
		return Stats{}, fmt.Errorf("agg: rule %q: gamma is %v, want a finite number > 0", "block", step.Gamma)
	}
	if ok, err := b.move(rows); err != nil {
		return Stats{}, err
	} else if !ok {
		return inMemory(b, rows, step)
	}
	n, d := rows.Size()
	k := blockSize(b.options.Fraction, d)
	var seconds BlockSeconds
	lap := laps(time.Now())
	total, err := b.columns.Score(step.Gamma, k)
	if err == nil && !finite(total) {
		err = ErrNotFinite // G, or G and the memory are beyond float32
	}
	if err != nil {
		return Stats{}, named(err, "block", rows)
	}
	lap(&seconds.Score)
	inside, err := b.columns.Choose(step.Rand)
	if err != nil {
		return Stats{}, err
	}
	lap(&seconds.Select)
	block, err := b.columns.Gather()
	if err != nil {
		return Stats{}, err
	}
	lap(&seconds.Gather)
	if !b.direct {
		step.Scale = step.Gamma
	}
	stats, err := AggregateIn(b.inner, block, step)
	if err != nil {
		return Stats{}, fmt.Errorf("agg: block of %d coordinates: %w", k, err)
	}
	lap(&seconds.Aggregate)
	if b.options.Memory == memoryGMWeighted && len(stats.Weights) != n {
		return Stats{}, fmt.Errorf("agg: rule %q: memory is %q, but the inner rule %v gave %d weights for %d rows",
			"block", memoryGMWeighted, b.inner, len(stats.Weights), n)
	}
	if err := b.columns.Finish(stats.Weights); err != nil {
		return Stats{}, err
	}
	lap(&seconds.Remember)
	b.stats = BlockStats{Size: k, Residual: outside(inside, total), Seconds: seconds}
	stats.Block = &b.stats
	return stats, nil
}

// move takes the memory to where the rows are, if that is possible.
func (b *Block) move(rows Space) (ok bool, err error) {
	if rows == b.rows {
		return true, nil
	}
	columns := rows.Columns(b.options, b.direct)
	if columns == nil {
		return false, nil
	}
	if err := columns.Restore(b.columns.State()); err != nil {
		return false, err
	}
	b.rows, b.columns = rows, columns
	return true, nil
}

// outside is the share of the total that lies outside the block.
func outside(inside, total float64) float64 {
	if total == 0 {
		return 0
	}
	return max(0, 1-inside/total)
}

// State implements [Memory]: d floats, n×d row by row for the memory "client", and
// always nil for "none".
func (b *Block) State() []float32 { return b.columns.State() }

// Restore implements [Memory]. An empty state forgets everything, sizes too. After a
// first Aggregate the length must fit its G; before, it is checked then.
func (b *Block) Restore(state []float32) error { return b.columns.Restore(state) }

// laps returns a function that sets seconds to the time since its last call.
func laps(last time.Time) func(seconds *float64) {
	return func(seconds *float64) {
		now := time.Now()
		*seconds, last = now.Sub(last).Seconds(), now
	}
}

// blockSize returns max(1, ⌊βd⌋), for β as written in decimals: 0.29 of 100 is 29
// although the float64 product is less.
func blockSize(fraction float64, d int) int {
	return max(1, min(d, int(fraction*float64(d)+1e-9)))
}
