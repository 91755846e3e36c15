//go:build gpu && linux

// Package cudatest gives tests a device without a GPU: the emulator, compiled once.
package cudatest

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// flags build the emulator as a stand-in for the driver's library.
var flags = []string{"-std=c++20", "-march=x86-64-v3", "-ffp-contract=off", "-fPIC", "-shared"}

// compilers that can build it, the best first.
var compilers = [][]string{{"clang++-19", "-O3"}, {"clang++", "-O3"}, {"g++", "-O2"}}

// Library compiles the emulator, unless it has been, with further flags such as
// -DEMULATE_THREADS, and returns the library's file. It stays in the user's cache, under a
// name made of sources, compiler and flags.
func Library(more ...string) (string, error) {
	root, err := sources()
	if err != nil {
		return "", err
	}
	command, err := compiler()
	if err != nil {
		return "", err
	}
	command = append(append(command, flags...), more...)
	sum, err := digest(root, command)
	if err != nil {
		return "", err
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		cache = os.TempDir()
	}
	dir := filepath.Join(cache, "bgmd-cuda")
	file := filepath.Join(dir, "libcuda-emulated-"+sum[:16]+".so")
	if _, err := os.Stat(file); err == nil {
		return file, nil
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", fmt.Errorf("cudatest: %w", err)
	}
	return file, build(file, append(command, filepath.Join(root, "emulator", "driver.cc")))
}

// build runs a compiler; file is there whole or not at all.
func build(file string, command []string) error {
	part, err := os.CreateTemp(filepath.Dir(file), "part-")
	if err != nil {
		return fmt.Errorf("cudatest: %w", err)
	}
	defer func() { _ = os.Remove(part.Name()) }()
	if err := part.Close(); err != nil {
		return fmt.Errorf("cudatest: %w", err)
	}
	command = append(command, "-o", part.Name())
	if out, err := exec.Command(command[0], command[1:]...).CombinedOutput(); err != nil {
		return fmt.Errorf("cudatest: %s: %w\n%s", strings.Join(command, " "), err, out)
	}
	return os.Rename(part.Name(), file)
}

// Main runs a package's tests with the emulator in place of the driver; it is what their
// TestMain calls. Where BGMD_CUDA_LIBRARY names another library, that is taken.
func Main(m *testing.M) {
	if os.Getenv(variable) == "" {
		file, err := Library()
		if err == nil {
			err = os.Setenv(variable, file)
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	os.Exit(m.Run())
}

// variable names the library that package cuda opens.
const variable = "BGMD_CUDA_LIBRARY"

func compiler() ([]string, error) {
	for _, c := range compilers {
		if path, err := exec.LookPath(c[0]); err == nil {
			return append([]string{path}, c[1:]...), nil
		}
	}
	return nil, errors.New("cudatest: no clang++-19, clang++ or g++ to compile the emulator with")
}

// sources is the folder internal/cuda, found from the working directory upwards.
func sources() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		at := filepath.Join(dir, "internal", "cuda")
		if _, err := os.Stat(filepath.Join(at, "emulator", "driver.cc")); err == nil {
			return at, nil
		}
		if filepath.Dir(dir) == dir {
			return "", errors.New("cudatest: no internal/cuda above the working directory")
		}
		dir = filepath.Dir(dir)
	}
}

// digest is one of all sources and the command.
func digest(root string, command []string) (string, error) {
	h := sha256.New()
	fmt.Fprintln(h, command)
	for _, pattern := range []string{"kernels/*.cu", "kernels/*.h", "emulator/*"} {
		files, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil {
			return "", err
		}
		for _, f := range files {
			text, err := os.ReadFile(f)
			if err != nil {
				return "", fmt.Errorf("cudatest: %w", err)
			}
			fmt.Fprintf(h, "%s %d\n", filepath.Base(f), len(text))
			h.Write(text)
		}
	}
	return fmt.Sprintf("%x", h.Sum(nil)), nil
}
