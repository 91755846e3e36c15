package winograd

import "github.com/bgmd/bgmd/internal/huge"

// Space is the memory that convolutions work in, one after another: what is in it
// between two calls does not matter. The zero value is ready.
type Space struct {
	memory   []float32
	gradient []float32
}

// Gradient returns memory for the gradient of p's transformed weights, which stays
// as it is until it is asked for another plan's.
func (s *Space) Gradient(p *Plan) []float32 {
	if n := p.GradLen(); n > len(s.gradient) {
		s.gradient = huge.Make[float32](n)
	}
	return s.gradient[:p.GradLen()]
}

// take returns windows of the given lengths on the memory, each at the beginning of
// a line of the cache.
func (s *Space) take(lengths ...int) [][]float32 {
	total := 0
	for _, n := range lengths {
		total += ceil(n, Lanes) * Lanes
	}
	if total > len(s.memory) {
		s.memory = huge.Make[float32](total)
	}
	windows, at := make([][]float32, len(lengths)), 0
	for i, n := range lengths {
		windows[i] = s.memory[at : at+n : at+n]
		at += ceil(n, Lanes) * Lanes
	}
	return windows
}
