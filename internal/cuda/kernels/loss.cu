// Softmax cross-entropy.
#include "math.h"

// prob = softmax(logits), classes x M, and losses[m] = -log prob[labels[m]][m], 0 where
// the label is negative. A thread has a sample.
KERNEL(softmax, 128, 4)(float *prob, double *losses, const float *logits, const int *labels, int classes, int M) {
	int m = blockIdx.x * 128 + threadIdx.x;
	if (m >= M) return;
	float top = logits[m];
	for (int c = 1; c < classes; c++) {
		float v = logits[(i64)c * M + m];
		if (v > top || v != v) top = v; // a NaN stays the largest
	}
	double sum = 0;
	for (int c = 0; c < classes; c++) {
		i64 at = (i64)c * M + m;
		double e = exp64((double)(logits[at] - top));
		prob[at] = (float)e;
		sum += e;
	}
	float scale = (float)(1 / sum);
	for (int c = 0; c < classes; c++) prob[(i64)c * M + m] *= scale;
	int label = labels[m];
	losses[m] = label >= 0 ? log64(sum) - (double)(logits[(i64)label * M + m] - top) : 0;
}
REGISTER(softmax)

// loss[client] = the mean of the losses of its samples that have a label, summed in their
// order, and dlogits = (prob - onehot(label)) / their number, 0 for the others. A block
// has a client.
KERNEL(softmax_grad, 128, 4)(float *dlogits, double *loss, const float *prob, const double *losses, const int *labels, int classes, int M, int N) {
	SHARED(u32, counted, [1]);
	int first = blockIdx.x * N;
	if (threadIdx.x == 0) {
		double sum = 0;
		u32 k = 0;
		for (int n = 0; n < N; n++) {
			k += labels[first + n] >= 0;
			if (labels[first + n] >= 0) sum += losses[first + n];
		}
		counted[0] = k ? k : 1;
		loss[blockIdx.x] = sum / counted[0];
	}
	barrier();
	float scale = 1 / (float)counted[0];
	for (int i = threadIdx.x; i < classes * N; i += 128) {
		int c = i / N, m = first + i % N, label = labels[m];
		i64 at = (i64)c * M + m;
		float p = prob[at];
		dlogits[at] = label < 0 ? 0 : (label == c ? p - 1 : p) * scale;
	}
}
REGISTER(softmax_grad)
