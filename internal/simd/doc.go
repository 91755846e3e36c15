// Package simd has the few vector loops that the aggregation rules, and the layers
// between products, spend their time in: Go assembly for AVX2 on amd64 (for
// AVX-512 where that gains, in [Gram] and [Network]), chosen when the program
// starts, and plain Go for all other processors.
//
// Both give the same bits, except [Gram], whose float32 sums are in another order
// and may differ by rounding, and [Pool], which may take another of two zeros or two
// NaNs with different signs for the first. All functions take slices of any length
// and alignment, allocate nothing, and panic when lengths do not fit. ([Pick] checks the
// last place alone and trusts its caller that places are ascending.)
//
// The environment variable [Variable] turns AVX-512 off, or all assembly.
//
// Chosen: assembly written by avo from the generator in gen, a module of its own
// so that importing this package does not bring in the generator.
package simd

//go:generate sh -c "cd gen && GOFLAGS=-mod=mod go run . -pkg simd -out ../simd_amd64.s -stubs ../stubs_amd64.go"
