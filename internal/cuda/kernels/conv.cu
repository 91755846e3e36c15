// Products of convolutions and linear layers, for all clients at once.
//
// Arrays are H x C x W x M, where M is clients times N samples, client by client, so that
// a pixel of all samples is contiguous and no im2col is needed. A linear layer is a
// convolution of one pixel. Weights are [kx][Co][ky][Ci]. A thin convolution, of few input
// channels, has its input as C x H x W x M and its weights as [Co][Ci][ky][kx]: the layouts
// of the host's package kernel.
//
// A block of 128 threads computes a tile of 64 x Columns of the result, Columns/2 products
// a thread and step of the inner dimension. Two stages of shared memory: while one is
// multiplied, the other's next part is on its way from memory. Each element of a result
// is one chain of fused multiply-adds in a fixed order, whatever the tile.
#include "device.h"

struct Geometry {
	int Ci, H, W;    // input
	int Co, OH, OW;  // output
	int K, stride, pad;
	int M, N;        // samples of all clients, of one
	int thin;        // not 0: the layouts of a thin convolution
};

constexpr int tileRows = 64, tileDepth = 8;

template <int Columns> struct Tile {
	static constexpr int Own = Columns / 16; // columns of a thread
	float acc[8][Own];
	int tx, ty;

	INLINE_MEMBER void clear(int t) {
		tx = t % 16;
		ty = t / 16;
		UNROLL for (int i = 0; i < 8; i++)
			UNROLL for (int j = 0; j < Own; j++) acc[i][j] = 0;
	}
	INLINE_MEMBER int row(int i) const { return i / 4 * 32 + ty * 4 + i % 4; }
	INLINE_MEMBER int column(int j) const { return Own == 8 ? j / 4 * 64 + tx * 4 + j % 4 : tx * Own + j; }

	// acc += a^T b over a step of the inner dimension.
	template <int LA, int LB> INLINE_MEMBER void add(const float (*as)[LA], const float (*bs)[LB]) {
		UNROLL for (int k = 0; k < tileDepth; k++) {
			float a[8], b[Own];
			UNROLL for (int i = 0; i < 8; i += 4) {
				float4 v = loadShared4(&as[k][row(i)]);
				UNROLL for (int q = 0; q < 4; q++) a[i + q] = v[q];
			}
			if constexpr (Own >= 4) {
				UNROLL for (int j = 0; j < Own; j += 4) {
					float4 v = loadShared4(&bs[k][column(j)]);
					UNROLL for (int q = 0; q < 4; q++) b[j + q] = v[q];
				}
			} else {
				UNROLL for (int j = 0; j < Own; j++) b[j] = bs[k][column(j)];
			}
			UNROLL for (int i = 0; i < 8; i++)
				UNROLL for (int j = 0; j < Own; j++) acc[i][j] = fma32(a[i], b[j], acc[i][j]);
		}
	}
};

// The taps that pixel (y, x) of the result meets, and where.
template <bool Back> struct Taps {
	int y, x;
	int kx = 0, ky = 0, iy = 0, ix = 0;

	INLINE_MEMBER bool meets(const Geometry &g) {
		if (Back) {
			iy = y + g.pad - ky;
			ix = x + g.pad - kx;
			if (iy < 0 || ix < 0 || iy % g.stride || ix % g.stride) return false;
			iy /= g.stride;
			ix /= g.stride;
			return iy < g.OH && ix < g.OW;
		}
		iy = y * g.stride - g.pad + ky;
		ix = x * g.stride - g.pad + kx;
		return iy >= 0 && iy < g.H && ix >= 0 && ix < g.W;
	}
	// To the first tap from (kx, ky) on that falls inside.
	INLINE_MEMBER bool seek(const Geometry &g) {
		for (; kx < g.K; kx++, ky = 0)
			for (; ky < g.K; ky++)
				if (meets(g)) return true;
		return false;
	}
};

// Writes a tile's row of samples, from sample m0 on; with add, adds to what is there.
template <int Columns> INLINE void storeSamples(float *p, const Tile<Columns> &tile, int i, int m0, int M, bool vector, bool add) {
	UNROLL for (int j = 0; j < Tile<Columns>::Own; j += 4) {
		int m = m0 + tile.column(j);
		float4 v = {tile.acc[i][j], tile.acc[i][j + 1], tile.acc[i][j + 2], tile.acc[i][j + 3]};
		if (add) v = v + load4(p + m, M - m, vector);
		if (vector && m < M) {
			*(float4 *)(p + m) = v;
			continue;
		}
		UNROLL for (int q = 0; q < 4; q++)
			if (m + q < M) p[m + q] = v[q];
	}
}

