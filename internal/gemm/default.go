package gemm

import (
	"fmt"
	"os"
)

// Variable is the environment variable that chooses this process's kernels by
// name, avx512, avx2 or generic, in place of the fastest.
const Variable = "BGMD_KERNELS"

// Default are the kernels of this process.
var Default, errDefault = fromEnvironment(os.Getenv(Variable))

// fromEnvironment returns the kernels of that name, and with an error the best.
func fromEnvironment(name string) (*Kernels, error) {
	k, err := Choose(name)
	if err != nil {
		best, _ := Choose("")
		return best, fmt.Errorf("gemm: environment variable %s: %w", Variable, err)
	}
	return k, nil
}

// Configured says what is wrong with what [Variable] chooses, which is then not
// what [Default] is.
func Configured() error { return errDefault }

// Backend names [Default] as records and reports do: go-avx512, go-avx2 or
// go-generic.
func Backend() string { return "go-" + Default.String() }
