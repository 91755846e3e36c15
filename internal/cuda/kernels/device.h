// What the kernels need of CUDA C++, without its SDK. The same source has two readers:
// clang's NVPTX back end, which defines __CUDA__, and a compiler for the CPU, which gets
// the emulator.
#pragma once

typedef unsigned char u8;
typedef unsigned int u32;
typedef unsigned long long u64;
typedef long long i64;

typedef float float4 __attribute__((vector_size(16))); // 16 bytes a load

#ifdef __CUDA__

#define __global__ __attribute__((global))
#define __device__ __attribute__((device))
#define __shared__ __attribute__((shared))

// KERNEL begins the definition of a kernel: its name, the threads of a block, and how many
// blocks a multiprocessor should hold, which bounds the registers.
#define KERNEL(name, threads, blocks) extern "C" __global__ __attribute__((launch_bounds(threads, blocks))) void name
#define REGISTER(name)
#define SHARED(type, name, dims) __shared__ __attribute__((aligned(16))) type name dims
#define UNROLL _Pragma("unroll")
#define INLINE static __device__ __attribute__((always_inline)) inline
#define INLINE_MEMBER __device__ __attribute__((always_inline)) inline

struct Dim { int x, y, z; };
#define threadIdx (Dim{__nvvm_read_ptx_sreg_tid_x(), __nvvm_read_ptx_sreg_tid_y(), __nvvm_read_ptx_sreg_tid_z()})
#define blockIdx (Dim{__nvvm_read_ptx_sreg_ctaid_x(), __nvvm_read_ptx_sreg_ctaid_y(), __nvvm_read_ptx_sreg_ctaid_z()})
#define gridDim (Dim{__nvvm_read_ptx_sreg_nctaid_x(), __nvvm_read_ptx_sreg_nctaid_y(), __nvvm_read_ptx_sreg_nctaid_z()})

INLINE void barrier() { __syncthreads(); }
INLINE float fma32(float a, float b, float c) { return __nvvm_fma_rn_f(a, b, c); }
INLINE double fma64(double a, double b, double c) { return __nvvm_fma_rn_d(a, b, c); }
INLINE double sqrt64(double a) { return __nvvm_sqrt_rn_d(a); }
// The smaller and the larger of two numbers; of a NaN and a number, the number.
INLINE float min32(float a, float b) { return __nvvm_fmin_f(a, b); }
INLINE float max32(float a, float b) { return __nvvm_fmax_f(a, b); }

INLINE u32 shuffleXor(u32 v, u32 mask) { return (u32)__nvvm_shfl_sync_bfly_i32(~0u, (int)v, (int)mask, 31); }
INLINE double shuffleXor(double v, u32 mask) {
	u64 b = __builtin_bit_cast(u64, v);
	u64 lo = shuffleXor((u32)b, mask), hi = shuffleXor((u32)(b >> 32), mask);
	return __builtin_bit_cast(double, hi << 32 | lo);
}
INLINE u32 ballot(bool v) { return __nvvm_vote_ballot_sync(~0u, v); }

// Four floats of shared memory in one load or store: LLVM would make four of it.
INLINE float4 loadShared4(const float *p) {
	u32 at = (u32)(u64)(const __attribute__((address_space(3))) float *)p;
	float x, y, z, w;
	asm volatile("ld.shared.v4.f32 {%0,%1,%2,%3}, [%4];" : "=f"(x), "=f"(y), "=f"(z), "=f"(w) : "r"(at) : "memory");
	return float4{x, y, z, w};
}
INLINE void storeShared4(float *p, float4 v) {
	u32 at = (u32)(u64)(const __attribute__((address_space(3))) float *)p;
	asm volatile("st.shared.v4.f32 [%0], {%1,%2,%3,%4};" : : "r"(at), "f"(v[0]), "f"(v[1]), "f"(v[2]), "f"(v[3]) : "memory");
}

#else
#include "../emulator/emulate.h"
#endif

// Sums of integers alone are formed by atomics: they are the same in any order.
INLINE u32 atomicSum(u32 *to, u32 v) { return __atomic_fetch_add(to, v, __ATOMIC_RELAXED); }
INLINE u32 atomicOr(u32 *to, u32 v) { return __atomic_fetch_or(to, v, __ATOMIC_RELAXED); }

INLINE u32 bits32(float a) { return __builtin_bit_cast(u32, a); }
INLINE float float32(u32 a) { return __builtin_bit_cast(float, a); }
INLINE u64 bits64(double a) { return __builtin_bit_cast(u64, a); }
INLINE bool finite32(float a) { return (bits32(a) & 0x7f800000u) != 0x7f800000u; }
INLINE bool aligned16(const void *p) { return ((u64)p & 15) == 0; }

// Four floats from p on, of which only the first left are there; the others are 0. With
// vector, p is aligned to 16 bytes where left is 4 or more.
INLINE float4 load4(const float *p, int left, bool vector) {
	if (vector && left >= 4) return *(const float4 *)p;
	float4 v = {0, 0, 0, 0};
	UNROLL for (int i = 0; i < 4; i++)
		if (i < left) v[i] = p[i];
	return v;
}

// The sum over a block of so many warps, in a fixed order; thread 0 gets it. All threads
// must come here, and shared, of 32 numbers, must be free.
INLINE double sumBlock(double v, double *shared, int warps) {
	UNROLL for (u32 m = 16; m > 0; m /= 2) v += shuffleXor(v, m);
	if (threadIdx.x % 32 == 0) shared[threadIdx.x / 32] = v;
	barrier();
	double all = 0;
	if (threadIdx.x == 0)
		for (int w = 0; w < warps; w++) all += shared[w];
	return all;
}
