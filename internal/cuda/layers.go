//go:build gpu && linux

package cuda

import "errors"

// Pixels is the geometry of arrays of PH×C×PW×M or, flat, C×PH×PW×M, of M = Clients·N
// samples.
type Pixels struct {
	C, PH, PW  int
	N, Clients int
	Flat       bool // as linear layers want them
}

// M is the number of samples.
func (p Pixels) M() int { return p.N * p.Clients }

// Len is the number of elements.
func (p Pixels) Len() int { return p.C * p.PH * p.PW * p.M() }

func (p Pixels) flat() int {
	if p.Flat {
		return 1
	}
	return 0
}

// PoolBiasReLU is a 2×2 max-pool of stride 2, plus a bias a channel, through ReLU, from z,
// 2PH×C×2PW×M, to p:
//
//	out[y,c,x,m] = max(0, bias[c] + max_{r,s∈{0,1}} z[2y+r,c,2x+s,m])
//
// arg notes which of the four was the largest, the first of equals, or 4 where ReLU cut it
// off. A NaN wins.
func (s *Stream) PoolBiasReLU(p Pixels, out Memory[float32], arg Memory[uint8], z, bias Memory[float32]) error {
	n := p.Len()
	if err := check("PoolBiasReLU", need{"out", out.n, n}, need{"arg", arg.n, n}, need{"z", z.n, 4 * n}, need{"bias", bias.n, p.C}); err != nil {
		return err
	}
	return s.launch("pool_bias_relu", grid{cover(n, 256), 1, 1}, out, arg, z, bias, p.C, p.PH, p.PW, p.M(), p.flat(), uint32(n))
}

// PoolBiasReLUGrad sets dz, 2PH×C×2PW×M, to dout where arg says and to 0 elsewhere.
func (s *Stream) PoolBiasReLUGrad(p Pixels, dz, dout Memory[float32], arg Memory[uint8]) error {
	n := p.Len()
	if err := check("PoolBiasReLUGrad", need{"dz", dz.n, 4 * n}, need{"dout", dout.n, n}, need{"arg", arg.n, n}); err != nil {
		return err
	}
	return s.launch("pool_bias_relu_grad", grid{cover(n, 256), 1, 1}, dz, dout, arg, p.C, p.PH, p.PW, p.M(), p.flat(), uint32(n))
}

// BiasGrad writes the gradient of a bias a channel, client i's to grads[i·stride:]: the sum
// of dout over the channel's pixels and the client's samples, in float64. With arg, of
// PoolBiasReLU, what is cut off does not count; a zero arg is none.
func (s *Stream) BiasGrad(p Pixels, grads Memory[float32], stride int, dout Memory[float32], arg Memory[uint8]) error {
	err := errors.Join(check("BiasGrad", need{"dout", dout.n, p.Len()}), checkRows("BiasGrad", grads.n, p.Clients, stride, p.C))
	if arg.at != 0 {
		err = errors.Join(err, check("BiasGrad", need{"arg", arg.n, p.Len()}))
	}
	if err != nil {
		return err
	}
	return s.launch("bias_grad", grid{p.C, p.Clients, 1}, grads, int64(stride), dout, arg, p.C, p.PH, p.PW, p.M(), p.N, p.flat())
}

// MergeClients sets out[r][i·n+k] to in[i][r][k]: what clients have, rows×n each and one
// behind the other, side by side.
func (s *Stream) MergeClients(out, in Memory[float32], rows, n, clients int) error {
	total := rows * n * clients
	if err := check("MergeClients", need{"out", out.n, total}, need{"in", in.n, total}); err != nil {
		return err
	}
	return s.launch("merge_clients", grid{cover(total, 256), 1, 1}, out, in, rows, n*clients, n, uint32(total))
}

