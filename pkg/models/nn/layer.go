package nn

import (
	"math"
	"math/rand/v2"

	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"github.com/bgmd/bgmd/pkg/models/nn/kernel"
)

// Param is one array of parameters of a layer.
type Param struct {
	Name  string // as in PyTorch's state_dict, such as "conv1.weight"
	Shape []int  // as in PyTorch
	FanIn int    // of the layer, for the initial values
	Init  Init   // how those are drawn
	// Columns says that the array is kept as [kx][Co][ky][Ci], as convolution
	// kernels want it, though its shape is [Co][Ci][ky][kx].
	Columns bool
}

// Init says how initial values are drawn.
type Init int

// What torch.nn and torchvision's models draw from.
const (
	Uniform       Init = iota // U(−1/√fan_in, 1/√fan_in): linear and convolution layers
	KaimingNormal             // N(0, 2/fan_out): convolutions of residual networks
	Ones                      // 1: batch norm's weight
	Zeros                     // 0: batch norm's bias
)

// Draw returns initial values in PyTorch's order.
func (p Param) Draw(rng *rand.Rand) []float32 {
	x := make([]float32, p.Len())
	switch p.Init {
	case Uniform:
		bound := 1 / math.Sqrt(float64(p.FanIn))
		for i := range x {
			x[i] = float32((2*rng.Float64() - 1) * bound)
		}
	case KaimingNormal:
		fanOut := p.Len() / p.Shape[1]
		std := math.Sqrt(2 / float64(fanOut))
		for i := range x {
			x[i] = float32(rng.NormFloat64() * std)
		}
	case Ones:
		for i := range x {
			x[i] = 1
		}
	}
	return x
}

// Len is the number of elements.
func (p Param) Len() int {
	n := 1
	for _, s := range p.Shape {
		n *= s
	}
	return n
}

// ToTorch copies x, in the order the kernels keep, to dst in PyTorch's order.
func (p Param) ToTorch(dst, x []float32) {
	p.permute(func(torch, kernel int) { dst[torch] = x[kernel] })
}

// FromTorch copies x, in PyTorch's order, to dst in the order of the kernels.
func (p Param) FromTorch(dst, x []float32) {
	p.permute(func(torch, kernel int) { dst[kernel] = x[torch] })
}

// permute calls f with the two places of every element.
func (p Param) permute(f func(torch, kernel int)) {
	if !p.Columns {
		for i := range p.Len() {
			f(i, i)
		}
		return
	}
	co, ci, kh, kw := p.Shape[0], p.Shape[1], p.Shape[2], p.Shape[3]
	torch := 0
	for o := range co {
		for i := range ci {
			for y := range kh {
				for x := range kw {
					f(torch, ((x*co+o)*kh+y)*ci+i)
					torch++
				}
			}
		}
	}
}

// Layer is one layer of a network.
type Layer interface {
	// Params lists the layer's parameters in the order in which they follow
	// each other in its vector.
	Params() []Param
	// Apply puts the layer into the graph of x. The node params holds the vector of
	// all its parameters: Gorgonia allocates at every run for every node, so one node
	// is better than one for each array. When the graph's gradient runs, the gradient
	// of params is written to grad, which is the value of its node. A layer without
	// parameters gets neither.
	Apply(x, params *gorgonia.Node, grad gorgonia.Value, pass *Pass) (*gorgonia.Node, error)
	// Size returns the shape that Apply maps an x of the given shape to, and the
	// bytes that the layer then holds, with train those for its gradient too. It
	// fails as Apply does and takes no memory.
	Size(x tensor.Shape, train bool) (out tensor.Shape, bytes int, err error)
}

// size is the bytes of so many float32 values.
func size(values int) int { return 4 * values }

// Len is the number of parameters of a layer.
func Len(l Layer) int {
	n := 0
	for _, p := range l.Params() {
		n += p.Len()
	}
	return n
}

// Pass is what a run of one graph depends on besides its inputs, and what is
// known of its cost.
type Pass struct {
	// Engine computes the layers; nil is the host.
	Engine Engine
	// Rand draws the dropout masks; nil drops nothing.
	Rand *rand.Rand
	// Seconds, if not nil, gets the time of every op added under its name.
	Seconds map[string]float64
	// Flops counts the multiplications and additions of the matrix products
	// of one run; layers add theirs when they and their gradients are built.
	// ByDefinition counts those that the products have by their definition, which
	// are more where a convolution is computed by other means.
	Flops, ByDefinition int
	// Weights are the net's; with nil, layers take the parameters as they are.
	Weights *Weights
	// Direct makes all convolutions be computed by definition, as nil Weights do.
	Direct bool
	// Buffers are those of the batch norms.
	Buffers Buffers
	space   kernel.Space
	tape    []call     // of a run, nil before the first
	note    func(call) // while the first is under way
}
