// The kernels' CUDA C++ on a CPU (amd64). A block's threads are fibers, which run one after
// another from barrier to barrier, in ascending or, with emu::descending, descending order:
// what lacks a barrier gives another result in one of them. With EMULATE_THREADS they are
// threads of the system, for ThreadSanitizer. Shared memory is filled with NaN before every
// block. A barrier or shuffle that not all threads reach ends the program with its line.
#pragma once
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <map>
#include <string>
#include <utility>
#include <vector>

#define INLINE static inline
#define INLINE_MEMBER inline
#define UNROLL
#define KERNEL(name, threads, blocks)                           \
	static const emu::Bounds bounds_##name(#name, threads); \
	extern "C" void name
#define REGISTER(name) static const emu::Entry entry_##name(#name, name);
#define SHARED(type, name, dims) static type name dims __attribute__((aligned(16), section("shared_memory")))
extern char __start_shared_memory[] __attribute__((weak)), __stop_shared_memory[] __attribute__((weak));

struct Dim { int x, y, z; };

namespace emu {

enum State { Running, AtBarrier, AtWarp, Done };

struct Thread {
	Dim id;
	int lane, state, line; // line of the kernel where it waits
	u32 turn;
	void *sp;
	u64 slot[2]; // what it gives to a shuffle, in turn
};

inline thread_local Thread *self;
inline thread_local Dim block;
inline Dim size, grid;
inline std::vector<Thread> threads;
inline bool descending;

// A kernel: how to call it, the sizes of its parameters and the bound of its threads.
struct Function {
	void (*call)(void *f, void **args);
	void *f;
	std::vector<size_t> sizes;
	int bound;
};

inline std::map<std::string, Function> &functions() {
	static std::map<std::string, Function> m;
	return m;
}

template <class... A, size_t... I> void call(void (*f)(A...), void **p, std::index_sequence<I...>) { f(*(A *)p[I]...); }

struct Bounds {
	Bounds(const char *name, int n) { functions()[name].bound = n; }
};

struct Entry {
	template <class... A> Entry(const char *name, void (*f)(A...)) {
		Function &e = functions()[name];
		e.f = (void *)f;
		e.sizes = {sizeof(A)...};
		e.call = [](void *f, void **p) { call((void (*)(A...))f, p, std::index_sequence_for<A...>()); };
	}
};

[[noreturn]] inline void fail(const char *what, int line) {
	fprintf(stderr, "emulator: %s, kernel line %d, block %d,%d,%d\n", what, line, block.x, block.y, block.z);
	abort();
}

inline const Function *running;
inline void **arguments;

#ifdef EMULATE_THREADS

// Where threads meet: so many are alive, so many have come, for the turn-th time.
struct Gate { int alive, here; u32 turn; };

inline pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
inline pthread_cond_t moved = PTHREAD_COND_INITIALIZER;
inline std::vector<Gate> gates; // a warp each, and the block's

inline void pass(Gate &g, bool leave) {
	pthread_mutex_lock(&lock);
	u32 turn = g.turn;
	if (leave) g.alive--;
	else g.here++;
	if (g.here == g.alive) {
		g.here = 0;
		g.turn++;
		pthread_cond_broadcast(&moved);
	} else if (!leave) {
		while (g.turn == turn) pthread_cond_wait(&moved, &lock);
	}
	pthread_mutex_unlock(&lock);
}

inline void wait(State s, int) { pass(s == AtWarp ? gates[(self - &threads[0]) / 32] : gates.back(), false); }

inline Dim blockOfThreads;

inline void *body(void *t) {
	self = (Thread *)t;
	block = blockOfThreads;
	running->call(running->f, arguments);
	pass(gates[(self - &threads[0]) / 32], true);
	pass(gates.back(), true);
	return nullptr;
}

inline void runBlock(Dim b) {
	size_t n = threads.size();
	gates.assign((n + 31) / 32 + 1, Gate{32, 0, 0});
	gates.back().alive = (int)n;
	if (n % 32) gates[n / 32].alive = (int)(n % 32);
	blockOfThreads = b;
	std::vector<pthread_t> ids(n);
	for (size_t i = 0; i < n; i++) pthread_create(&ids[i], nullptr, body, &threads[i]);
	for (auto id : ids) pthread_join(id, nullptr);
}

#else

// Keeps the registers of a fiber on its stack, whose top goes to *from, and goes on with
// the fiber whose stack's top is to.
extern "C" void emu_switch(void **from, void *to);
asm(".text\n.weak emu_switch\nemu_switch:\n push %rbp\n push %rbx\n push %r12\n push %r13\n push %r14\n push %r15\n"
    " mov %rsp, (%rdi)\n mov %rsi, %rsp\n pop %r15\n pop %r14\n pop %r13\n pop %r12\n pop %rbx\n pop %rbp\n ret\n");

inline void *scheduler;
constexpr size_t stackSize = 1 << 17;

inline void wait(State s, int line) {
	self->state = s;
	self->line = line;
	emu_switch(&self->sp, scheduler);
}

inline void body() {
	running->call(running->f, arguments);
	wait(Done, 0);
	abort();
}

// Gives every thread a stack from which the first switch returns to body.
inline void prepare() {
	static char *stacks;
	static size_t room;
	size_t n = threads.size();
	if (room < n) {
		stacks = (char *)mmap(nullptr, n * stackSize, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
		room = n;
	}
	for (size_t i = 0; i < n; i++) {
		void **top = (void **)(stacks + (i + 1) * stackSize) - 2;
		top[0] = (void *)body;
		top[1] = nullptr;
		threads[i].sp = top - 6;
		threads[i].state = Running;
	}
}

// Lets those warps go on whose threads have all come to a shuffle or are done.
inline bool freeWarps() {
	bool freed = false;
	size_t n = threads.size();
	for (size_t w = 0; w < n; w += 32) {
		bool all = true, any = false;
		for (size_t i = w; i < n && i < w + 32; i++) {
			all = all && (threads[i].state == AtWarp || threads[i].state == Done);
			any = any || threads[i].state == AtWarp;
		}
		for (size_t i = w; all && any && i < n && i < w + 32; i++)
			if (threads[i].state == AtWarp) {
				threads[i].state = Running;
				freed = true;
			}
	}
	return freed;
}

// Lets the block go on if all of its threads wait at one barrier.
inline void freeBlock(bool anyDone) {
	int line = 0;
	for (Thread &t : threads) {
		if (t.state == AtWarp) fail("a shuffle that not all of a warp reach", t.line);
		if (t.state != AtBarrier) continue;
		if (line && t.line != line) fail("threads of a block wait at different barriers", t.line);
		line = t.line;
	}
	if (anyDone) fail("a barrier that not all threads reach", line);
	for (Thread &t : threads) t.state = Running;
}

inline void runBlock(Dim b) {
	block = b;
	prepare();
	for (size_t n = threads.size();;) {
		for (size_t k = 0; k < n; k++) {
			Thread &t = threads[descending ? n - 1 - k : k];
			if (t.state != Running) continue;
			self = &t;
			emu_switch(&scheduler, t.sp);
		}
		size_t done = 0;
		for (Thread &t : threads) done += t.state == Done;
		if (done == n) return;
		if (!freeWarps()) freeBlock(done > 0);
	}
}

#endif

// Runs a kernel, block by block, at most so many of them, evenly spread.
inline void launch(const Function &f, Dim g, Dim s, void **args, long long most = 1ll << 62) {
	running = &f;
	arguments = args;
	size = s;
	grid = g;
	threads.assign((size_t)(s.x * s.y * s.z), Thread{});
	for (size_t i = 0; i < threads.size(); i++) {
		threads[i].id = {(int)i % s.x, (int)i / s.x % s.y, (int)i / s.x / s.y};
		threads[i].lane = (int)i % 32;
	}
	long long blocks = (long long)g.x * g.y * g.z;
	long long count = blocks < most ? blocks : most;
	for (long long k = 0; k < count; k++) {
		long long b = (descending ? count - 1 - k : k) * blocks / count;
		if (__start_shared_memory) memset(__start_shared_memory, 0xff, (size_t)(__stop_shared_memory - __start_shared_memory));
		runBlock({(int)(b % g.x), (int)(b / g.x % g.y), (int)(b / g.x / g.y)});
	}
}

// What the lane's peer, lane ^ mask, gives for v.
inline u64 exchange(u64 v, u32 mask, int line) {
	u32 p = self->turn++ & 1; // the other half may still be read
	self->slot[p] = v;
	wait(AtWarp, line);
	Thread *peer = self - self->lane + (self->lane ^ (int)mask);
	return peer->slot[p];
}

template <size_t n> auto resized(u64 v) {
	if constexpr (n == 4) return (u32)v;
	else return v;
}

template <class T> u64 widened(T v) {
	if constexpr (sizeof(T) == 4) return __builtin_bit_cast(u32, v);
	else return __builtin_bit_cast(u64, v);
}

// One bit a lane: a sum of distinct bits over the warp, by a butterfly.
inline u32 vote(bool v, int line) {
	u32 bits = (u32)v << self->lane;
	for (u32 m = 1; m < 32; m *= 2) bits |= (u32)exchange(bits, m, line);
	return bits;
}

} // namespace emu

#define threadIdx emu::self->id
#define blockIdx emu::block
#define gridDim emu::grid
#define barrier() emu::wait(emu::AtBarrier, __LINE__)
#define shuffleXor(v, mask) __builtin_bit_cast(decltype(+(v)), emu::resized<sizeof(v)>(emu::exchange(emu::widened(v), mask, __LINE__)))
#define ballot(v) emu::vote(v, __LINE__)

INLINE float fma32(float a, float b, float c) { return __builtin_fmaf(a, b, c); }
INLINE double fma64(double a, double b, double c) { return __builtin_fma(a, b, c); }
INLINE double sqrt64(double a) { return __builtin_sqrt(a); }
INLINE float min32(float a, float b) { return __builtin_fminf(a, b); }
INLINE float max32(float a, float b) { return __builtin_fmaxf(a, b); }
INLINE float4 loadShared4(const float *p) { return *(const float4 *)p; }
INLINE void storeShared4(float *p, float4 v) { *(float4 *)p = v; }
