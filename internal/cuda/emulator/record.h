// A launch in a file: what replay.cc needs to run it again in a process of its own.
#pragma once
#include <stdio.h>

#include <map>
#include <string>
#include <vector>

namespace emu {

struct Recorded {
	std::string name;
	Dim grid, size;
	std::vector<std::string> args;
	std::map<u64, std::string> memory; // by its address, before the launch

	void write(FILE *f) const {
		put(f, name);
		fwrite(&grid, sizeof grid, 1, f);
		fwrite(&size, sizeof size, 1, f);
		putNumber(f, args.size());
		for (auto &a : args) put(f, a);
		putNumber(f, memory.size());
		for (auto &[at, bytes] : memory) {
			putNumber(f, at);
			put(f, bytes);
		}
	}

	// False at the end of the file.
	bool read(FILE *f) {
		*this = {};
		u64 n, at;
		if (!get(f, name) || fread(&grid, sizeof grid, 1, f) != 1 || fread(&size, sizeof size, 1, f) != 1 || !getNumber(f, n)) return false;
		args.resize(n);
		for (auto &a : args)
			if (!get(f, a)) return false;
		if (!getNumber(f, n)) return false;
		while (n--)
			if (!getNumber(f, at) || !get(f, memory[at])) return false;
		return true;
	}

private:
	static void putNumber(FILE *f, u64 n) { fwrite(&n, sizeof n, 1, f); }
	static bool getNumber(FILE *f, u64 &n) { return fread(&n, sizeof n, 1, f) == 1; }
	static void put(FILE *f, const std::string &s) {
		putNumber(f, s.size());
		fwrite(s.data(), 1, s.size(), f);
	}
	static bool get(FILE *f, std::string &s) {
		u64 n;
		if (!getNumber(f, n)) return false;
		s.resize(n);
		return n == 0 || fread(s.data(), 1, n, f) == n;
	}
};

} // namespace emu
