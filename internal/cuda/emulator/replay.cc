// Runs the launches of a recording again, each on memory of its own from malloc, so that
// AddressSanitizer sees what is out of bounds and, with EMULATE_THREADS, ThreadSanitizer
// what lacks a barrier.
//
//	replay FILE BLOCKS LAUNCHES KERNELS
//
// runs at most so many blocks a launch, evenly spread, and so many launches a kernel, of the
// kernels whose names KERNELS has between commas: ",scale,softmax,". It prints how many launches of how many kernels it ran.
#include "../kernels/kernels.cu"
#include "record.h"

int main(int argc, char **argv) {
	FILE *file = argc == 5 ? fopen(argv[1], "rb") : nullptr;
	if (!file) return 2;
	int blocks = atoi(argv[2]), launches = atoi(argv[3]), total = 0;
	std::string kernels = argv[4];
	std::map<std::string, int> seen;
	for (emu::Recorded r; r.read(file);) {
		if (kernels.find("," + r.name + ",") == kernels.npos || seen[r.name]++ >= launches) continue;
		total++;
		std::map<u64, char *> copies;
		for (auto &[at, bytes] : r.memory) {
			void *copy = nullptr;
			if (posix_memalign(&copy, 16, bytes.size())) return 2;
			memcpy(copy, bytes.data(), bytes.size());
			copies[at] = (char *)copy;
		}
		std::vector<void *> args;
		for (auto &a : r.args) {
			u64 v = 0;
			if (a.size() == sizeof v) memcpy(&v, a.data(), sizeof v);
			auto it = r.memory.upper_bound(v);
			if (a.size() == sizeof v && it != r.memory.begin() && (--it, v < it->first + it->second.size())) {
				v = (u64)copies[it->first] + (v - it->first);
				memcpy(a.data(), &v, sizeof v);
			}
			args.push_back(a.data());
		}
		emu::launch(emu::functions().at(r.name), r.grid, r.size, args.data(), blocks);
		for (auto &[at, copy] : copies) free(copy);
	}
	fclose(file);
	printf("%d launches of %d kernels\n", total, (int)seen.size());
}
