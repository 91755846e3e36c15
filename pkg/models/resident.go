package models

import "github.com/bgmd/bgmd/pkg/agg"

// Resident is what a net on a device keeps there from step to step: the clients'
// gradients G, after a [Net.Grads] that leaves them there, as an [agg.Space], and the
// parameters. Its calls return when the device is done.
//
// SGD and Adam move the device's parameters alone. [Resident.Settle] brings the host's
// after them, and must come before these are read or changed.
type Resident interface {
	agg.Space
	// Copies is the number of calls of Host.
	Copies() int

	// Scale, Noise, Add, Replace and Return corrupt rows of G: see corrupt.Rows.
	Scale(rows []int, factor float32) error
	Noise(rows int) (agg.Matrix, error)
	Add(rows []int, noise agg.Matrix) error
	Replace(rows []int, noise agg.Matrix) error
	Return(rows []int) error

	// SGD moves the parameters along −u, the space's result, as PyTorch does:
	//
	//	g = u + decay·x    v ← momentum·v + g    x ← x − rate·v
	//
	// with Nesterov x ← x − rate·(g + momentum·v), and without a velocity v, which
	// is nil, x ← x − rate·g. It rounds to float32 after each operation.
	SGD(velocity []float32, rate, momentum, decay float32, nesterov bool) error
	// Adam does so with m and v, the running means of the gradient and its square:
	//
	//	g = u + decay·x    m ← β₁·m + rest₁·g    v ← β₂·v + rest₂·g·g
	//	x ← x − rate·m/(√v·scale + ε)
	Adam(a Adam, m, v []float32) error
	// Settle sets the host's parameters, and the vectors that the last SGD or Adam
	// was given, to the device's. It fails if anything on the device has, a block's
	// State too.
	Settle() error
}

// Adam is what a step of Adam depends on: Rate and Scale have the corrections of its
// start, rate/(1−β₁ᵗ) and 1/√(1−β₂ᵗ), and Rest1 and Rest2 are 1−β₁ and 1−β₂.
type Adam struct{ Beta1, Rest1, Beta2, Rest2, Decay, Rate, Scale, Epsilon float32 }

// Resident returns what the net keeps on its device; nil for a net in memory, and for
// more clients than rules take there.
func (n *Net) Resident() (Resident, error) {
	if n.device == nil {
		return nil, nil
	}
	return n.device.resident()
}
