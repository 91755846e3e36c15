// Package winograd computes convolutions of stride 1 with fewer multiplications than
// their definition has: Winograd's minimal filtering [Winograd 1980; Lavin and Gray
// 2016] of 4×4 outputs at a time, F(4×4, r×r) with kernels of r×r = 5×5 or 3×3. The
// forward product takes 64 multiplications where the definition takes 400, or 36
// for 144, and its two gradients the same number.
//
// # The algorithm
//
// All three are one bilinear algorithm and its transposes. With g the r×r kernel that
// leads from an input to an output channel, d an n×n tile of the input, n = 4 + r − 1,
// and y its 4×4 tile of the output:
//
//	U = G·g·Gᵀ   V = Bᵀ·d·B   M = Σ_ci U∘V   y = Aᵀ·M·A
//
// ∘ goes point by point; the sum over channels makes every point a matrix product,
// Co×Ci by Ci×columns, a column a tile and sample. Backwards, from dy:
//
//	dM = A·dy·Aᵀ   dV = Uᵀ·dM   dd = B·dV·Bᵀ   dU = dM·Vᵀ   dg = Gᵀ·dU·G
//
// where tiles that overlap, and so share inputs, add their dd up. [Algorithm] has
// the matrices and where they come from.
//
// # Errors
//
// Transforms add and subtract numbers larger than their results. Against float64,
// with normal operands, all instruction sets err alike (tests bound it by twice as
// much):
//
//	                              of the norm         largest, of the root mean square
//	5×5, 64 channels, y, dd, dg   2.9, 3.0, 3.2·10⁻⁶  3.1, 3.1, 3.1·10⁻⁵
//	3×3, 64 channels              8.0, 7.9, 8.1·10⁻⁷  6.9, 6.4, 5.1·10⁻⁶
//	3×3, 128 channels             1.2, 1.2, 0.8·10⁻⁶  1.2, 0.9, 0.6·10⁻⁵
//	by the definition             1 to 2·10⁻⁷
//
// A NaN or infinite number spreads further: one input spoils all 16 outputs of each
// tile that it belongs to, where by the definition it spoils those that it reaches,
// and one weight all outputs of its channel, which it does by the definition, too.
//
// AVX-512 and AVX2 give the same bits: the same fused multiply-adds in the same
// order, in twice as many vectors. Plain Go rounds products, too.
//
// # Order of work
//
// [Lanes] samples side by side, and of tiles as many as make 64 columns, are a
// block. The transforms along y come first, for all n rows of points, and those along
// x with the products row by row of points: of a row's U, V and M each has 128 kB for
// 64 channels and 5×5, so that they stay in a second-level cache of 1 MB, and of a
// point's 16 kB each in the first. The planes of points lie 64 bytes more than their
// size apart, since sizes that are powers of two would share the cache's sets.
//
// Arrays of N samples stay as they are, pixels N apart: the passes along y touch each
// line of the cache once, and 16 samples of LeNet's conv2 take 0.17 ms of 16 as of 64
// (Zen 5). Blocks of 32 and of 128 columns take as long, within 3 %.
//
// Chosen: transforms along one axis at a time, one loop a matrix for all uses of it,
// which differ in their strides alone. Rejected: both axes at once, in registers,
// which AVX2 has too few of.
//
// Rejected: more outputs a tile; F(6×6, 5×5) errs by 3·10⁻⁵ to 1.6·10⁻⁴. Rejected:
// Fourier transforms, as exact as the definition but with 214 multiplications for 256
// of it, and 3.5 MB of weights for 1 MB.
package winograd

//go:generate sh -c "cd gen && GOFLAGS=-mod=mod go run . -pkg winograd -out ../winograd_amd64.s -stubs ../stubs_amd64.go"
