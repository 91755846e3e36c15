// A block of the k columns of G that score highest, and its memory: package agg's Block.
#include "device.h"

// Scores of the columns and, for the memory "mean", what it holds of each if it is not
// chosen. With s the sum of column j of rows, q that of its squares and m = memory[j],
// 0 without memory:
//
//	scores[j] = max(0, gamma^2 q + m (2 gamma s + n m))    next[j] = gamma s / n + m
//
// parts[block] is the sum of the block's scores; bad is set where next is not finite.
// Without next there is none.
KERNEL(score_columns, 256, 4)(double *scores, double *parts, float *next, u32 *bad, const float *rows, i64 stride, const float *memory, double gamma, int n, int d) {
	SHARED(double, warps, [32]);
	int j = blockIdx.x * 256 + threadIdx.x;
	double score = 0;
	if (j < d) {
		double s = 0, q = 0, m = memory ? memory[j] : 0;
		for (int i = 0; i < n; i++) {
			double v = rows[i * stride + j];
			s += v;
			q = fma64(v, v, q);
		}
		score = gamma * gamma * q + m * (2 * gamma * s + n * m);
		if (score < 0) score = 0;
		scores[j] = score;
		if (next) {
			float kept = (float)(gamma / n * s + m);
			next[j] = kept;
			if (!finite32(kept)) atomicOr(bad, 1);
		}
	}
	score = sumBlock(score, warps, 8);
	if (threadIdx.x == 0) parts[blockIdx.x] = score;
}
REGISTER(score_columns)

// What is known of the k-th largest score while its bits are found, from the highest on.
struct Selection {
	u64 prefix; // the bits that are known
	u32 left;   // of the k, how many have them
	u32 unused;
};

constexpr int bins = 4096;

// counts[b] += the number of scores whose bits above shift+width are those of the prefix and
// whose width bits from shift on are b. Scores are not negative: they are in the order of
// their bits. With first there is no prefix yet.
KERNEL(score_histogram, 256, 4)(u32 *counts, const Selection *selection, const double *scores, int shift, int width, int first, int d) {
	SHARED(u32, local, [bins]);
	for (int b = threadIdx.x; b < bins; b += 256) local[b] = 0;
	barrier();
	u64 prefix = first ? 0 : selection->prefix;
	for (i64 i = blockIdx.x * 256 + threadIdx.x; i < d; i += gridDim.x * 256) {
		u64 bits = bits64(scores[i]);
		if (first || bits >> (shift + width) == prefix) atomicSum(&local[bits >> shift & ((1u << width) - 1)], 1);
	}
	barrier();
	for (int b = threadIdx.x; b < bins; b += 256)
		if (local[b]) atomicSum(&counts[b], local[b]);
}
REGISTER(score_histogram)

// Takes the next width bits of the k-th largest score from counts, which become 0. One block.
KERNEL(narrow_selection, 256, 1)(Selection *selection, u32 *counts, int width, int first, u32 k) {
	SHARED(u32, sums, [256]);
	int t = threadIdx.x;
	u32 own[bins / 256], sum = 0;
	UNROLL for (int i = 0; i < bins / 256; i++) {
		own[i] = counts[t * (bins / 256) + i];
		counts[t * (bins / 256) + i] = 0;
		sum += own[i];
	}
	sums[t] = sum;
	barrier();
	u32 left = first ? k : selection->left, above = 0; // scores in higher bins
	u64 prefix = first ? 0 : selection->prefix;
	for (int i = t + 1; i < 256; i++) above += sums[i];
	barrier(); // all have read the selection
	for (int i = bins / 256 - 1; i >= 0; i--) {
		if (above < left && left <= above + own[i]) {
			selection->prefix = prefix << width | (u32)(t * (bins / 256) + i);
			selection->left = left - above;
		}
		above += own[i];
	}
}
REGISTER(narrow_selection)

// Of a block's 1024 scores, how many are above the selection's and how many are equal to it.
INLINE void compareScores(const Selection *selection, const double *scores, int d, bool &above, bool &equal) {
	int j = blockIdx.x * 1024 + threadIdx.x;
	u64 bits = j < d ? bits64(scores[j]) : 0;
	above = j < d && bits > selection->prefix;
	equal = j < d && bits == selection->prefix;
}

// counts[block] and, behind those of all, counts[blocks+block]: see compareScores.
KERNEL(count_chosen, 1024, 1)(u32 *counts, const Selection *selection, const double *scores, int d) {
	SHARED(u32, warps, [64]);
	bool above, equal;
	compareScores(selection, scores, d, above, equal);
	u32 a = ballot(above), e = ballot(equal);
	if (threadIdx.x % 32 == 0) {
		warps[threadIdx.x / 32] = (u32)__builtin_popcount(a);
		warps[32 + threadIdx.x / 32] = (u32)__builtin_popcount(e);
	}
	barrier();
	if (threadIdx.x >= 2) return;
	u32 sum = 0;
	for (int w = 0; w < 32; w++) sum += warps[threadIdx.x * 32 + w];
	counts[threadIdx.x * gridDim.x + blockIdx.x] = sum;
}
REGISTER(count_chosen)

