package agg_test

import (
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/bgmd/bgmd/pkg/agg"
	"github.com/bgmd/bgmd/pkg/agg/aggtest"
)

// plain is an agg.Space in plain Go and float64: another one than the host's, so that a
// rule which looked at the rows behind the interface would be found.
type plain struct {
	G      agg.Matrix
	dst    []float32
	copies int
}

func newPlain(n, d int) aggtest.Space {
	return &plain{G: agg.NewMatrix(n, d), dst: make([]float32, d)}
}

func (p *plain) Load(G agg.Matrix) { copy(p.G.Data, G.Data) }
func (p *plain) Result() []float32 { return slices.Clone(p.dst) }
func (p *plain) Copies() int       { return p.copies }
func (p *plain) Size() (n, d int)  { return p.G.Rows, p.G.Cols }

func (p *plain) Gram(K []float64, centre int, _ bool) (float64, error) {
	at := func(i, j int) float64 {
		v := float64(p.G.Row(i)[j])
		if centre >= 0 {
			v -= float64(p.G.Row(centre)[j])
		}
		return v
	}
	for i := range p.G.Rows {
		for k := range p.G.Rows {
			K[i*p.G.Rows+k] = 0
			for j := range p.G.Cols {
				K[i*p.G.Rows+k] += at(i, j) * at(k, j)
			}
		}
	}
	return 1e-15, nil
}

func (p *plain) Norms(squares []float64) error {
	for i := range squares {
		squares[i] = 0
		for _, v := range p.G.Row(i) {
			squares[i] += float64(v) * float64(v)
		}
	}
	return nil
}

// set sets the result to what f gives of each column.
func (p *plain) set(f func(column []float64) float64) error {
	column := make([]float64, p.G.Rows)
	for j := range p.dst {
		for i := range column {
			column[i] = float64(p.G.Row(i)[j])
		}
		if p.dst[j] = float32(f(column)); p.dst[j]-p.dst[j] != 0 {
			return agg.ErrNotFinite
		}
	}
	return nil
}

func (p *plain) Combine(w []float64) error {
	return p.set(func(column []float64) (sum float64) {
		for i, v := range column {
			if w[i] != 0 {
				sum += w[i] * v
			}
		}
		return sum
	})
}

func (p *plain) Middle(from, to int) error {
	return p.set(func(column []float64) (mean float64) {
		if slices.ContainsFunc(column, func(v float64) bool { return v-v != 0 }) {
			return math.NaN()
		}
		slices.Sort(column)
		for _, v := range column[from:to] {
			mean += v / float64(to-from)
		}
		return mean
	})
}

func (p *plain) Host() ([]float32, agg.Matrix, error) {
	p.copies++
	G := agg.NewMatrix(p.G.Rows, p.G.Cols)
	copy(G.Data, p.G.Data)
	return make([]float32, len(p.dst)), G, nil
}

func (p *plain) Put(dst []float32) error {
	copy(p.dst, dst)
	return nil
}

func (p *plain) Columns(o agg.BlockOptions, direct bool) agg.Columns {
	if o.Select != "top-k" {
		return nil
	}
	return &plainColumns{rows: p, memory: o.Memory, direct: direct}
}

// plainColumns is [bgmd, Alg. 1] by the letter.
type plainColumns struct {
	rows   *plain
	memory string
	direct bool
	m      []float32

	gamma  float64
	P      agg.Matrix
	scores []float64
	index  []int
	block  *plain
}

func (c *plainColumns) State() []float32 { return c.m }

func (c *plainColumns) Restore(state []float32) error {
	c.m = slices.Clone(state)
	return nil
}

func (c *plainColumns) remembered(i, j int) float64 {
	switch {
	case c.m == nil:
		return 0
	case c.memory == "client":
		return float64(c.m[i*c.P.Cols+j])
	}
	return float64(c.m[j])
}

func (c *plainColumns) Score(gamma float64, k int) (total float64, err error) {
	n, d := c.rows.Size()
	c.gamma, c.P, c.scores, c.index = gamma, agg.NewMatrix(n, d), make([]float64, d), make([]int, k)
	for i := range n {
		for j, v := range c.rows.G.Row(i) {
			x := gamma*float64(v) + c.remembered(i, j)
			c.P.Row(i)[j] = float32(x)
			c.scores[j] += x * x
			total += x * x
		}
	}
	return total, nil
}

