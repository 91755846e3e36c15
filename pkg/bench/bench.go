// Package bench times this program's work: a step's gradients ([Step]), aggregation
// rules ([Agg]) and the matrix products of layers ([Kernels]). What is to be timed is a
// struct; its Run gives a result that holds it too and that marshals to JSON, or back.
//
// Times of a step and of rules are medians, those of products and of the machine the
// best of many. Everything is timed in this process, with no more than it needs beside
// it, so other work on the machine shows.
package bench

// median returns the median of sorted values.
func median(x []float64) float64 { return (x[(len(x)-1)/2] + x[len(x)/2]) / 2 }
