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

INLINE void storeFour(float *p, const float *v) { storeShared4(p, float4{v[0], v[1], v[2], v[3]}); }
INLINE void storeFour(double *p, const double *v) {
	UNROLL for (int i = 0; i < 4; i++) p[i] = v[i];
}

// The pair-th of the pairs (a, b), b <= a, of fours of rows.
struct Fours {
	int a = 0, b;
	INLINE_MEMBER explicit Fours(int pair) : b(pair) {
		while (b > a) b -= ++a;
	}
};

// parts[block][i][j], j <= i: the inner products of the rows, less row centre (none if
// negative), over the block's columns. T is the type of products and of their sums over up
// to 64 columns; all else is float64. As many groups of the 256 threads as there can be, up
// to 64, share the columns that the block holds at a time, and each thread of a group has
// four rows by four. While they multiply, the next columns are on their way from memory.
// The fewer rows, the more columns are held; in what order sums are formed depends on n alone.
template <class T> INLINE void gramParts(double *parts, const float *rows, i64 stride, int n, int d, int centre) {
	constexpr int room = 3072, loads = room / 4 / 256;
	SHARED(T, held, [room]); // columns x pitch
	SHARED(double, sums, [4][256]);
	const int t = threadIdx.x, fours = (n + 3) / 4, pitch = 4 * (fours | 1), pairs = fours * (fours + 1) / 2;
	const int groups = 256 / pairs < 64 ? 256 / pairs : 64, group = t / pairs;
	const int columns = 256 * pitch <= room ? 256 : 128 * pitch <= room ? 128 : 64 * pitch <= room ? 64 : 32;
	const int share = (columns + groups - 1) / groups;
	const Fours mine(t % pairs);

	const int column = t % columns, first = t / columns, apart = 256 / columns; // of its fours

	float raw[loads][4], about;
	auto load = [&](i64 lo) {
		const float *at = rows + lo + column;
		int left = lo + column < d ? n - 4 * first : 0; // rows from the next on
		about = left > 0 && centre >= 0 ? at[centre * stride] : 0;
		at += 4 * first * stride;
		UNROLL for (int h = 0; h < loads; h++) {
			UNROLL for (int i = 0; i < 4; i++) {
				raw[h][i] = i < left ? *at : 0;
				at += stride;
			}
			at += (4 * apart - 4) * stride;
			left -= 4 * apart;
		}
	};
	auto store = [&]() {
		UNROLL for (int h = 0; h < loads; h++) {
			int four = first + h * apart;
			T v[4];
			UNROLL for (int i = 0; i < 4; i++) v[i] = (T)raw[h][i] - (T)about;
			if (four < fours) storeFour(&held[column * pitch + 4 * four], v);
		}
	};
	double sum[4][4];
	float part[4][4]; // of the sums, if T is float
	int terms = 0;
	UNROLL for (int i = 0; i < 4; i++)
		UNROLL for (int j = 0; j < 4; j++) {
			sum[i][j] = 0;
			part[i][j] = 0;
		}
	auto flush = [&]() {
		if constexpr (sizeof(T) == 4)
			UNROLL for (int i = 0; i < 4; i++)
				UNROLL for (int j = 0; j < 4; j++) {
					sum[i][j] += (double)part[i][j];
					part[i][j] = 0;
				}
		terms = 0;
	};
	const i64 step = (i64)gridDim.x * columns;
	i64 lo = (i64)blockIdx.x * columns;
	load(lo);
	for (; lo < d; lo += step) {
		store();
		barrier();
		load(lo + step);
		if (terms + share > 64) flush();
		terms += share;
		if (group < groups)
			for (int k = group; k < columns; k += groups) {
				T x[4], y[4];
				loadFour(x, &held[k * pitch + 4 * mine.a]);
				loadFour(y, &held[k * pitch + 4 * mine.b]);
				UNROLL for (int i = 0; i < 4; i++)
					UNROLL for (int j = 0; j < 4; j++) {
						if constexpr (sizeof(T) == 4) part[i][j] = fma32(x[i], y[j], part[i][j]);
						else sum[i][j] = fma64(x[i], y[j], sum[i][j]);
					}
			}
		barrier();
	}
	flush();
	UNROLL for (int i = 0; i < 4; i++) { // the groups' sums, in order
		UNROLL for (int j = 0; j < 4; j++) sums[j][t] = sum[i][j];
		barrier();
		for (int u = t; u < 4 * pairs; u += 256) {
			int j = u / pairs, pair = u % pairs;
			Fours at(pair);
			double all = 0;
			for (int k = pair; k < groups * pairs; k += pairs) all += sums[j][k];
			int row = 4 * at.a + i, other = 4 * at.b + j;
			if (row < n && other <= row) parts[((i64)blockIdx.x * n + row) * n + other] = all;
		}
		barrier();
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
