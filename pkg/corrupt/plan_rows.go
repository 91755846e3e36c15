package corrupt

import (
	"github.com/bgmd/bgmd/internal/par"
	"github.com/bgmd/bgmd/pkg/agg"
)

// Rows are the rows of a matrix G that lives elsewhere than in memory, on a device.
type Rows interface {
	// Size returns the numbers of rows and columns.
	Size() (n, d int)
	// Scale multiplies rows by a factor.
	Scale(rows []int, factor float32) error
	// Noise returns memory for so many rows of noise, for Add and Replace. Every call
	// returns the same memory.
	Noise(rows int) (agg.Matrix, error)
	// Add adds row k of noise to row rows[k] of G.
	Add(rows []int, noise agg.Matrix) error
	// Replace sets row rows[k] of G to row k of noise.
	Replace(rows []int, noise agg.Matrix) error
	// Host returns a copy of G in memory.
	Host() (dst []float32, G agg.Matrix, err error)
	// Return copies rows of Host's copy back to G.
	Return(rows []int) error
}

// scaling is a corruption that multiplies rows by a factor.
type scaling interface{ factor() float32 }

// drawing is a corruption that draws noise: what it makes of a row of zeros. It adds
// the noise to a row, or replaces the row by it.
type drawing interface{ replaces() bool }

// ApplyIn corrupts rows of the given step's G where they live. The result has the same
// bits as that of Apply. Rows are scaled on the device. Noise is drawn in memory, that
// of the next step while the caller goes on, so call [GradientPlan.Settle] before G is
// freed. Any other corruption copies G to memory and back.
func (p *GradientPlan) ApplyIn(G Rows, step int) (rows []int, err error) {
	if p == nil || p.corruption == nil {
		return nil, nil
	}
	n, d := G.Size()
	rows = p.rows(n, d, step)
	if len(rows) > 0 {
		switch c := p.corruption.(type) {
		case scaling:
			err = G.Scale(rows, c.factor())
		case drawing:
			err = p.draw(G, rows, step, c.replaces())
		default:
			err = p.copy(G, rows, step)
		}
	}
	p.tally.add(len(rows), n)
	return rows, err
}

// copy corrupts rows in memory.
func (p *GradientPlan) copy(there Rows, rows []int, step int) error {
	_, G, err := there.Host()
	if err != nil {
		return err
	}
	p.apply(G, rows, step)
	return there.Return(rows)
}

// ahead is noise that is drawn before it is needed.
type ahead struct {
	step  int
	noise agg.Matrix
	done  chan struct{} // closed when noise is there; nil if there is none
}

// draw corrupts rows by noise and begins to draw the next step's noise.
func (p *GradientPlan) draw(G Rows, rows []int, step int, replace bool) error {
	p.Settle()
	if p.ahead.step != step || p.ahead.noise.Rows != len(rows) {
		if err := p.prepare(G, step); err != nil {
			return err
		}
		p.Settle()
	}
	put := G.Add
	if replace {
		put = G.Replace
	}
	if err := put(rows, p.ahead.noise); err != nil {
		return err
	}
	return p.prepare(G, step+1)
}

// prepare begins to draw a step's noise, by corrupting rows of zeros.
func (p *GradientPlan) prepare(G Rows, step int) error {
	n, d := G.Size()
	noise, err := G.Noise(len(p.rows(n, d, step)))
	if err != nil {
		return err
	}
	done := make(chan struct{})
	p.ahead = ahead{step, noise, done}
	all := make([]int, noise.Rows)
	for k := range all {
		all[k] = k
	}
	go func() {
		defer close(done)
		par.For(len(noise.Data), rowGrain, func(_, lo, hi int) { clear(noise.Data[lo:hi]) })
		p.apply(noise, all, step)
	}()
	return nil
}

// Settle waits until the plan is no longer drawing noise.
func (p *GradientPlan) Settle() {
	if p != nil && p.ahead.done != nil {
		<-p.ahead.done
	}
}
