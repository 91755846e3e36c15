//go:build gpu && linux

package cuda

import (
	"errors"
	"fmt"
)

// Conv is the geometry of a convolution of all clients' samples at once:
//
//	out[y,co,x,m] = Σ_{ci,ky,kx} w[co,ci,ky,kx]·in[y·Stride−Pad+ky, ci, x·Stride−Pad+kx, m]
//
// where taps outside the input count for nothing, and m counts M = Clients·N samples, client
// by client. A linear layer is one with H = W = K = 1.
//
//	in   H×Ci×W×M    thin: Ci×H×W×M
//	w    [kx][Co][ky][Ci]    thin: [Co][Ci][ky][kx]
//	out  OH×Co×OW×M
type Conv struct {
	Ci, H, W   int  // input
	Co, K      int  // output channels, kernel height and width
	Stride     int  // at least 1
	Pad        int  // rows and columns around the input
	N, Clients int  // samples of a client, clients
	Thin       bool // few input channels: other layouts
}

// M is the number of samples.
func (c Conv) M() int { return c.N * c.Clients }

// OH is the height of the output.
func (c Conv) OH() int { return (c.H+2*c.Pad-c.K)/c.Stride + 1 }

// OW is the width of the output.
func (c Conv) OW() int { return (c.W+2*c.Pad-c.K)/c.Stride + 1 }

// InLen, OutLen and WeightLen are the elements of in, out and w.
func (c Conv) InLen() int { return c.Ci * c.H * c.W * c.M() }

// OutLen: see InLen.
func (c Conv) OutLen() int { return c.Co * c.OH() * c.OW() * c.M() }

// WeightLen: see InLen.
func (c Conv) WeightLen() int { return c.Co * c.columns() }

// columns is the number of weights of an output channel.
func (c Conv) columns() int { return c.Ci * c.K * c.K }

// geometry is what the kernels get: struct Geometry in conv.cu.
type geometry struct{ Ci, H, W, Co, OH, OW, K, Stride, Pad, M, N, Thin int32 }

func (c Conv) geometry() geometry {
	g := geometry{int32(c.Ci), int32(c.H), int32(c.W), int32(c.Co), int32(c.OH()), int32(c.OW()),
		int32(c.K), int32(c.Stride), int32(c.Pad), int32(c.M()), int32(c.N), 0}
	if c.Thin {
		g.Thin = 1
	}
	return g
}

func (c Conv) check(call string, out, w, in int) error {
	if c.Ci < 1 || c.H < 1 || c.W < 1 || c.Co < 1 || c.K < 1 || c.Stride < 1 || c.Pad < 0 || c.N < 1 || c.Clients < 1 ||
		c.H+2*c.Pad < c.K || c.W+2*c.Pad < c.K {
		return fmt.Errorf("cuda: %s: no convolution: %+v", call, c)
	}
	return check(call, need{"out", out, c.OutLen()}, need{"w", w, c.WeightLen()}, need{"in", in, c.InLen()})
}

// tileRows is the height of the tiles of all products.
const tileRows = 64

// sampleTile is the width of the tiles of a product of so many pixels and rows: narrow
// where wide ones would leave multiprocessors idle. Bits do not depend on it.
func (c Conv) sampleTile(d *Device, pixels, rows int) int {
	if pixels*cover(rows, tileRows)*cover(c.M(), 128) >= 2*d.Multiprocessors && c.M() > 64 {
		return 128
	}
	return 64
}

// few says whether c is a linear layer of so few outputs that a tile would be mostly empty.
func (c Conv) few() bool {
	return c.H == 1 && c.W == 1 && c.K == 1 && c.Pad == 0 && c.Co <= 16 && !c.Thin
}

// ConvForward computes out from w and in.
func (s *Stream) ConvForward(c Conv, out, w, in Memory[float32]) error {
	if err := c.check("ConvForward", out.n, w.n, in.n); err != nil {
		return err
	}
	pixels := c.OH() * c.OW()
	if c.few() {
		return s.launch("linear_few", grid{cover(c.M(), 16), 1, 1}, out, w, in, c.Co, c.Ci, c.M())
	}
	if c.Thin {
		return s.launch("conv_forward_thin", grid{cover(c.M(), 128), pixels, cover(c.Co, tileRows)}, out, w, in, c.geometry())
	}
	tile := c.sampleTile(s.device, pixels, c.Co)
	return s.launch(fmt.Sprint("conv_forward_", tile), grid{cover(c.M(), tile), pixels, cover(c.Co, tileRows)}, out, w, in, c.geometry())
}

