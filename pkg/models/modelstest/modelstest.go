// Package modelstest has the tests that every model of package models passes.
//
// They see a model as a trainer does: parameters, gradients and logits. What
// is peculiar to one model (its arrays, their sizes, reference values) is
// tested where the model is.
package modelstest

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/bgmd/bgmd/pkg/data"
	"github.com/bgmd/bgmd/pkg/models"
)

// Run tests the named model on images of o.Shape in o.Classes classes, with
// such options as only some models have; a positive o.Dropout says that the
// model has dropout. It chooses the others itself.
func Run(t *testing.T, name string, o models.Options) {
	s := suite{name: name, options: o, shape: o.Shape, classes: o.Classes}
	for _, test := range []struct {
		name string
		f    func(*testing.T)
	}{
		{"initial parameters", s.initial},
		{"seed", s.seed},
		{"gradient", s.gradient},
		{"gradient overwrites its row", s.overwrites},
		{"unlabelled samples", s.unlabelled},
		{"overfits", s.overfits},
		{"replicas", s.replicas},
		{"all clients", s.all},
		{"allocation", s.allocation},
		{"profile", s.profile},
		{"export and import", s.exchange},
		{"import refuses", s.refuses},
		{"predict", s.predict},
		{"buffers", s.buffers},
		{"wrong sizes", s.sizes},
	} {
		t.Run(test.name, test.f)
	}
}

// suite is the model under test.
type suite struct {
	name    string
	options models.Options // what New gets besides what the tests choose
	shape   data.Shape
	classes int
}

// net builds the model. The batch is as large in Grad as in Predict, so that
// one dropout stream gives both the same masks.
func (s suite) net(t *testing.T, seed uint64, batch, replicas int, dropout float64) *models.Net {
	t.Helper()
	o := s.options
	if o.Dropout == 0 {
		dropout = 0.5 // has no effect
	}
	o.BatchStats = true // for the tests that compare Predict with Grad
	o.Dropout, o.Batch, o.EvalBatch, o.Replicas, o.Rand = dropout, batch, batch, replicas, source(seed)
	net, err := models.New(s.name, o)
	if err != nil {
		t.Fatal(err)
	}
	return net
}

// batch draws n images of normal pixels; sample i is of class i mod classes.
func (s suite) batch(seed uint64, n int) *data.Batch {
	b, rng := data.NewBatch(s.shape, n), source(seed)
	for i := range b.X {
		b.X[i] = float32(rng.NormFloat64())
	}
	for i := range b.Labels {
		b.Labels[i] = i % s.classes
	}
	return b
}

func source(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 0)) }

// grad is Replica 0's gradient in a fresh row of NaN: every element must be
// written.
func grad(t *testing.T, net *models.Net, b *data.Batch, rng *rand.Rand) ([]float32, float64) {
	t.Helper()
	g := make([]float32, len(net.Params()))
	for i := range g {
		g[i] = float32(math.NaN())
	}
	loss, err := net.Replica(0).Grad(g, b, rng)
	if err != nil {
		t.Fatal(err)
	}
	return g, loss
}

// predict returns a copy of Replica 0's logits.
func predict(t *testing.T, net *models.Net, b *data.Batch, rng *rand.Rand) []float32 {
	t.Helper()
	logits, err := net.Replica(0).Predict(b, rng)
	if err != nil {
		t.Fatal(err)
	}
	return append([]float32(nil), logits...)
}

// losses is the cross-entropy of each sample in float64, computed apart from
// the model's own.
func losses(logits []float32, labels []int) []float64 {
	n := len(labels)
	all := make([]float64, n)
	for i, label := range labels {
		var sum float64
		for at := i; at < len(logits); at += n {
			sum += math.Exp(float64(logits[at]))
		}
		all[i] = math.Log(sum) - float64(logits[label*n+i])
	}
	return all
}

func mean(x []float64) float64 {
	var sum float64
	for _, v := range x {
		sum += v
	}
	return sum / float64(len(x))
}

// each calls f with the name and place of every array in the vector of
// parameters.
func each(net *models.Net, f func(t models.Tensor, lo, hi int)) {
	at := 0
	for _, t := range net.Export() {
		if at == len(net.Params()) {
			return // buffers follow
		}
		f(t, at, at+len(t.Data))
		at += len(t.Data)
	}
}
