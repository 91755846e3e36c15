package nn

import "github.com/bgmd/bgmd/pkg/models/nn/kernel"

// Norm is a batch norm of a layer. Besides parameters it has buffers, the
// running averages of its channels' means and variances, which are not trained.
type Norm struct {
	Name     string // as in PyTorch's state_dict, such as "layer1.0.bn1"
	Channels int
}

// Len is the number of its buffers: the means, and then the variances.
func (n Norm) Len() int { return 2 * n.Channels }

// Normed is a layer with batch norms.
type Normed interface {
	Layer
	// Norms lists them in the order in which Apply takes their buffers from
	// the pass.
	Norms() []Norm
}

// Buffers are what the batch norms of one graph read and write.
type Buffers struct {
	// Running, if not nil, holds the averages to normalise by. Otherwise every
	// batch is normalised by its own means and variances.
	Running []float32
	// Batch, if not nil, gets the means and variances of every run's batch,
	// the latter with the divisor count−1.
	Batch []float32
	taken int
}

// window is the next norm's part of x, or memory that nobody reads.
func window(x []float32, taken, size int) []float32 {
	if x == nil {
		return make([]float32, size)
	}
	return x[taken : taken+size]
}

// unit is a convolution without bias through batch norm, the state of one in one
// graph. Its vector of parameters is the convolution's weight, gamma and beta.
type unit struct {
	kernel.Conv
	fast    *filter // nil: by definition
	pass    *Pass
	norm    *kernel.BatchNorm
	running []float32 // nil: the batch's own statistics
	batch   []float32
	z       []float32 // the convolution's output, and then its gradient
	image   []float32 // memory for the input where it is arranged anew
	x, w    []float32 // what the forward pass saw last
}

// newUnit returns the unit of c, whose weights are at the front of the vector.
func newUnit(c kernel.Conv, params []float32, pass *Pass) *unit {
	b := &pass.Buffers
	size := Norm{Channels: c.Co}.Len()
	u := &unit{
		Conv:  c,
		pass:  pass,
		fast:  pass.filter(c, params),
		norm:  kernel.NewBatchNorm(c.OH(), c.Co, c.OW()*c.N),
		batch: window(b.Batch, b.taken, size),
		z:     make([]float32, c.OH()*c.Co*c.OW()*c.N),
		image: make([]float32, c.ArrangedLen()),
	}
	if b.Running != nil {
		u.running = window(b.Running, b.taken, size)
	}
	b.taken += size
	u.count()
	return u
}

// unitSize is the bytes of a unit: its output, the input arranged anew, and what is
// known of each channel.
func unitSize(c kernel.Conv) int {
	return size(c.OH()*c.Co*c.OW()*c.N+c.ArrangedLen()) + c.Co*kernel.BatchNormSize
}

// count adds one product to what the pass counts.
func (u *unit) count() { u.pass.count(u.Conv, u.fast) }

// params is the number of the unit's parameters.
func (u *unit) params() int { return u.Co*u.Ci*u.K*u.K + Norm{Channels: u.Co}.Len() }

// unitParams lists a unit's parameters by the names of its parts.
func unitParams(conv, norm string, c kernel.Conv) []Param {
	return []Param{
		{Name: conv + ".weight", Shape: []int{c.Co, c.Ci, c.K, c.K}, FanIn: c.Ci * c.K * c.K, Init: KaimingNormal, Columns: !c.Thin()},
		{Name: norm + ".weight", Shape: []int{c.Co}, FanIn: c.Co, Init: Ones},
		{Name: norm + ".bias", Shape: []int{c.Co}, FanIn: c.Co, Init: Zeros},
	}
}

// split parts the unit's parameters from the front of a vector.
func (u *unit) split(vector []float32) (w, gamma, beta, rest []float32) {
	at := u.Co * u.Ci * u.K * u.K
	return vector[:at], vector[at : at+u.Co], vector[at+u.Co : at+2*u.Co], vector[at+2*u.Co:]
}

// forward computes z from x and sets the norm, with the parameters at the front
// of the vector, and returns the rest of that.
func (u *unit) forward(x, params []float32) (rest []float32) {
	w, gamma, beta, rest := u.split(params)
	u.x, u.w = u.Arrange(u.image, x), w
	if u.fast != nil {
		u.fast.Forward(u.z, u.fast.u, u.x)
	} else {
		for y := range u.OH() {
			u.Conv.Forward(u.row(y), w, u.x, y)
		}
	}
	if u.running != nil {
		u.norm.Use(u.running[:u.Co], u.running[u.Co:])
	} else {
		u.norm.Measure(u.z, u.batch[:u.Co], u.batch[u.Co:])
	}
	u.norm.Set(gamma, beta)
	return rest
}

// backward writes the gradients of the parameters to the front of grad, from g,
// which the norm's Mask has made, and returns the rest of that.
func (u *unit) backward(g, grad []float32) (rest []float32) {
	dw, dgamma, dbeta, rest := u.split(grad)
	u.norm.Grad(u.z, dgamma, dbeta, g)
	if u.fast != nil {
		u.fast.GradWeight(dw, u.z, u.x)
		return rest
	}
	for y := range u.OH() {
		u.GradWeight(dw, u.row(y), u.x, y)
	}
	return rest
}

// addInput adds the gradient of the input to din, after backward.
func (u *unit) addInput(din []float32) {
	if u.fast != nil {
		u.fast.GradInput(din, u.fast.u, u.z)
		return
	}
	for y := range u.OH() {
		u.GradInput(din, u.w, u.row(y), y)
	}
}

// row is row y of z.
func (u *unit) row(y int) []float32 {
	size := len(u.z) / u.OH()
	return u.z[y*size : (y+1)*size]
}
