// Optimisers: the steps of package train, rounded as the host rounds them.
#include "device.h"

// Stochastic gradient descent with weight decay and, where velocity is there, momentum:
//
//	g = u + decay x    v = momentum v + g    x -= rate v, with Nesterov rate (g + momentum v)
KERNEL(sgd_step, 256, 4)(float *x, float *velocity, const float *u, float rate, float momentum, float decay, int nesterov, int d) {
	int i = blockIdx.x * 256 + threadIdx.x;
	if (i >= d) return;
	float g = u[i] + decay * x[i];
	if (velocity) {
		float v = momentum * velocity[i] + g;
		velocity[i] = v;
		g = nesterov ? g + momentum * v : v;
	}
	x[i] -= rate * g;
}
REGISTER(sgd_step)

// Adam, with m and v the running means of gradient and square; scale and rate have the
// corrections of its start:
//
//	g = u + decay x    m = b1 m + rest1 g    v = b2 v + rest2 g g
//	x -= rate m / (sqrt(v) scale + epsilon)
KERNEL(adam_step, 256, 4)(float *x, float *m, float *v, const float *u, float b1, float rest1, float b2, float rest2, float decay, float rate, float scale, float epsilon, int d) {
	int i = blockIdx.x * 256 + threadIdx.x;
	if (i >= d) return;
	float g = u[i] + decay * x[i];
	float first = b1 * m[i] + rest1 * g, second = b2 * v[i] + rest2 * g * g;
	m[i] = first;
	v[i] = second;
	x[i] -= rate * first / ((float)sqrt64(second) * scale + epsilon);
}
REGISTER(adam_step)
