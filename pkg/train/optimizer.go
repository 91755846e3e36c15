package train

import (
	"fmt"
	"math"

	"github.com/bgmd/bgmd/internal/par"
)

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
	OptimizerConfig
	velocity []float32 // v, nil with μ = 0
}

func newSGD(c OptimizerConfig, d int) *sgd {
	o := &sgd{OptimizerConfig: c}
	if c.Momentum != 0 {
		o.velocity = make([]float32, d)
	}
	return o
}

// stepGrain is large enough that a chunk is worth a goroutine.
const stepGrain = 1 << 15

// step moves x along −u with step size lr. It costs one pass over x, u and v.
func (o *sgd) step(x, u []float32, lr float64) {
	gamma, mu, wd := float32(lr), float32(o.Momentum), float32(o.WeightDecay)
	par.For(len(x), stepGrain, func(_, lo, hi int) {
		x, u := x[lo:hi], u[lo:hi]
		if o.velocity == nil {
			for i := range x {
				x[i] -= gamma * (u[i] + wd*x[i])
			}
			return
		}
		for i, v := range o.velocity[lo:hi] {
			g := u[i] + wd*x[i]
			v = mu*v + g
			o.velocity[lo+i] = v
			if o.Nesterov {
				v = g + mu*v
			}
			x[i] -= gamma * v
		}
	})
}

// restore sets the velocity that a checkpoint holds.
func (o *sgd) restore(velocity []float32) error {
	if len(velocity) != len(o.velocity) {
		return fmt.Errorf("the optimiser's velocity has %d elements, want %d", len(velocity), len(o.velocity))
	}
	copy(o.velocity, velocity)
	return nil
}

// StepSize returns γ in the given epoch, counted from 0:
//
//	constant     γ₀
//	step         γ₀·factor^⌊epoch/every⌋
//	exponential  γ₀·factor^epoch
//	cosine       γ₀·(1 + cos(π·epoch/t_max))/2
//
// where t_max = 0 means the run's number of epochs.
func (c Config) StepSize(epoch int) float64 {
	gamma, s := c.Optimizer.LR, c.Schedule
	switch s.Kind {
	case "step":
		return gamma * math.Pow(s.Factor, float64(epoch/s.Every))
	case "exponential":
		return gamma * math.Pow(s.Factor, float64(epoch))
	case "cosine":
		period := s.TMax
		if period == 0 {
			period = c.Epochs
		}
		return gamma * (1 + math.Cos(math.Pi*float64(epoch)/float64(period))) / 2
	}
	return gamma
}
