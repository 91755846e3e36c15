// Max-pools behind convolutions, with bias and ReLU, and what sums a channel's gradient.
// Arrays are H x C x W x M, but C x H x W x M where flat is not 0, as linear layers want
// them; a thread has one sample of one pixel of the pool's output.
#include "device.h"

// The place of a pixel among those of a pool's output.
INLINE i64 pooledPixel(int y, int c, int x, int C, int PH, int PW, int flat) {
	return flat ? ((i64)c * PH + y) * PW + x : ((i64)y * C + c) * PW + x;
}

// A float32's bits as an integer in the order of the numbers, any NaN above all.
INLINE int rankOf(float x) {
	u32 b = bits32(x);
	if ((b & 0x7fffffffu) > 0x7f800000u) return 0x7fffffff;
	return (b >> 31) ? (int)(0x7fffffffu - b) : (int)b; // -0 below +0, as the host has it
}

constexpr u8 cutOff = 4; // what arg says where ReLU has cut the largest off

// out = max(0, bias[c] + the largest of the 2 x 2 values of z), and arg which of them that
// was, the first of equals: 0 to 3, or cutOff. A NaN wins. z is 2PH x C x 2PW x M; total
// is the number of elements of out.
KERNEL(pool_bias_relu, 256, 4)(float *out, u8 *arg, const float *z, const float *bias, int C, int PH, int PW, int M, int flat, u32 total) {
	u32 i = (u32)blockIdx.x * 256 + threadIdx.x;
	if (i >= total) return;
	u32 at = i / M, m = i % M;
	int x = at % PW, c = at / PW % C, y = at / PW / C;
	i64 line = (i64)C * 2 * PW * M;
	const float *p = z + (((i64)2 * y * C + c) * 2 * PW + 2 * x) * M + m;
	float v[4] = {p[0], p[M], p[line], p[line + M]};
	float top = v[0];
	int best = rankOf(top);
	u8 k = 0;
	UNROLL for (int q = 1; q < 4; q++) {
		int r = rankOf(v[q]);
		if (r > best) { top = v[q]; best = r; k = (u8)q; }
	}
	top += bias[c];
	bool cut = top <= 0; // not a NaN, which stays
	i64 to = pooledPixel(y, c, x, C, PH, PW, flat) * M + m;
	out[to] = cut ? 0 : top;
	arg[to] = cut ? cutOff : k;
}
REGISTER(pool_bias_relu)

// Its gradient: dz is dout where arg says, and 0 elsewhere.
KERNEL(pool_bias_relu_grad, 256, 4)(float *dz, const float *dout, const u8 *arg, int C, int PH, int PW, int M, int flat, u32 total) {
	u32 i = (u32)blockIdx.x * 256 + threadIdx.x;
	if (i >= total) return;
	u32 at = i / M, m = i % M;
	int x = at % PW, c = at / PW % C, y = at / PW / C;
	i64 from = pooledPixel(y, c, x, C, PH, PW, flat) * M + m, line = (i64)C * 2 * PW * M;
	float *p = dz + (((i64)2 * y * C + c) * 2 * PW + 2 * x) * M + m;
	float g = dout[from];
	u8 k = arg[from];
	p[0] = k == 0 ? g : 0;
	p[M] = k == 1 ? g : 0;
	p[line] = k == 2 ? g : 0;
	p[line + M] = k == 3 ? g : 0;
}
REGISTER(pool_bias_relu_grad)

// grads[client][c] = the sum of dout over the pixels of channel c and the client's samples,
// of those that arg does not say are cut off, in float64; without arg, of all. A channel's
// pixels are PH x PW; blockIdx is the channel and the client.
KERNEL(bias_grad, 128, 8)(float *grads, i64 stride, const float *dout, const u8 *arg, int C, int PH, int PW, int M, int N, int flat) {
	SHARED(double, warps, [32]);
	int c = blockIdx.x, client = blockIdx.y;
	double sum = 0;
	for (u32 i = threadIdx.x; i < (u32)PH * PW * N; i += 128) {
		u32 p = i / N, n = i % N;
		i64 at = pooledPixel(p / PW, c, p % PW, C, PH, PW, flat) * M + client * N + n;
		if (!arg || arg[at] != cutOff) sum += dout[at];
	}
	sum = sumBlock(sum, warps, 4);
	if (threadIdx.x == 0) grads[client * stride + c] = (float)sum;
}
REGISTER(bias_grad)

// out[r][client*N+n] = in[client][r][n]: what clients have drawn, each rows x N, side by side.
KERNEL(merge_clients, 256, 4)(float *out, const float *in, int rows, int M, int N, u32 total) {
	u32 i = (u32)blockIdx.x * 256 + threadIdx.x;
	if (i >= total) return;
	u32 r = i / M, m = i % M;
	out[i] = in[((i64)(m / N) * rows + r) * N + m % N];
}
REGISTER(merge_clients)
