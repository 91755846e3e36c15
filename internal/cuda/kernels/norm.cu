// Residual networks: batch norm a client, what adds and cuts off behind it, and pools.
// Arrays are H x C x W x M, M = clients times N samples.
#include "device.h"

struct NormShape { int H, C, W, M, N; };

// Calls f with the place of each value of channel c and the client, of the thread's share.
template <class F> INLINE void eachOfChannel(const NormShape &s, int c, int client, int threads, F f) {
	u32 count = (u32)s.H * s.W * s.N;
	for (u32 i = threadIdx.x; i < count; i += threads) {
		u32 p = i / s.N;
		f((((i64)(p / s.W) * s.C + c) * s.W + p % s.W) * s.M + client * s.N + i % s.N);
	}
}

// What is known of a channel of a client: y = scale x + shift.
struct Channel {
	double mean, invstd;
	float scale, shift;
};

constexpr double normEpsilon = 1e-5;

INLINE Channel channelOf(double mean, double variance, float gamma, float beta) {
	double invstd = 1 / sqrt64(variance + normEpsilon), scale = gamma * invstd;
	return Channel{mean, invstd, (float)scale, (float)(beta - mean * scale)};
}

// channels[client][c] by mean and variance of x, in float64, which also go to batch: the
// means and, behind those of all channels, the variances with the divisor count-1; clients
// are batchStride apart. blockIdx is the channel and the client.
KERNEL(norm_measure, 256, 4)(Channel *channels, float *batch, i64 batchStride, const float *x, const float *gamma, const float *beta, NormShape s) {
	SHARED(double, warps, [32]);
	int c = blockIdx.x, client = blockIdx.y;
	double sum = 0, square = 0;
	eachOfChannel(s, c, client, 256, [&](i64 at) {
		double v = x[at];
		sum += v;
		square = fma64(v, v, square);
	});
	sum = sumBlock(sum, warps, 8);
	barrier();
	square = sumBlock(square, warps, 8);
	if (threadIdx.x) return;
	double n = (double)s.H * s.W * s.N, mean = sum / n, variance = square / n - mean * mean;
	if (variance < 0) variance = 0; // by rounding; a NaN stays
	channels[(i64)client * s.C + c] = channelOf(mean, variance, gamma[c], beta[c]);
	float *to = batch + client * batchStride;
	to[c] = (float)mean;
	to[s.C + c] = (float)(variance * n / (n > 2 ? n - 1 : 1));
}
REGISTER(norm_measure)

// channels[client][c], for all clients, by given means and variances, C each.
KERNEL(norm_use, 128, 4)(Channel *channels, const float *running, const float *gamma, const float *beta, int C, int total) {
	int i = blockIdx.x * 128 + threadIdx.x, c = i % C;
	if (i < total) channels[i] = channelOf(running[c], running[C + c], gamma[c], beta[c]);
}
REGISTER(norm_use)

INLINE const Channel &channelAt(const Channel *channels, u32 i, const NormShape &s) {
	return channels[i % s.M / s.N * s.C + i / s.M / s.W % s.C];
}

INLINE float cutOffBelow0(float v) { return v > 0 || v != v ? v : 0; }

// out = max(0, scale x + shift); a NaN stays.
KERNEL(norm_relu, 256, 4)(float *out, const float *x, const Channel *channels, NormShape s, u32 total) {
	u32 i = (u32)blockIdx.x * 256 + threadIdx.x;
	if (i >= total) return;
	const Channel &c = channelAt(channels, i, s);
	out[i] = cutOffBelow0(c.scale * x[i] + c.shift);
}
REGISTER(norm_relu)

// out = max(0, scale x + shift + r), where r goes through others first if those are there.
KERNEL(norm_add_relu, 256, 4)(float *out, const float *x, const Channel *channels, const float *r, const Channel *others, NormShape s, u32 total) {
	u32 i = (u32)blockIdx.x * 256 + threadIdx.x;
	if (i >= total) return;
	const Channel &c = channelAt(channels, i, s);
	float by = 1, shift = c.shift;
	if (others) {
		const Channel &o = channelAt(others, i, s);
		by = o.scale;
		shift += o.shift;
	}
	out[i] = cutOffBelow0(c.scale * x[i] + by * r[i] + shift);
}
REGISTER(norm_add_relu)

// The gradient of x is scale g + slope x + shift.
struct Slope { float scale, slope, shift; };