func (c *plainColumns) Choose(*rand.Rand) (inside float64, err error) {
	order := make([]int, len(c.scores))
	for j := range order {
		order[j] = j
	}
	slices.SortStableFunc(order, func(a, b int) int {
		switch {
		case c.scores[a] > c.scores[b]:
			return -1
		case c.scores[a] < c.scores[b]:
			return 1
		}
		return 0
	})
	copy(c.index, order)
	for _, j := range c.index {
		inside += c.scores[j]
	}
	return inside, nil
}

func (c *plainColumns) Gather() (agg.Space, error) {
	from := c.P
	if c.direct {
		from = c.rows.G
	}
	c.block = newPlain(from.Rows, len(c.index)).(*plain)
	for i := range from.Rows {
		for q, j := range c.index {
			c.block.G.Row(i)[q] = from.Row(i)[j]
		}
	}
	return c.block, nil
}

func (c *plainColumns) Finish(w []float64) error {
	clear(c.rows.dst)
	for q, j := range c.index {
		y := float64(c.block.dst[q])
		if c.direct {
			y = c.gamma*y + c.remembered(0, j)
		}
		c.rows.dst[j] = float32(y / c.gamma)
		for i := range c.P.Rows {
			c.P.Row(i)[j] = 0
		}
	}
	n := c.P.Rows
	switch c.memory {
	case "none":
		return nil
	case "client":
		c.m = c.P.Data
		return nil
	case "mean":
		w = slices.Repeat([]float64{1 / float64(n)}, n)
	}
	c.m = make([]float32, c.P.Cols)
	for j := range c.m {
		sum := 0.0
		for i := range n {
			sum += w[i] * float64(c.P.Row(i)[j])
		}
		c.m[j] = float32(sum)
	}
	return nil
}

// TestSpaces runs every rule in a space that is not the host's.
func TestSpaces(t *testing.T) { aggtest.RunSpace(t, newPlain, 2e-6) }

// broken is a space that fails.
type broken struct{ plain }

var errBroken = errors.New("the device is gone")

func (b *broken) Gram([]float64, int, bool) (float64, error)     { return 0, errBroken }
func (b *broken) Norms([]float64) error                          { return errBroken }
func (b *broken) Combine([]float64) error                        { return errBroken }
func (b *broken) Middle(int, int) error                          { return errBroken }
func (b *broken) Host() (dst []float32, G agg.Matrix, err error) { return nil, agg.Matrix{}, errBroken }
func (b *broken) Put([]float32) error                            { return errBroken }

// TestBrokenSpace: every rule says what the space says.
func TestBrokenSpace(t *testing.T) {
	for _, rule := range agg.Rules() {
		space := &broken{*newPlain(9, 5).(*plain)}
		_, err := agg.AggregateIn(build(rule.Name, claims[rule.Name].options)(), space, agg.Step{})
		if !errors.Is(err, errBroken) {
			t.Errorf("%s: error %v, want %v", rule.Name, err, errBroken)
		}
	}
}

// limited is a space that cannot do what takes all rows at a time.
type limited struct{ plain }

func (l *limited) Gram([]float64, int, bool) (float64, error) { return 0, errors.ErrUnsupported }
func (l *limited) Middle(int, int) error                      { return errors.ErrUnsupported }

// TestLimitedSpace: what a space cannot do is done in memory.
func TestLimitedSpace(t *testing.T) {
	G := aggtest.Random(11, 5, 1)
	for _, rule := range agg.Rules() {
		space, want := &limited{*newPlain(11, 5).(*plain)}, make([]float32, 5)
		space.Load(G)
		build := build(rule.Name, claims[rule.Name].options)
		must(build().Aggregate(want, G, agg.Step{}))
		must(agg.AggregateIn(build(), space, agg.Step{}))
		switch rule.Name {
		case "mean", "norm-clipping": // can be done
		default:
			if !slices.Equal(space.Result(), want) || space.Copies() == 0 {
				t.Errorf("%s: %v after %d copies, want %v", rule.Name, space.Result(), space.Copies(), want)
			}
		}
	}
}
