// Linear layers' own: the product of one with few outputs, bias, ReLU and dropout.
#include "device.h"

// out[r,m] = sum over k of w[r,k] in[k,m], for 1 to 16 rows r. A block has 16 samples; a
// sixteenth of its threads takes four k in 64, and the sixteenths' sums are added in order.
KERNEL(linear_few, 256, 1)(float *out, const float *w, const float *in, int rows, int inner, int M) {
	SHARED(float, sums, [16][16][16]); // [row][part][sample]
	const int t = threadIdx.x, part = t / 16, m = blockIdx.x * 16 + t % 16;
	const bool vector = inner % 4 == 0 && aligned16(w);
	float acc[16];
	UNROLL for (int r = 0; r < 16; r++) acc[r] = 0;
	for (int k = 4 * part; k < inner; k += 64) {
		float x[4];
		UNROLL for (int q = 0; q < 4; q++) x[q] = k + q < inner && m < M ? in[(i64)(k + q) * M + m] : 0;
		UNROLL for (int r = 0; r < 16; r++) {
			float4 v = load4(w + (i64)r * inner + k, r < rows ? inner - k : 0, vector);
			UNROLL for (int q = 0; q < 4; q++) acc[r] = fma32(v[q], x[q], acc[r]);
		}
	}
	UNROLL for (int r = 0; r < 16; r++) sums[r][part][t % 16] = acc[r];
	barrier();
	float all = 0;
	for (int k = 0; k < 16; k++) all += sums[part][k][t % 16]; // row part
	if (part < rows && m < M) out[(i64)part * M + m] = all;
}
REGISTER(linear_few)

// x += bias, for rows x M.
KERNEL(add_bias, 256, 4)(float *x, const float *bias, int M, u32 total) {
	u32 i = (u32)blockIdx.x * 256 + threadIdx.x;
	if (i < total) x[i] += bias[i / M];
}
REGISTER(add_bias)

// out = x * scale, element by element.
KERNEL(scale, 256, 4)(float *out, const float *x, const float *by, u32 total) {
	u32 i = (u32)blockIdx.x * 256 + threadIdx.x;
	if (i < total) out[i] = x[i] * by[i];
}
REGISTER(scale)

typedef unsigned __int128 u128;
INLINE u128 wide(u64 hi, u64 lo) { return (u128)hi << 64 | lo; }

// Draw number n, from 0, of the PCG-DXSM generator of Go's math/rand/v2 that is seeded with
// hi and lo: its state after n+1 steps s <- s*a + c mod 2^128, which takes some log2(n)
// of them squared [Brown 1994, Random number generation with arbitrary strides].
INLINE u64 drawPCG(u64 hi, u64 lo, u64 n) {
	u128 s = wide(hi, lo), a = wide(2549297995355413924ull, 4865540595714422341ull), c = wide(6364136223846793005ull, 1442695040888963407ull);
	for (n++; n; n >>= 1) {
		if (n & 1) s = s * a + c;
		c = (a + 1) * c;
		a = a * a;
	}
	u64 h = (u64)(s >> 64), l = (u64)s;
	h ^= h >> 32;
	h *= 0xda942042e4dd58b5ull;
	h ^= h >> 48;
	return h * (l | 1);
}

// x = max(0, x + bias), rows x M, times keep or, where dropout takes it, 0; scale gets the
// factor, 0 also where ReLU cuts off. A NaN stays.
//
// Element i of a client's rows x N is dropped where its 32 random bits are below limit:
// the lower half, for odd i the upper one, of draw skip + i/2 of the client's generator,
// whose two words are in seeds. They are the bits that the host draws, one layer behind the
// other. With limit 0 nothing is drawn, and seeds may be 0. blockIdx is 256 pairs, and the
// client.
KERNEL(bias_relu_dropout, 256, 4)(float *x, float *scale, const float *bias, const u64 *seeds, int rows, int M, int N, u64 skip, u32 limit, float keep) {
	u32 pair = (u32)blockIdx.x * 256 + threadIdx.x, count = (u32)rows * N;
	int client = blockIdx.y;
	if (2 * pair >= count) return;
	u64 draw = limit ? drawPCG(seeds[2 * client], seeds[2 * client + 1], skip + pair) : 0;
	for (u32 i = 2 * pair; i < 2 * pair + 2 && i < count; i++, draw >>= 32) {
		i64 at = (i64)(i / N) * M + client * N + i % N;
		float v = x[at] + bias[i / N];
		if (!(v > 0) && v == v) v = 0;
		float f = bits32(v) != 0 && (u32)draw >= limit ? keep : 0;
		scale[at] = f;
		x[at] = v * f;
	}
}
REGISTER(bias_relu_dropout)