// Replaces counts by the sums of those before: one block for each list of so many.
KERNEL(sum_before, 1024, 1)(u32 *counts, int count) {
	SHARED(u32, sums, [2][1024]);
	u32 *list = counts + (i64)blockIdx.x * count;
	int t = threadIdx.x, share = (count + 1023) / 1024, lo = t * share, hi = lo + share < count ? lo + share : count;
	u32 sum = 0;
	for (int i = lo; i < hi; i++) sum += list[i];
	int s = 0;
	sums[s][t] = sum;
	barrier();
	for (int step = 1; step < 1024; step *= 2, s ^= 1) {
		sums[s ^ 1][t] = sums[s][t] + (t >= step ? sums[s][t - step] : 0);
		barrier();
	}
	u32 before = sums[s][t] - sum;
	for (int i = lo; i < hi; i++) {
		u32 own = list[i];
		list[i] = before;
		before += own;
	}
}
REGISTER(sum_before)

// index gets the chosen columns, ascending: those above the selection and, of those equal to
// it, the first. before is what sum_before has made of count_chosen's counts.
KERNEL(write_chosen, 1024, 1)(u32 *index, const u32 *before, const Selection *selection, const double *scores, int d) {
	SHARED(u32, warps, [64]);
	int lane = threadIdx.x % 32, warp = threadIdx.x / 32;
	bool above, equal;
	compareScores(selection, scores, d, above, equal);
	u32 a = ballot(above), e = ballot(equal), below = (1u << lane) - 1;
	if (lane == 0) {
		warps[warp] = (u32)__builtin_popcount(a);
		warps[32 + warp] = (u32)__builtin_popcount(e);
	}
	barrier();
	u32 aboves = before[blockIdx.x] + (u32)__builtin_popcount(a & below), equals = before[gridDim.x + blockIdx.x] + (u32)__builtin_popcount(e & below);
	for (int w = 0; w < warp; w++) {
		aboves += warps[w];
		equals += warps[32 + w];
	}
	u32 left = selection->left;
	if (above || (equal && equals < left)) index[aboves + (equals < left ? equals : left)] = (u32)(blockIdx.x * 1024 + threadIdx.x);
}
REGISTER(write_chosen)

// block[i][p] = rows[i][index[p]], or with gamma not 0 gamma times that + memory[index[p]].
KERNEL(gather_columns, 256, 4)(float *block, const float *rows, i64 stride, const u32 *index, const float *memory, double gamma, int k) {
	int p = blockIdx.x * 256 + threadIdx.x, i = blockIdx.y;
	if (p >= k) return;
	u32 j = index[p];
	float v = rows[i * stride + j];
	if (gamma != 0) v = (float)(gamma * v + (memory ? (double)memory[j] : 0.0));
	block[(i64)i * k + p] = v;
}
REGISTER(gather_columns)

// dst[index[p]] = block[p]/by + memory[index[p]]/over, without by 0, without over 0; sets bad
// where that is not finite. dst is 0 elsewhere before.
KERNEL(scatter_columns, 256, 4)(float *dst, u32 *bad, const float *block, const u32 *index, const float *memory, double by, double over, int k) {
	int p = blockIdx.x * 256 + threadIdx.x;
	if (p >= k) return;
	u32 j = index[p];
	double t = block[p];
	if (by != 0) t /= by;
	if (over != 0 && memory) t += (double)memory[j] / over;
	float out = (float)t;
	dst[j] = out;
	if (!finite32(out)) atomicOr(bad, 1);
}
REGISTER(scatter_columns)

// x[index[p]] = 0.
KERNEL(clear_columns, 256, 4)(float *x, const u32 *index, int k) {
	int p = blockIdx.x * 256 + threadIdx.x;
	if (p < k) x[index[p]] = 0;
}
REGISTER(clear_columns)

// next = gamma*part + memory, 0 without memory; sets bad where that is not finite.
KERNEL(carry_memory, 256, 4)(float *next, u32 *bad, const float *part, const float *memory, double gamma, int d) {
	int j = blockIdx.x * 256 + threadIdx.x;
	if (j >= d) return;
	float v = (float)(gamma * part[j] + (memory ? (double)memory[j] : 0.0));
	next[j] = v;
	if (!finite32(v)) atomicOr(bad, 1);
}
REGISTER(carry_memory)

// The memory of a row each: P = gamma*rows + memory, n x d, in next, and the columns' scores
// and their sums as in score_columns. Without memory it is 0. next may be memory.
KERNEL(score_rows, 256, 4)(double *scores, double *parts, float *next, const float *rows, i64 stride, const float *memory, double gamma, int n, int d) {
	SHARED(double, warps, [32]);
	int j = blockIdx.x * 256 + threadIdx.x;
	double score = 0;
	if (j < d) {
		for (int i = 0; i < n; i++) {
			i64 at = (i64)i * d + j;
			float p = (float)(gamma * rows[i * stride + j] + (memory ? (double)memory[at] : 0.0));
			next[at] = p;
			score = fma64(p, p, score);
		}
		scores[j] = score;
	}
	score = sumBlock(score, warps, 8);
	if (threadIdx.x == 0) parts[blockIdx.x] = score;
}
REGISTER(score_rows)
