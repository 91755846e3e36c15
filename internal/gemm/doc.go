// Package gemm multiplies float32 matrices on the calling thread: Go assembly
// for AVX-512 and for AVX2 with FMA, and plain Go for every other processor.
//
// Three loops are around the assembly. For up to maxK columns of A, panel after
// panel of B, a few vectors wide, is brought into the first-level cache, and all
// rows of A pass by it, a tile of 8 (AVX2: 4) rows at a time, whose sums stay in
// registers. Only B is copied, once each; A is read where it lies, transposed or
// not, since single elements of it are broadcast and any stride will do. The
// second-level cache needs no loop of its own: of A, 4 bytes pass for every 48
// multiply-adds, 1.5 cycles of AVX-512, which even the third level can deliver.
//
// [Kernels.MulRows] is the same for a B whose rows lie anywhere, as what the taps of
// a convolution meet does. [Kernels.AddDots] has loops of its own, along the rows
// of both A and B, for results of a few columns at a time.
//
// [Kernels.MulPacked] is the same for a B that is copied once and serves many products,
// and [Kernels.MulStream] for a C that goes to memory, past the caches.
//
// Where α is a power of two, AVX2 and AVX-512 give the same bits in all of these but
// AddDots: every element of C is a sum in the order of A's columns, maxK at a time,
// with fused multiply-adds. So do A·B and the transpose of Bᵀ·Aᵀ. (Other factors are
// rounded once more in the last columns, of which there are more or fewer.) Plain Go
// rounds the products, too.
//
// Chosen: one kind of tile for all of [Kernels.Mul], with B transposed as it is
// copied where that is asked for. Rejected there: inner products along the rows of
// both for A·Bᵀ (a convolution's gradient of its weights): by the count of
// instructions, adding up the lanes of 24 sums costs a tenth of a product of 512
// columns, where transposing was measured to cost 6 %. With the 25 columns of a
// first layer it is otherwise: they fill two vectors to 78 %, and each transposed
// panel serves one product (139 GFLOPS; 242 by inner products). Rejected: a copy of
// A, too, as the textbooks have it. Measured for Aᵀ·B, 48 rows at a time, it made
// AVX-512 slower by 12 %; it gained 17 % with AVX2 for one layer alone, whose rows
// are a power of two apart.
package gemm

//go:generate sh -c "cd gen && GOFLAGS=-mod=mod go run . -pkg gemm -out ../gemm_amd64.s -stubs ../stubs_amd64.go"