// ConvGradInput computes the gradient of the input, or adds it to din. A thin convolution
// has none: it is a first layer.
func (s *Stream) ConvGradInput(c Conv, din, w, dout Memory[float32], add bool) error {
	if err := c.check("ConvGradInput", dout.n, w.n, din.n); err != nil {
		return err
	}
	if c.Thin {
		return errors.New("cuda: ConvGradInput: a thin convolution, which is for images")
	}
	tile, flag := c.sampleTile(s.device, c.H*c.W, c.Ci), 0
	if add {
		flag = 1
	}
	return s.launch(fmt.Sprint("conv_input_", tile), grid{cover(c.M(), tile), c.H * c.W, cover(c.Ci, tileRows)}, din, w, dout, c.geometry(), flag)
}

// weightTile is the width of the tiles of the gradient of the weights: the narrower one where
// the wider would have a third more columns.
func (c Conv) weightTile() int {
	n := c.columns()
	switch {
	case n <= 32:
		return 32
	case n <= 64 || 4*64*cover(n, 64) <= 3*128*cover(n, 128):
		return 64
	}
	return 128
}

// An H100 or H200 runs so many blocks of conv_weight_128 at once, by their registers, and of
// the narrower ones.
const (
	wideAtOnce   = 132 * 3
	narrowAtOnce = 132 * 4
)

// What a gradient of the weights costs beside its products, in samples of a block's depth:
// to begin and end a block, to launch sum_shares, and so many weights to write and read.
const (
	blockCost      = 64
	sumCost        = 44
	weightsPerCost = 48000
)

// Most shares, and the least depth that is worth a block.
const (
	mostShares  = 32
	enoughDepth = 128
)

// shares is in how many parts the sum over the pixels is formed: as many as let the blocks
// fill a large GPU, wave by wave, in the shortest time. It does not depend on the device:
// bits depend on it.
func (c Conv) shares() int {
	tile, atOnce := c.weightTile(), narrowAtOnce
	if tile == 128 {
		atOnce = wideAtOnce
	}
	blocks := cover(c.Co, tileRows) * cover(c.columns(), tile) * c.Clients
	pixels := c.OH() * c.OW()
	depth := pixels * c.N
	best, least := 1, cover(blocks, atOnce)*(depth+blockCost)
	for k := 2; k <= min(mostShares, pixels, depth/enoughDepth); k++ {
		cost := cover(blocks*k, atOnce)*(cover(depth, k)+blockCost) + sumCost + k*c.WeightLen()*c.Clients/weightsPerCost
		if cost < least {
			best, least = k, cost
		}
	}
	return best
}

// WeightSpace is the number of elements that ConvGradWeight needs to work with, perhaps 0.
func (c Conv) WeightSpace() int {
	if k := c.shares(); k > 1 {
		return k * c.Clients * c.WeightLen()
	}
	return 0
}

// ConvGradWeight writes the gradient of the weights, client i's to grads[i·stride:]. space
// has at least WeightSpace elements.
func (s *Stream) ConvGradWeight(c Conv, grads Memory[float32], stride int, dout, in, space Memory[float32]) error {
	err := errors.Join(c.check("ConvGradWeight", dout.n, c.WeightLen(), in.n), checkRows("ConvGradWeight", grads.n, c.Clients, stride, c.WeightLen()),
		check("ConvGradWeight", need{"space", space.n, c.WeightSpace()}))
	if err != nil {
		return err
	}
	tile, shares := c.weightTile(), c.shares()
	g := grid{cover(c.Co, tileRows) * cover(c.columns(), tile), shares, c.Clients}
	name, count := fmt.Sprint("conv_weight_", tile), c.WeightLen()
	if shares == 1 {
		return s.launch(name, g, grads, int64(stride), int64(0), dout, in, c.geometry())
	}
	if err := s.launch(name, g, space, int64(count), int64(count*c.Clients), dout, in, c.geometry()); err != nil {
		return err
	}
	return s.launch("sum_shares", grid{cover(count, 256), c.Clients, 1}, grads, int64(stride), space, count, shares)
}

// Flops counts the multiplications and additions of one of the three products: those of taps
// inside the image, which are what is computed but by thin convolutions.
func (c Conv) Flops() int {
	return 2 * c.Ci * c.Co * c.M() * c.tapsInside(c.H, c.OH()) * c.tapsInside(c.W, c.OW())
}

// tapsInside counts, along one axis, the taps of all outputs that fall into the input.
func (c Conv) tapsInside(in, out int) (count int) {
	for o := range out {
		for k := range c.K {
			if at := o*c.Stride - c.Pad + k; at >= 0 && at < in {
				count++
			}
		}
	}
	return count
}
