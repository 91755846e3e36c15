// Aggregation: what rules need of the rows of G, n of d values, stride apart. Rows need not
// be aligned.
#include "device.h"

constexpr int mostRows = 64; // of a Gram matrix and of sorted columns

INLINE void loadFour(float *v, const float *p) {
	float4 four = loadShared4(p);
	UNROLL for (int i = 0; i < 4; i++) v[i] = four[i];
}
INLINE void loadFour(double *v, const double *p) {
	UNROLL for (int i = 0; i < 4; i++) v[i] = p[i];
}

// parts[block][i][j], j <= i: the inner products of the rows, less row centre (none if
// negative), over the block's columns. T is the type of products and of their sums over 64
// columns; all else is float64. 256 threads; thread (a, b) has rows 4a to 4a+3 by 4b to
// 4b+3.
template <class T> INLINE void gramParts(double *parts, const float *rows, i64 stride, int n, int d, int centre) {
	constexpr int columns = 32;
	SHARED(T, held, [columns][mostRows + 4]); // [column][row]
	const int t = threadIdx.x, a = t / 16, b = t % 16;
	const bool lower = b <= a && 4 * a < n;
	double sum[4][4];
	UNROLL for (int i = 0; i < 4; i++)
		UNROLL for (int j = 0; j < 4; j++) sum[i][j] = 0;
	T part[4][4];
	int added = 0;
	auto clear = [&]() {
		UNROLL for (int i = 0; i < 4; i++)
			UNROLL for (int j = 0; j < 4; j++) {
				if (added) sum[i][j] += (double)part[i][j];
				part[i][j] = 0;
			}
		added = 0;
	};
	clear();
	for (int lo = blockIdx.x * columns; lo < d; lo += gridDim.x * columns) {
		int column = lo + t % columns;
		T about = centre >= 0 && column < d ? (T)rows[centre * stride + column] : 0;
		for (int i = t / columns; i < mostRows; i += 256 / columns)
			held[t % columns][i] = i < n && column < d ? (T)rows[i * stride + column] - about : 0;
		barrier();
		if (lower)
			for (int k = 0; k < columns; k++) {
				T x[4], y[4];
				loadFour(x, &held[k][4 * a]);
				loadFour(y, &held[k][4 * b]);
				UNROLL for (int i = 0; i < 4; i++)
					UNROLL for (int j = 0; j < 4; j++) {
						if constexpr (sizeof(T) == 4) part[i][j] = fma32(x[i], y[j], part[i][j]);
						else part[i][j] = fma64(x[i], y[j], part[i][j]);
					}
			}
		if (++added == 2) clear();
		barrier();
	}
	clear();
	if (!lower) return;
	UNROLL for (int i = 0; i < 4; i++)
		UNROLL for (int j = 0; j < 4; j++) {
			int row = 4 * a + i, column = 4 * b + j;
			if (row < n && column <= row) parts[((i64)blockIdx.x * n + row) * n + column] = sum[i][j];
		}
}

KERNEL(gram_fast, 256, 2)(double *parts, const float *rows, i64 stride, int n, int d, int centre) { gramParts<float>(parts, rows, stride, n, d, centre); }
REGISTER(gram_fast)
KERNEL(gram_exact, 256, 2)(double *parts, const float *rows, i64 stride, int n, int d, int centre) { gramParts<double>(parts, rows, stride, n, d, centre); }
REGISTER(gram_exact)

// K, n x n and symmetric, from so many blocks' parts, in order. A block has an element.
KERNEL(gram_sum, 128, 8)(double *K, const double *parts, int n, int blocks) {
	SHARED(double, warps, [32]);
	int i = blockIdx.x / n, j = blockIdx.x % n;
	if (j > i) return;
	double sum = 0;
	for (int b = threadIdx.x; b < blocks; b += 128) sum += parts[((i64)b * n + i) * n + j];
	sum = sumBlock(sum, warps, 4);
	if (threadIdx.x == 0) K[i * n + j] = K[j * n + i] = sum;
}
REGISTER(gram_sum)

