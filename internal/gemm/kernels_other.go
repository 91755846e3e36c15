//go:build !amd64

package gemm

// all returns the kernels that this processor can run.
func all() []*Kernels { return []*Kernels{generic()} }