// out[y,r,x,:] = sum over taps and k of w_tap[r,k] in[y',k,x',:]
//
// Forward r is an output channel and k an input channel; for the gradient of the input the
// other way round. blockIdx is the tile of samples, the pixel, and the tile of rows.
template <bool Back, int Columns> INLINE void convolve(float *out, const float *w, const float *in, const Geometry &g, bool add) {
	SHARED(float, as, [2][tileDepth][tileRows + 4]);
	SHARED(float, bs, [2][tileDepth][Columns]);
	constexpr int passes = Columns / 64, lines = 512 / Columns; // of loading bs
	const int rows = Back ? g.Ci : g.Co, inner = Back ? g.Co : g.Ci, width = Back ? g.W : g.OW, from = Back ? g.OW : g.W;
	const int t = threadIdx.x, m0 = blockIdx.x * Columns, r0 = blockIdx.z * tileRows;
	const bool vector = g.M % 4 == 0 && aligned16(in) && aligned16(out), vectorW = g.Ci % 4 == 0 && aligned16(w);
	Taps<Back> tap{blockIdx.y / width, blockIdx.y % width};
	int k0 = 0;
	float4 ra, rb[passes];
	auto load = [&]() {
		const i64 line = (i64)g.K * g.Ci;
		const float *weights = w + tap.kx * g.Co * line + tap.ky * g.Ci;
		if (Back) { // four input channels of an output channel
			int k = k0 + t / 16, r = r0 + t % 16 * 4;
			ra = load4(weights + k * line + r, k < inner ? rows - r : 0, vectorW);
		} else { // the same, of another row
			int k = k0 + t % 2 * 4, r = r0 + t / 2;
			ra = load4(weights + r * line + k, r < rows ? inner - k : 0, vectorW);
		}
		UNROLL for (int h = 0; h < passes; h++) {
			int k = k0 + h * lines + t / (Columns / 4), m = m0 + t % (Columns / 4) * 4;
			rb[h] = load4(in + (((i64)tap.iy * inner + k) * from + tap.ix) * g.M + m, k < inner ? g.M - m : 0, vector);
		}
	};
	auto store = [&](int s) {
		if (Back) storeShared4(&as[s][t / 16][t % 16 * 4], ra);
		else UNROLL for (int i = 0; i < 4; i++) as[s][t % 2 * 4 + i][t / 2] = ra[i];
		UNROLL for (int h = 0; h < passes; h++) storeShared4(&bs[s][h * lines + t / (Columns / 4)][t % (Columns / 4) * 4], rb[h]);
	};
	Tile<Columns> tile;
	tile.clear(t);
	int s = 0;
	bool more = tap.seek(g);
	if (more) { load(); store(0); }
	barrier();
	while (more) {
		k0 += tileDepth;
		if (k0 >= inner) { k0 = 0; tap.ky++; more = tap.seek(g); }
		if (more) load();
		tile.add(as[s], bs[s]);
		if (more) store(s ^ 1);
		barrier();
		s ^= 1;
	}
	UNROLL for (int i = 0; i < 8; i++) {
		int r = r0 + tile.row(i);
		if (r < rows) storeSamples<Columns>(out + (((i64)tap.y * rows + r) * width + tap.x) * g.M, tile, i, m0, g.M, vector, add);
	}
}

KERNEL(conv_forward_128, 128, 3)(float *out, const float *w, const float *in, Geometry g) { convolve<false, 128>(out, w, in, g, false); }
REGISTER(conv_forward_128)
KERNEL(conv_forward_64, 128, 4)(float *out, const float *w, const float *in, Geometry g) { convolve<false, 64>(out, w, in, g, false); }
REGISTER(conv_forward_64)
KERNEL(conv_input_128, 128, 3)(float *din, const float *w, const float *dout, Geometry g, int add) { convolve<true, 128>(din, w, dout, g, add != 0); }
REGISTER(conv_input_128)
KERNEL(conv_input_64, 128, 4)(float *din, const float *w, const float *dout, Geometry g, int add) { convolve<true, 64>(din, w, dout, g, add != 0); }
REGISTER(conv_input_64)

