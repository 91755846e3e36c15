package winograd

import "github.com/bgmd/bgmd/internal/huge"

// Space is the memory that convolutions work in, one after another. The zero value
// is ready and takes memory when a convolution needs it.
type Space struct {
	memory   []float32 // what is in it between two calls does not matter
	gradient []float32
}

// SpaceLen is the number of floats that p needs in a [Space] to work in and, with
// gradients, for [Space.Gradient].
func (p *Plan) SpaceLen(gradients bool) (memory, gradient int) {
	memory = p.forward().total()
	if gradients {
		memory, gradient = max(memory, p.backward().total()), p.GradLen()
	}
	return memory, gradient
}

// Reserve takes as much memory as SpaceLen says, at once.
func (s *Space) Reserve(memory, gradient int) {
	if memory > len(s.memory) {
		s.memory = huge.Make[float32](memory)
	}
	if gradient > len(s.gradient) {
		s.gradient = huge.Make[float32](gradient)
	}
}

// Gradient returns memory for the gradient of p's transformed weights, which stays
// as it is until it is asked for another plan's.
func (s *Space) Gradient(p *Plan) []float32 {
	s.Reserve(0, p.GradLen())
	return s.gradient[:p.GradLen()]
}

// Memory returns n floats to work in, for what is no convolution but runs in turn
// with them.
func (s *Space) Memory(n int) []float32 {
	s.Reserve(n, 0)
	return s.memory[:n:n]
}

// lengths are those of the windows that a product has on the memory.
type lengths [6]int

// take returns the windows, each at the beginning of a line of the cache.
func (s *Space) take(l lengths) (windows [len(lengths{})][]float32) {
	s.Reserve(l.total(), 0)
	at := 0
	for i, n := range l {
		windows[i] = s.memory[at : at+n : at+n]
		at += ceil(n, Lanes) * Lanes
	}
	return windows
}

func (l lengths) total() (sum int) {
	for _, n := range l {
		sum += ceil(n, Lanes) * Lanes
	}
	return sum
}
