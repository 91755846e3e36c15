// A stand-in for libcuda.so.1 around the emulator: what the program calls of the driver's
// API, under the same names. Streams run nothing until somebody waits for them, and memory
// of the device can be read and written by kernels and copies alone, so that a missing wait
// and a mixed-up pointer show.
//
// EMULATED_MEMORY bounds the memory, in bytes; with EMULATED_NO_DEVICE there is no device,
// with EMULATED_DRIVER (such as 10020) the driver is of that version, with EMULATED_FAULT
// the kernel of that name faults, with EMULATED_DESCENDING threads and blocks run in
// descending order, and with EMULATED_RECORD every launch goes to that file, for replay.cc.
#include "../kernels/kernels.cu"
#include "record.h"

#include <time.h>

#include <deque>
#include <functional>
#include <mutex>

#define API extern "C" __attribute__((visibility("default"))) int

namespace {

enum {
	Ok = 0, InvalidValue = 1, OutOfMemory = 2, NotInitialised = 3, NoDevice = 100, InvalidDevice = 101, InvalidContext = 201,
	InvalidPTX = 218, NotFound = 500, IllegalAddress = 700,
};

std::recursive_mutex mu;
typedef std::lock_guard<std::recursive_mutex> Lock;

bool initialised, faulted;
thread_local void *current; // context
size_t page = 4096, inUse, limit;

struct Block { char *start; size_t room, bytes; };
std::map<u64, Block> allocated;

struct Stream { std::deque<std::function<void()>> todo; };
struct Event { Stream *stream = nullptr; double at = 0; bool done = true; };
std::vector<Stream *> streams;

double now() {
	timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

void protect(int how) {
	for (auto &[p, b] : allocated) mprotect(b.start, b.room, how);
}

bool inside(u64 p, size_t n) {
	auto it = allocated.upper_bound(p);
	return it != allocated.begin() && (--it, p + n <= it->first + it->second.bytes);
}

void run(Stream *s) {
	while (!s->todo.empty()) {
		auto f = std::move(s->todo.front());
		s->todo.pop_front();
		f();
	}
}

int drain(Stream *s) {
	protect(PROT_READ | PROT_WRITE);
	run(s);
	protect(PROT_NONE);
	return faulted ? IllegalAddress : Ok;
}

int ready() { return !initialised ? NotInitialised : !current ? InvalidContext : faulted ? IllegalAddress : Ok; }

#define READY                          \
	Lock lock(mu);                 \
	if (int e = ready()) return e

// Writes a launch, with the memory that its arguments point into, to the file to record to.
void record(const std::string &name, emu::Recorded r) {
	static const char *path = getenv("EMULATED_RECORD");
	if (!path) return;
	static FILE *file = fopen(path, "wb");
	for (auto &a : r.args) {
		u64 v = 0;
		if (a.size() == sizeof v) memcpy(&v, a.data(), sizeof v);
		auto it = allocated.upper_bound(v);
		if (a.size() != sizeof v || it == allocated.begin()) continue;
		auto &[at, b] = *--it;
		if (v < at + b.bytes) r.memory.emplace(at, std::string((char *)at, b.bytes));
	}
	r.name = name;
	r.write(file);
	fflush(file);
}

// Queues a copy or a fill.
template <class F> int later(void *s, F f) {
	((Stream *)s)->todo.push_back(f);
	return Ok;
}

} // namespace

API cuInit(u32) {
	Lock lock(mu);
	if (getenv("EMULATED_NO_DEVICE")) return NoDevice;
	initialised = true;
	const char *m = getenv("EMULATED_MEMORY");
	limit = m ? strtoull(m, nullptr, 10) : 16ull << 30;
	emu::descending = getenv("EMULATED_DESCENDING");
	return Ok;
}

API cuDriverGetVersion(int *v) {
	const char *e = getenv("EMULATED_DRIVER");
	*v = e ? atoi(e) : 13000;
	return Ok;
}

API cuDeviceGetCount(int *n) {
	*n = 1;
	return initialised ? Ok : NotInitialised;
}

API cuDeviceGet(int *d, int i) {
	*d = 0;
	return i ? InvalidDevice : Ok;
}

API cuDeviceGetName(char *name, int n, int) {
	snprintf(name, (size_t)n, "emulator");
	return Ok;
}

API cuDeviceGetUuid_v2(char *uuid, int) {
	memset(uuid, 0, 16);
	return Ok;
}

API cuDeviceGetAttribute(int *v, int attribute, int) {
	static const std::map<int, int> known = {{16, 4}, {75, 9}, {76, 0}}; // multiprocessors, compute capability
	auto it = known.find(attribute);
	*v = it == known.end() ? 0 : it->second;
	return Ok;
}

API cuDevicePrimaryCtxRetain(void **c, int) {
	*c = &mu;
	return Ok;
}

API cuDevicePrimaryCtxRelease_v2(int) { return Ok; }

API cuCtxSetCurrent(void *c) {
	current = c;
	return Ok;
}

API cuMemGetInfo_v2(size_t *f, size_t *t) {
	READY;
	*f = limit - inUse;
	*t = limit;
	return Ok;
}

API cuModuleLoadDataEx(void **m, const char *ptx, u32, void *, void *) {
	READY;
	if (!strstr(ptx, ".version")) return InvalidPTX;
	*m = (void *)ptx;
	return Ok;
}

API cuModuleUnload(void *) { return Ok; }

API cuModuleGetFunction(void **f, void *, const char *name) {
	READY;
	auto it = emu::functions().find(name);
	if (it == emu::functions().end()) return NotFound;
	*f = (void *)&*it;
	return Ok;
}

API cuMemAlloc_v2(u64 *p, size_t n) {
	READY;
	if (!n) return InvalidValue;
	if (inUse + n > limit) return OutOfMemory;
	size_t room = (n + page - 1) / page * page, aligned = (n + 15) / 16 * 16;
	char *a = (char *)mmap(nullptr, room + 2 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (a == MAP_FAILED) return OutOfMemory;
	mprotect(a + page, room, PROT_READ | PROT_WRITE);
	memset(a + page, 0xff, room);
	mprotect(a + page, room, PROT_NONE);
	*p = (u64)(a + page + room - aligned); // what lies behind it is a guard
	allocated[*p] = {a + page, room, n};
	inUse += n;
	return Ok;
}

API cuMemFree_v2(u64 p) {
	READY;
	auto it = allocated.find(p);
	if (it == allocated.end()) return InvalidValue;
	for (auto *s : streams)
		if (int e = drain(s)) return e; // as the driver does
	inUse -= it->second.bytes;
	munmap(it->second.start - page, it->second.room + 2 * page);
	allocated.erase(it);
	return Ok;
}

API cuMemHostAlloc(void **p, size_t n, u32) {
	READY;
	*p = aligned_alloc(64, (n + 63) / 64 * 64);
	return *p ? Ok : OutOfMemory;
}

API cuMemFreeHost(void *p) {
	READY;
	free(p);
	return Ok;
}

API cuStreamCreate(void **s, u32) {
	READY;
	streams.push_back(new Stream);
	*s = streams.back();
	return Ok;
}

API cuStreamSynchronize(void *s) {
	READY;
	return drain((Stream *)s);
}

API cuEventCreate(void **e, u32) {
	READY;
	*e = new Event;
	return Ok;
}

API cuEventDestroy_v2(void *e) {
	READY;
	for (auto *s : streams)
		if (int error = drain(s)) return error;
	delete (Event *)e;
	return Ok;
}

API cuEventRecord(void *e, void *s) {
	READY;
	auto *ev = (Event *)e;
	ev->stream = (Stream *)s;
	ev->done = false;
	return later(s, [ev] {
		ev->done = true;
		ev->at = now();
	});
}

API cuEventSynchronize(void *e) {
	READY;
	auto *ev = (Event *)e;
	return ev->done ? Ok : drain(ev->stream);
}

API cuEventElapsedTime(float *ms, void *a, void *b) {
	READY;
	*ms = (float)(1e3 * (((Event *)b)->at - ((Event *)a)->at));
	return Ok;
}

API cuStreamWaitEvent(void *s, void *e, u32) {
	READY;
	auto *ev = (Event *)e;
	return later(s, [ev] {
		if (!ev->done) run(ev->stream);
	});
}

API cuMemcpyHtoDAsync_v2(u64 d, const void *h, size_t n, void *s) {
	READY;
	if (!inside(d, n)) return InvalidValue;
	return later(s, [=] { memcpy((void *)d, h, n); });
}

API cuMemcpyDtoHAsync_v2(void *h, u64 d, size_t n, void *s) {
	READY;
	if (!inside(d, n)) return InvalidValue;
	return later(s, [=] { memcpy(h, (void *)d, n); });
}

API cuMemcpyDtoDAsync_v2(u64 d, u64 from, size_t n, void *s) {
	READY;
	if (!inside(d, n) || !inside(from, n)) return InvalidValue;
	return later(s, [=] { memmove((void *)d, (void *)from, n); });
}

API cuMemsetD8Async(u64 d, u8 v, size_t n, void *s) {
	READY;
	if (!inside(d, n)) return InvalidValue;
	return later(s, [=] { memset((void *)d, v, n); });
}

API cuLaunchKernel(void *f, u32 gx, u32 gy, u32 gz, u32 bx, u32 by, u32 bz, u32, void *s, void **args, void **) {
	READY;
	auto &[name, fn] = *(std::pair<const std::string, emu::Function> *)f;
	if (!gx || !gy || !gz || gy > 65535 || gz > 65535 || (int)(bx * by * bz) != fn.bound) return InvalidValue;
	const char *bad = getenv("EMULATED_FAULT");
	bool faults = bad && name == bad;
	std::vector<std::string> kept; // arguments are copied at the launch, as the driver does
	for (size_t i = 0; i < fn.sizes.size(); i++) kept.emplace_back((char *)args[i], fn.sizes[i]);
	return later(s, [=, name = name, fn = &fn]() mutable {
		if (faults) faulted = true;
		if (faulted) return;
		Dim g = {(int)gx, (int)gy, (int)gz}, size = {(int)bx, (int)by, (int)bz};
		record(name, {"", g, size, kept, {}});
		std::vector<void *> p;
		for (auto &a : kept) p.push_back(a.data());
		emu::launch(*fn, g, size, p.data());
	});
}

API cuFuncGetParamInfo(void *f, size_t i, size_t *offset, size_t *size) {
	auto &sizes = ((std::pair<const std::string, emu::Function> *)f)->second.sizes;
	if (i >= sizes.size()) return InvalidValue;
	*offset = 0; // nobody asks
	*size = sizes[i];
	return Ok;
}

API cuGetErrorName(int e, const char **s) {
	static const std::map<int, const char *> names = {
		{Ok, "CUDA_SUCCESS"}, {InvalidValue, "CUDA_ERROR_INVALID_VALUE"}, {OutOfMemory, "CUDA_ERROR_OUT_OF_MEMORY"},
		{NotInitialised, "CUDA_ERROR_NOT_INITIALIZED"}, {NoDevice, "CUDA_ERROR_NO_DEVICE"}, {InvalidDevice, "CUDA_ERROR_INVALID_DEVICE"},
		{InvalidContext, "CUDA_ERROR_INVALID_CONTEXT"}, {InvalidPTX, "CUDA_ERROR_INVALID_PTX"}, {NotFound, "CUDA_ERROR_NOT_FOUND"},
		{IllegalAddress, "CUDA_ERROR_ILLEGAL_ADDRESS"},
	};
	auto it = names.find(e);
	*s = it == names.end() ? nullptr : it->second;
	return *s ? Ok : InvalidValue;
}
