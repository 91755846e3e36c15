package train

import (
	"errors"
	"fmt"

	"github.com/bgmd/bgmd/pkg/config"
)

// optimizer moves the parameters along the aggregated gradient.
type optimizer interface {
	// step moves the parameters, which are at the place, along −u with step size lr.
	// update counts the run's calls of step, from 1.
	step(at place, lr float64, update int) error
	// state returns the vectors that the next step depends on, by their names in
	// checkpoints. They are not copies; one that the optimiser does without is nil.
	state() map[string][]float32
}

func newOptimizer(c config.Optimizer, d int) optimizer {
	if c.Kind == "adam" {
		return newAdam(c, d)
	}
	return newSGD(c, d)
}

// restore sets an optimiser's state to what a checkpoint holds.
func restore(o optimizer, saved map[string][]float32) error {
	var errs []error
	for name, x := range o.state() {
		if len(saved[name]) != len(x) {
			errs = append(errs, fmt.Errorf("%s has %d elements, want %d", name, len(saved[name]), len(x)))
			continue
		}
		copy(x, saved[name])
	}
	return errors.Join(errs...)
}

// sgd is stochastic gradient descent with momentum and weight decay in
// PyTorch's form. For an aggregated gradient u, step size γ, momentum μ and
// weight decay wd, coordinate by coordinate:
//
//	u ← u + wd·x
//	v ← μ·v + u
//	x ← x − γ·(u + μ·v)   with Nesterov
//	x ← x − γ·v           without
//
// μ = wd = 0 is the last line of [bgmd, Alg. 1].
type sgd struct {
	config.Optimizer
	velocity []float32 // v, nil with μ = 0
}

func newSGD(c config.Optimizer, d int) *sgd {
	o := &sgd{Optimizer: c}
	if c.Momentum != 0 {
		o.velocity = make([]float32, d)
	}
	return o
}

func (o *sgd) step(at place, lr float64, _ int) error {
	return at.SGD(o.velocity, float32(lr), float32(o.Momentum), float32(o.WeightDecay), o.Nesterov)
}

func (o *sgd) state() map[string][]float32 { return map[string][]float32{velocityName: o.velocity} }