// The same for a thin convolution, where the inner dimension is all taps of all channels:
// those outside are multiplied as zeros.
KERNEL(conv_forward_thin, 128, 3)(float *out, const float *w, const float *in, Geometry g) {
	SHARED(float, as, [2][tileDepth][tileRows + 4]);
	SHARED(float, bs, [2][tileDepth][128]);
	const int t = threadIdx.x, m0 = blockIdx.x * 128, r0 = blockIdx.z * tileRows;
	const int y = blockIdx.y / g.OW, x = blockIdx.y % g.OW, inner = g.Ci * g.K * g.K;
	const bool vector = g.M % 4 == 0 && aligned16(in) && aligned16(out);
	float4 ra, rb[2];
	auto load = [&](int k0) {
		int r = r0 + t / 2, first = k0 + t % 2 * 4;
		ra = load4(w + (i64)r * inner + first, r < g.Co ? inner - first : 0, false);
		UNROLL for (int h = 0; h < 2; h++) {
			int k = k0 + h * 4 + t / 32, m = m0 + t % 32 * 4;
			int ci = k / (g.K * g.K), iy = y * g.stride - g.pad + k / g.K % g.K, ix = x * g.stride - g.pad + k % g.K;
			bool inside = k < inner && iy >= 0 && iy < g.H && ix >= 0 && ix < g.W;
			rb[h] = load4(in + (((i64)ci * g.H + iy) * g.W + ix) * g.M + m, inside ? g.M - m : 0, vector);
		}
	};
	auto store = [&](int s) {
		UNROLL for (int i = 0; i < 4; i++) as[s][t % 2 * 4 + i][t / 2] = ra[i];
		UNROLL for (int h = 0; h < 2; h++) storeShared4(&bs[s][h * 4 + t / 32][t % 32 * 4], rb[h]);
	};
	Tile<128> tile;
	tile.clear(t);
	int s = 0;
	load(0);
	store(0);
	barrier();
	for (int k0 = tileDepth; k0 - tileDepth < inner; k0 += tileDepth) {
		bool more = k0 < inner;
		if (more) load(k0);
		tile.add(as[s], bs[s]);
		if (more) store(s ^ 1);
		barrier();
		s ^= 1;
	}
	UNROLL for (int i = 0; i < 8; i++) {
		int r = r0 + tile.row(i);
		if (r < g.Co) storeSamples<128>(out + (((i64)y * g.Co + r) * g.OW + x) * g.M, tile, i, m0, g.M, vector, false);
	}
}
REGISTER(conv_forward_thin)

// Where weight (co, column) lies, and what input its tap meets.
struct Column {
	int ci, ky, kx;
	INLINE_MEMBER Column(const Geometry &g, int j) {
		if (g.thin) {
			ci = j / (g.K * g.K);
			ky = j / g.K % g.K;
			kx = j % g.K;
		} else {
			kx = j / (g.K * g.Ci);
			ky = j / g.Ci % g.K;
			ci = j % g.Ci;
		}
	}
	INLINE_MEMBER i64 weight(const Geometry &g, int co) const {
		if (g.thin) return (((i64)co * g.Ci + ci) * g.K + ky) * g.K + kx;
		return (((i64)kx * g.Co + co) * g.K + ky) * g.Ci + ci;
	}
};

