package gemm

import (
	"fmt"
	"os"
	"strings"

	"github.com/bgmd/bgmd/internal/simd"
)

// Choose returns the fastest kernels that this processor can run, or, where a
// name is given, those for that instruction set: avx512, avx2 or generic.
func Choose(name string) (*Kernels, error) {
	list := all()
	if name == "" {
		return list[0], nil
	}
	var names []string
	for _, s := range list {
		if s.name == name {
			return s, nil
		}
		names = append(names, s.name)
	}
	return nil, fmt.Errorf("kernels %q, want one of those that this processor can run: %s", name, strings.Join(names, ", "))
}

// Default are the kernels of this process: those that the environment variable
// [simd.Variable] names, or the fastest.
var Default, errDefault = fromEnvironment(os.Getenv(simd.Variable))

// fromEnvironment returns the kernels of that name, and with an error the best.
func fromEnvironment(name string) (*Kernels, error) {
	k, err := Choose(name)
	if err != nil {
		best, _ := Choose("")
		return best, fmt.Errorf("gemm: environment variable %s: %w", simd.Variable, err)
	}
	return k, nil
}

// Configured returns an error if [simd.Variable] names kernels that this processor cannot
// run, or none. [Default] is then the fastest.
func Configured() error { return errDefault }

// Backend names [Default] as records and reports do: go-avx512, go-avx2 or
// go-generic.
func Backend() string { return "go-" + Default.String() }
