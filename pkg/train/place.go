package train

import (
	"fmt"
	"math"

	"github.com/bgmd/bgmd/internal/par"
	"github.com/bgmd/bgmd/pkg/agg"
	"github.com/bgmd/bgmd/pkg/corrupt"
	"github.com/bgmd/bgmd/pkg/models"
)

// place is where a run's steps happen: where the clients' gradients G are, the update u
// that a rule makes of them, the parameters and the optimiser's vectors.
type place interface {
	// row returns the function that says where [models.Net.Grads] puts client i's
	// gradient; nil where the net knows that itself.
	row() func(i int) []float32
	// attack corrupts rows of the given step's G.
	attack(plan *corrupt.GradientPlan, step int) error
	// aggregate sets u to what the rule makes of G.
	aggregate(rule agg.Aggregator, step agg.Step) (agg.Stats, error)
	// SGD and Adam move the parameters along −u, as [models.Resident] says. Every
	// call must have the same vectors. They may be out of date until Settle.
	SGD(velocity []float32, rate, momentum, decay float32, nesterov bool) error
	Adam(a models.Adam, m, v []float32) error
	// Settle brings the net's parameters and the optimiser's vectors up to date. Call
	// it before reading them.
	Settle() error
}

// newPlace returns where the steps of a net and its clients happen. It calls note with
// each thing that has to happen in memory although the net computes on a device.
func newPlace(net *models.Net, clients int, note func(string)) (place, error) {
	there, err := net.Resident()
	if err != nil {
		return nil, err
	}
	if there != nil {
		return &resident{Resident: there, note: note}, nil
	}
	if net.Replicas() == 0 && note != nil {
		note(fmt.Sprintf("gradients are copied from the GPU to memory: %d clients are more than rules take there", clients))
	}
	d := len(net.Params())
	rows, err := net.Rows(clients)
	return &inMemory{G: agg.Matrix{Data: rows, Rows: clients, Cols: d}, u: make([]float32, d), x: net.Params()}, err
}

// inMemory is the place of nets in memory, and of those on a device with more clients
// than rules take there.
type inMemory struct {
	G    agg.Matrix
	u, x []float32
}

func (p *inMemory) row() func(i int) []float32 { return p.G.Row }

func (p *inMemory) attack(plan *corrupt.GradientPlan, step int) error {
	plan.Apply(p.G, step)
	return nil
}

func (p *inMemory) aggregate(rule agg.Aggregator, step agg.Step) (agg.Stats, error) {
	return rule.Aggregate(p.u, p.G, step)
}

// stepGrain is large enough that a chunk is worth a goroutine.
const stepGrain = 1 << 15

// SGD costs one pass over x, u and v.
func (p *inMemory) SGD(velocity []float32, rate, momentum, decay float32, nesterov bool) error {
	par.For(len(p.x), stepGrain, func(_, lo, hi int) {
		x, u := p.x[lo:hi], p.u[lo:hi]
		if velocity == nil {
			for i := range x {
				x[i] -= rate * (u[i] + decay*x[i])
			}
			return
		}
		for i, v := range velocity[lo:hi] {
			g := u[i] + decay*x[i]
			v = momentum*v + g
			velocity[lo+i] = v
			if nesterov {
				v = g + momentum*v
			}
			x[i] -= rate * v
		}
	})
	return nil
}

// Adam costs one pass over x, u, m and v.
func (p *inMemory) Adam(a models.Adam, m, v []float32) error {
	par.For(len(p.x), stepGrain, func(_, lo, hi int) {
		x, u, m, v := p.x[lo:hi], p.u[lo:hi], m[lo:hi], v[lo:hi]
		for i := range x {
			g := u[i] + a.Decay*x[i]
			m[i] = a.Beta1*m[i] + a.Rest1*g
			v[i] = a.Beta2*v[i] + a.Rest2*g*g
			x[i] -= a.Rate * m[i] / (float32(math.Sqrt(float64(v[i])))*a.Scale + a.Epsilon)
		}
	})
	return nil
}

func (p *inMemory) Settle() error { return nil }

// resident is the place of nets on a device. Everything stays there, except what has to
// be in memory.
type resident struct {
	models.Resident
	note   func(string)
	copies [2]bool // of G, that note knows of: for the corruption and for the rule
}

func (p *resident) row() func(i int) []float32 { return nil }

func (p *resident) attack(plan *corrupt.GradientPlan, step int) error {
	before := p.Copies()
	_, err := plan.ApplyIn(p, step)
	p.noteCopy(0, before, plan.String())
	return err
}

func (p *resident) aggregate(rule agg.Aggregator, step agg.Step) (agg.Stats, error) {
	before := p.Copies()
	stats, err := agg.AggregateIn(rule, p, step)
	if err == nil {
		p.noteCopy(1, before, rule.String())
	}
	return stats, err
}

// noteCopy notes, the first time, that what has copied G, if there are more copies than
// before.
func (p *resident) noteCopy(kind, before int, what string) {
	if p.Copies() == before || p.copies[kind] {
		return
	}
	p.copies[kind] = true
	if p.note != nil {
		p.note("gradients are copied from the GPU to memory for " + what)
	}
}