// AddBias adds bias[r] to row r of x, len(bias)×m.
func (s *Stream) AddBias(x, bias Memory[float32], m int) error {
	total := bias.n * m
	if err := check("AddBias", need{"x", x.n, total}); err != nil {
		return err
	}
	return s.launch("add_bias", grid{cover(total, 256), 1, 1}, x, bias, m, uint32(total))
}

// Scale computes out = x·by, element by element, as many as out has.
func (s *Stream) Scale(out, x, by Memory[float32]) error {
	if err := check("Scale", need{"x", x.n, out.n}, need{"by", by.n, out.n}); err != nil {
		return err
	}
	return s.launch("scale", grid{cover(out.n, 256), 1, 1}, out, x, by, uint32(out.n))
}

// Dropout says what dropout takes of Rows×M outputs of ReLU, M = Clients·N.
type Dropout struct {
	Rows, N, Clients int
	P                float64 // probability of an output to be dropped, below 1; 0: none
	Skip             int     // draws of 64 bits that earlier layers took of each client's generator
}

// Draws is the number of draws that the layer takes of each client's generator.
func (d Dropout) Draws() int {
	if d.P == 0 {
		return 0
	}
	return cover(d.Rows*d.N, 2)
}

// BiasReLUDropout replaces x, Rows×M, by max(0, x + bias), times 1/(1−P) with probability
// 1−P and 0 otherwise, and notes each factor in scale. seeds has the two words of every
// client's rand.PCG; the masks are those that the host draws. With P = 0 seeds may be zero.
func (s *Stream) BiasReLUDropout(d Dropout, x, scale, bias Memory[float32], seeds Memory[uint64]) error {
	n := d.Rows * d.N * d.Clients
	keep, limit, words := float32(1), uint32(0), 0
	if d.P > 0 {
		keep, limit, words = float32(1/(1-d.P)), uint32(d.P*(1<<32)), 2*d.Clients
	}
	if err := check("BiasReLUDropout", need{"x", x.n, n}, need{"scale", scale.n, n}, need{"bias", bias.n, d.Rows}, need{"seeds", seeds.n, words}); err != nil {
		return err
	}
	return s.launch("bias_relu_dropout", grid{cover(d.Rows*d.N, 512), d.Clients, 1}, x, scale, bias, seeds,
		d.Rows, d.N*d.Clients, d.N, uint64(d.Skip), limit, keep)
}

// Loss is the geometry of a softmax cross-entropy.
type Loss struct{ Classes, N, Clients int }

// Softmax sets prob, Classes×M, to the softmax of logits, and losses, M, to −log of the
// probability of each sample's label, 0 where that is negative. Labels must be below
// Classes.
func (s *Stream) Softmax(l Loss, prob Memory[float32], losses Memory[float64], logits Memory[float32], labels Memory[int32]) error {
	m := l.N * l.Clients
	if err := check("Softmax", need{"prob", prob.n, l.Classes * m}, need{"losses", losses.n, m}, need{"logits", logits.n, l.Classes * m}, need{"labels", labels.n, m}); err != nil {
		return err
	}
	return s.launch("softmax", grid{cover(m, 128), 1, 1}, prob, losses, logits, labels, l.Classes, m)
}

// SoftmaxGrad sets loss to each client's mean of losses, over the samples that have a label,
// and dlogits to the gradient of each client's mean.
func (s *Stream) SoftmaxGrad(l Loss, dlogits Memory[float32], loss Memory[float64], prob Memory[float32], losses Memory[float64], labels Memory[int32]) error {
	m := l.N * l.Clients
	err := check("SoftmaxGrad", need{"dlogits", dlogits.n, l.Classes * m}, need{"loss", loss.n, l.Clients}, need{"prob", prob.n, l.Classes * m},
		need{"losses", losses.n, m}, need{"labels", labels.n, m})
	if err != nil {
		return err
	}
	return s.launch("softmax_grad", grid{l.Clients, 1, 1}, dlogits, loss, prob, losses, labels, l.Classes, m, l.N)
}
