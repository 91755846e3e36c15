package gemm

import (
	"fmt"
	"strings"
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