// Begins the backward pass of a norm behind ReLU, whose output is out: g = dout where out is
// above 0 or NaN, and 0 elsewhere; g may be dout. The gradients of gamma and beta go to
// gammas and betas, clients stride apart, and what norm_grad needs to slopes. blockIdx is
// the channel and the client.
KERNEL(norm_mask, 256, 4)(float *g, Slope *slopes, float *gammas, float *betas, i64 stride, const float *dout, const float *out, const float *x, const Channel *channels, NormShape s) {
	SHARED(double, warps, [32]);
	int c = blockIdx.x, client = blockIdx.y;
	double sum = 0, product = 0;
	eachOfChannel(s, c, client, 256, [&](i64 at) {
		float o = out[at], v = o > 0 || o != o ? dout[at] : 0;
		g[at] = v;
		sum += v;
		product = fma64(v, x[at], product);
	});
	sum = sumBlock(sum, warps, 8);
	barrier();
	product = sumBlock(product, warps, 8);
	if (threadIdx.x) return;
	const Channel &k = channels[(i64)client * s.C + c];
	double n = (double)s.H * s.W * s.N, dot = (product - k.mean * sum) * k.invstd;
	gammas[client * stride + c] = (float)dot;
	betas[client * stride + c] = (float)sum;
	double scale = k.scale, slope = -scale * k.invstd * dot / n;
	slopes[(i64)client * s.C + c] = Slope{k.scale, (float)slope, (float)(-scale * sum / n - slope * k.mean)};
}
REGISTER(norm_mask)

// x becomes its gradient.
KERNEL(norm_grad, 256, 4)(float *x, const float *g, const Slope *slopes, NormShape s, u32 total) {
	u32 i = (u32)blockIdx.x * 256 + threadIdx.x;
	if (i >= total) return;
	const Slope &k = slopes[i % s.M / s.N * s.C + i / s.M / s.W % s.C];
	x[i] = k.scale * g[i] + k.slope * x[i] + k.shift;
}
REGISTER(norm_grad)

struct PoolShape { int C, H, W, OH, OW, K, stride, pad, M; };

// out = the largest of the K x K values of in, which are behind a ReLU: +0, positive or NaN,
// so that their bits are in their order, and arg the tap that has it, ky*K + kx, the first
// of equals. What is around the input never wins.
KERNEL(max_pool, 256, 4)(float *out, u8 *arg, const float *in, PoolShape s, u32 total) {
	u32 i = (u32)blockIdx.x * 256 + threadIdx.x;
	if (i >= total) return;
	u32 at = i / s.M, m = i % s.M;
	int x = at % s.OW, c = at / s.OW % s.C, y = at / s.OW / s.C;
	u32 best = 0;
	int tap = -1;
	for (int ky = 0; ky < s.K; ky++)
		for (int kx = 0; kx < s.K; kx++) {
			int iy = y * s.stride - s.pad + ky, ix = x * s.stride - s.pad + kx;
			if (iy < 0 || iy >= s.H || ix < 0 || ix >= s.W) continue;
			u32 v = bits32(in[(((i64)iy * s.C + c) * s.W + ix) * s.M + m]);
			if (tap >= 0 && v <= best) continue;
			best = v;
			tap = ky * s.K + kx;
		}
	out[i] = float32(best);
	arg[i] = (u8)tap;
}
REGISTER(max_pool)

// din = the sum of dout over the windows in which arg names the place, in their order.
KERNEL(max_pool_grad, 256, 4)(float *din, const float *dout, const u8 *arg, PoolShape s, u32 total) {
	u32 i = (u32)blockIdx.x * 256 + threadIdx.x;
	if (i >= total) return;
	u32 at = i / s.M, m = i % s.M;
	int x = at % s.W + s.pad, c = at / s.W % s.C, y = at / s.W / s.C + s.pad;
	float sum = 0;
	for (int oy = y < s.K ? 0 : (y - s.K) / s.stride + 1; oy < s.OH && oy * s.stride <= y; oy++)
		for (int ox = x < s.K ? 0 : (x - s.K) / s.stride + 1; ox < s.OW && ox * s.stride <= x; ox++) {
			i64 from = (((i64)oy * s.C + c) * s.OW + ox) * s.M + m;
			if (arg[from] == (y - oy * s.stride) * s.K + x - ox * s.stride) sum += dout[from];
		}
	din[i] = sum;
}
REGISTER(max_pool_grad)

// out[c][m] = the mean over all pixels of in.
KERNEL(average_pool, 128, 8)(float *out, const float *in, int H, int C, int W, int M, u32 total) {
	u32 i = (u32)blockIdx.x * 128 + threadIdx.x;
	if (i >= total) return;
	int c = i / M, m = i % M;
	float scale = 1 / (float)(H * W), sum = 0;
	for (int p = 0; p < H * W; p++) sum += in[(((i64)(p / W) * C + c) * W + p % W) * M + m] * scale;
	out[i] = sum;
}
REGISTER(average_pool)

// Its gradient.
KERNEL(average_pool_grad, 256, 4)(float *din, const float *dout, int H, int C, int W, int M, u32 total) {
	u32 i = (u32)blockIdx.x * 256 + threadIdx.x;
	if (i < total) din[i] = dout[(i64)(i / M / W % C) * M + i % M] * (1 / (float)(H * W));
}
REGISTER(average_pool_grad)
