package winograd

import "github.com/bgmd/bgmd/internal/gemm"

// Conv is the geometry of a convolution of stride 1, H×W inputs of Ci channels to
// H+2·Pad−K+1 by W+2·Pad−K+1 outputs of Co. K is 3 or 5, and Pad at most (K−1)/2.
type Conv struct {
	Ci, H, W, Co, K, Pad int
}

// Has tells whether there is an algorithm for kernels of k×k.
func Has(k int) bool { return of(k) != nil }

// OH is the height of the output.
func (c Conv) OH() int { return c.H + 2*c.Pad - c.K + 1 }

// OW is its width.
func (c Conv) OW() int { return c.W + 2*c.Pad - c.K + 1 }

func (c Conv) tilesY() int { return ceil(c.OH(), Outputs) }
func (c Conv) tilesX() int { return ceil(c.OW(), Outputs) }

// WeightsLen is the number of floats of the transformed weights, n·n×Co×Ci.
func (c Conv) WeightsLen() int {
	n := of(c.K).N
	return n * n * c.Co * c.Ci
}

// Flops counts the multiplications and additions of the products for so many
// samples, forward or either gradient, without those of the transforms.
func (c Conv) Flops(samples int) int {
	n := of(c.K).N
	return 2 * n * n * c.Co * c.Ci * c.tilesY() * c.tilesX() * ceil(samples, Lanes) * Lanes
}

// View says where the pixels of groups of Lanes samples lie: channel c of pixel (y,
// x) of group s begins at X[y·Row + c·Channel + x·Pixel + s·Group].
type View struct {
	X                          []float32
	Row, Channel, Pixel, Group int
}

// Plan is what it takes to compute one convolution: kernels, and the sizes of blocks.
type Plan struct {
	Conv
	*kernels
	groups, rows int // of samples and of tiles in a block
	ci           int // Ci, rounded up to whole vectors
	columns      int // of a block: groups × rows × tiles along x × Lanes
	width        int // of the input with what is around it
	outputs      int // of a row of tiles
	plane        int // floats from one row of points to the next, in Space.mid
	planeT       int // and in Space.midT
}

// blockColumns is what a block aims at: see the package's comment.
const blockColumns = 64

// NewPlan plans c with the products of g. It panics unless [Has] has c.K.
func NewPlan(c Conv, g *gemm.Kernels) *Plan {
	p := &Plan{Conv: c, kernels: of(c.K).in(g)}
	tiles := max(1, blockColumns/Lanes/c.tilesX())
	p.rows = min(tiles, c.tilesY())
	p.groups = max(1, tiles/p.rows)
	p.ci = ceil(c.Ci, Lanes) * Lanes
	p.columns = p.groups * p.rows * c.tilesX() * Lanes
	p.outputs = Outputs * c.tilesX()
	p.width = p.outputs - Outputs + p.N
	lines := p.groups * p.rows
	p.plane = lines*max(c.Ci*p.width, c.Co*p.outputs)*Lanes + Lanes
	p.planeT = lines*p.width*p.pixelT() + Lanes
	return p
}

// pixelT is the number of floats from pixel to pixel where a pixel's channels are
// side by side, Lanes samples of ci, and the sets of a cache are not to be shared.
func (p *Plan) pixelT() int { return Lanes*p.ci + Lanes }

// ofPoint is the number of floats from one point to the next of a row, where each
// has so many channels of the block's columns.
func (p *Plan) ofPoint(channels int) int { return channels*p.columns + Lanes }

// ofPointT is the same with the channels side by side.
func (p *Plan) ofPointT() int { return p.columns*p.ci + Lanes }

// weights is u at row i and column j of the points, Co×Ci.
func (p *Plan) weights(u []float32, i, j int) []float32 {
	size := p.Co * p.Ci
	return u[(i*p.N+j)*size:][:size]
}

// block is a part of a batch: groups of samples, and of each some rows of tiles.
type block struct {
	group, groups  int // the first, and how many
	tile, tiles    int // likewise
	lines, columns int // rows of tiles in all, and columns of products
}

// at is the group and the row of tiles of a line.
func (b block) at(line int) (group, tile int) { return b.group + line/b.tiles, b.tile + line%b.tiles }

// blocks calls f for all blocks of so many groups, rows of tiles in ascending order.
func (p *Plan) blocks(groups int, f func(block)) {
	for g := 0; g < groups; g += p.groups {
		for t := 0; t < p.tilesY(); t += p.rows {
			b := block{group: g, groups: min(p.groups, groups-g), tile: t, tiles: min(p.rows, p.tilesY()-t)}
			b.lines = b.groups * b.tiles
			b.columns = b.lines * p.tilesX() * Lanes
			f(b)
		}
	}
}

func ceil(a, b int) int { return (a + b - 1) / b }