// The gradient of the weights, a client at a time:
//
//	grads[client][co, column] = sum over pixels and the client's samples of dout[co] in[column]
//
// where a column is a tap of an input channel. A block sums over its share of the pixels;
// shares are splitStride apart in grads, clients stride: rows of G, where there is one
// share. Rows need not be aligned. blockIdx is the tile, the share, and the client.
template <int Columns> INLINE void gradWeight(float *grads, i64 stride, i64 splitStride, const float *dout, const float *in, const Geometry &g) {
	SHARED(float, as, [2][tileDepth][tileRows + 4]);
	SHARED(float, bs, [2][tileDepth][Columns + 4]);
	constexpr int passes = Columns < 64 ? 1 : Columns / 64;
	const int columns = g.Ci * g.K * g.K, tiles = (columns + Columns - 1) / Columns, t = threadIdx.x;
	const int co0 = blockIdx.x / tiles * tileRows, j0 = blockIdx.x % tiles * Columns, client = blockIdx.z;
	const int pixels = g.OH * g.OW, shares = gridDim.y;
	int pixel = (int)((i64)pixels * blockIdx.y / shares);
	const int last = (int)((i64)pixels * (blockIdx.y + 1) / shares);
	const bool vector = g.N % 4 == 0 && aligned16(dout) && aligned16(in);
	const i64 lineY = g.thin ? g.W : (i64)g.Ci * g.W, lineC = g.thin ? (i64)g.H * g.W : g.W;

	int columnY[passes], columnX[passes]; // of the columns that the thread loads, from the pixel on
	i64 columnC[passes];
	bool mine[passes];
	UNROLL for (int h = 0; h < passes; h++) {
		int j = j0 + h * 64 + t / 2;
		Column c(g, j);
		columnY[h] = c.ky;
		columnX[h] = c.kx;
		columnC[h] = c.ci * lineC;
		mine[h] = t / 2 < Columns && j < columns;
	}

	int n0 = 0, oy = 0, ox = 0;
	auto inside = [&](int ky, int kx) {
		int iy = oy * g.stride - g.pad + ky, ix = ox * g.stride - g.pad + kx;
		return iy >= 0 && iy < g.H && ix >= 0 && ix < g.W;
	};
	const int tap0 = j0 / g.Ci, tap1 = ((j0 + Columns < columns ? j0 + Columns : columns) - 1) / g.Ci;
	auto seek = [&]() { // to the next pixel that a tap of the tile meets inside
		for (; pixel < last; pixel++) {
			oy = pixel / g.OW;
			ox = pixel % g.OW;
			if (g.thin) return true;
			for (int tap = tap0; tap <= tap1; tap++)
				if (inside(tap % g.K, tap / g.K)) return true;
		}
		return false;
	};
	float4 ra, rb[passes];
	auto load = [&]() {
		int n = n0 + t % 2 * 4, co = co0 + t / 2;
		i64 at = (i64)client * g.N + n;
		ra = load4(dout + (((i64)oy * g.Co + co) * g.OW + ox) * g.M + at, co < g.Co ? g.N - n : 0, vector);
		UNROLL for (int h = 0; h < passes; h++) {
			i64 from = (oy * g.stride - g.pad + columnY[h]) * lineY + columnC[h] + ox * g.stride - g.pad + columnX[h];
			rb[h] = load4(in + from * g.M + at, mine[h] && inside(columnY[h], columnX[h]) ? g.N - n : 0, vector);
		}
	};
	auto store = [&](int s) {
		UNROLL for (int i = 0; i < 4; i++) as[s][t % 2 * 4 + i][t / 2] = ra[i];
		UNROLL for (int h = 0; h < passes; h++)
			if (t / 2 < Columns)
				UNROLL for (int i = 0; i < 4; i++) bs[s][t % 2 * 4 + i][h * 64 + t / 2] = rb[h][i];
	};
	Tile<Columns> tile;
	tile.clear(t);
	int s = 0;
	bool more = seek();
	if (more) { load(); store(0); }
	barrier();
	while (more) {
		n0 += tileDepth;
		if (n0 >= g.N) { n0 = 0; pixel++; more = seek(); }
		if (more) load();
		tile.add(as[s], bs[s]);
		if (more) store(s ^ 1);
		barrier();
		s ^= 1;
	}
	float *row = grads + client * stride + blockIdx.y * splitStride;
	UNROLL for (int i = 0; i < 8; i++) {
		int co = co0 + tile.row(i);
		if (co >= g.Co) continue;
		UNROLL for (int j = 0; j < Tile<Columns>::Own; j += 4) {
			int to = j0 + tile.column(j);
			if (to >= columns) continue;
			float *p = row + Column(g, to).weight(g, co);
			if constexpr (Columns >= 64) {
				if (g.Ci % 4 == 0 && !g.thin && aligned16(p)) {
					*(float4 *)p = float4{tile.acc[i][j], tile.acc[i][j + 1], tile.acc[i][j + 2], tile.acc[i][j + 3]};
					continue;
				}
			}
			UNROLL for (int q = 0; q < 4 && q < Tile<Columns>::Own; q++)
				if (to + q < columns) row[Column(g, to + q).weight(g, co)] = tile.acc[i][j + q];
		}
	}
}

#define CONV_WEIGHT(columns, blocks) \
	KERNEL(conv_weight_##columns, 128, blocks)(float *grads, i64 stride, i64 splitStride, const float *dout, const float *in, Geometry g) { gradWeight<columns>(grads, stride, splitStride, dout, in, g); } \
	REGISTER(conv_weight_##columns)
CONV_WEIGHT(128, 3)
CONV_WEIGHT(64, 4)
CONV_WEIGHT(32, 4)

// grads[client][i] = the sum of the client's shares parts[share][client][i], in order.
KERNEL(sum_shares, 256, 4)(float *grads, i64 stride, const float *parts, int count, int shares) {
	int i = blockIdx.x * 256 + threadIdx.x, client = blockIdx.y, clients = gridDim.y;
	if (i >= count) return;
	float s = 0;
	for (int k = 0; k < shares; k++) s += parts[((i64)k * clients + client) * count + i];
	grads[client * stride + i] = s;
}
REGISTER(sum_shares)
