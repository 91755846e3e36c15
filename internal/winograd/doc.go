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
// Transforms add and subtract numbers larger than their results. With normal
// operands of 64 channels the relative error (Frobenius) is 2 to 3·10⁻⁶ for 5×5 and
// about 8·10⁻⁷ for 3×3, where the definition's is 1 to 2·10⁻⁷; tests hold the kernels
// to that. One NaN or infinite input, or one weight, spoils all 16 outputs of each
// tile that it belongs to, by the definition only those it reaches.
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
// Chosen: transforms along one axis at a time, one loop a matrix for all uses of it,
// which differ in their strides alone. Rejected: both axes at once, in registers,
// which AVX2 has too few of.
//
// Rejected: more outputs a tile; F(6×6, 5×5) errs by 3·10⁻⁵ to 1.6·10⁻⁴. Rejected:
// Fourier transforms, as exact as the definition but with 214 multiplications for 256
// of it, and 3.5 MB of weights for 1 MB.
package winograd

//go:generate sh -c "cd gen && GOFLAGS=-mod=mod go run . -pkg winograd -out ../winograd_amd64.s -stubs ../stubs_amd64.go"
