// Behind the products of linear layers: bias, ReLU and dropout.
#include "device.h"

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