// dst = sum of w[i] rows[i] in float64, of the rows whose weight is not 0; sets bad where
// that is not finite.
KERNEL(combine, 256, 4)(float *dst, u32 *bad, const float *rows, i64 stride, const double *w, int n, int d) {
	int j = blockIdx.x * 256 + threadIdx.x;
	if (j >= d) return;
	double s = 0;
	for (int i = 0; i < n; i++)
		if (w[i] != 0) s = fma64(w[i], rows[i * stride + j], s);
	float out = (float)s;
	dst[j] = out;
	if (!finite32(out)) atomicOr(bad, 1);
}
REGISTER(combine)

// Batcher's odd-even merge sort of M values in registers.
template <int M> INLINE void sortColumn(float *v) {
	UNROLL for (int p = 1; p < M; p *= 2)
		UNROLL for (int k = p; k >= 1; k /= 2)
			UNROLL for (int j = k % p; j + k < M; j += 2 * k)
				UNROLL for (int i = 0; i < k; i++)
					if (i + j + k < M && (i + j) / (2 * p) == (i + j + k) / (2 * p)) {
						float a = v[i + j], b = v[i + j + k];
						v[i + j] = min32(a, b);
						v[i + j + k] = max32(a, b);
					}
}

// dst[j] = the mean, in float64, of the order statistics from to to-1 of column j of n <= M
// rows; sets bad where a value is not finite.
template <int M> INLINE void meanOfSorted(float *dst, u32 *bad, const float *rows, i64 stride, int n, int d, int from, int to) {
	int j = blockIdx.x * 128 + threadIdx.x;
	if (j >= d) return;
	float v[M];
	bool finite = true;
	UNROLL for (int i = 0; i < M; i++) {
		v[i] = i < n ? rows[i * stride + j] : float32(0x7f800000u); // infinity
		if (i < n) finite = finite && finite32(v[i]);
	}
	sortColumn<M>(v);
	double sum = 0;
	UNROLL for (int i = 0; i < M; i++)
		if (i >= from && i < to) sum += (double)v[i];
	dst[j] = (float)(sum / (to - from));
	if (!finite) atomicOr(bad, 1);
}
#define SORTED(M, blocks)                                                                                                                \
	KERNEL(sorted_mean_##M, 128, blocks)(float *dst, u32 *bad, const float *rows, i64 stride, int n, int d, int from, int to) { \
		meanOfSorted<M>(dst, bad, rows, stride, n, d, from, to);                                                       \
	}                                                                                                                           \
	REGISTER(sorted_mean_##M)
SORTED(4, 4)
SORTED(8, 4)
SORTED(16, 4)
SORTED(32, 4)
SORTED(64, 2)

// squares[row] in parts: parts[row][block] = the sum of the block's share of the row's
// squares in float64. They are finite where the row is.
KERNEL(row_squares, 256, 4)(double *parts, const float *rows, i64 stride, int d) {
	SHARED(double, warps, [32]);
	const float *row = rows + blockIdx.y * stride;
	double sum = 0;
	for (i64 i = blockIdx.x * 256 + threadIdx.x; i < d; i += gridDim.x * 256) sum = fma64(row[i], row[i], sum);
	sum = sumBlock(sum, warps, 8);
	if (threadIdx.x == 0) parts[blockIdx.y * gridDim.x + blockIdx.x] = sum;
}
REGISTER(row_squares)

// sums[i] = the sum of parts[i][0 to count-1], in order of a tree. A block has an element.
KERNEL(sum_parts, 128, 8)(double *sums, const double *parts, int count) {
	SHARED(double, warps, [32]);
	double sum = 0;
	for (int b = threadIdx.x; b < count; b += 128) sum += parts[(i64)blockIdx.x * count + b];
	sum = sumBlock(sum, warps, 4);
	if (threadIdx.x == 0) sums[blockIdx.x] = sum;
}
REGISTER(sum_parts)

// x *= factor.
KERNEL(scale_row, 256, 4)(float *x, float factor, int d) {
	int i = blockIdx.x * 256 + threadIdx.x;
	if (i < d) x[i] *= factor;
}
REGISTER(scale_row)

// x += y.
KERNEL(add_row, 256, 4)(float *x, const float *y, int d) {
	int i = blockIdx.x * 256 + threadIdx.x;
	if (i < d) x[i] += y[i];
}
REGISTER(add_row)
