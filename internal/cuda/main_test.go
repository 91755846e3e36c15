//go:build gpu && linux

package cuda

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/bgmd/bgmd/internal/cuda/cudatest"
)

func TestMain(m *testing.M) { cudatest.Main(m) }

// bench is a stream to try kernels on.
type bench struct {
	testing.TB
	*Stream
	rng *rand.Rand
}

func newBench(t testing.TB) bench {
	t.Helper()
	d, err := Open(0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	s, err := d.NewStream()
	if err != nil {
		t.Fatal(err)
	}
	return bench{t, s, rand.New(rand.NewPCG(1, 2))}
}

func (b bench) ok(err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}

// normal is n draws of N(0, 1).
func (b bench) normal(n int) []float32 {
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(b.rng.NormFloat64())
	}
	return x
}

// up copies x to the device.
func up[T any](b bench, x []T) Memory[T] {
	b.Helper()
	m := room[T](b, len(x))
	b.ok(Write(b.Stream, m, x))
	return m
}

// room is memory for n elements.
func room[T any](b bench, n int) Memory[T] {
	b.Helper()
	m, err := Alloc[T](b.Device(), n)
	b.ok(err)
	b.Cleanup(func() { _ = m.Free() })
	return m
}

// down copies m to the host.
func down[T any](b bench, m Memory[T]) []T {
	b.Helper()
	x := make([]T, m.Len())
	b.ok(Read(b.Stream, x, m))
	return x
}

// merge puts the clients' arrays, rows×n each, side by side: rows×(clients·n).
func merge[T any](clients [][]T, n int) []T {
	out := make([]T, len(clients)*len(clients[0]))
	for i, x := range clients {
		for at, v := range x {
			out[at/n*n*len(clients)+i*n+at%n] = v
		}
	}
	return out
}

// split is the inverse of merge.
func split[T any](x []T, clients, n int) [][]T {
	out := make([][]T, clients)
	for i := range out {
		out[i] = make([]T, len(x)/clients)
		for at := range out[i] {
			out[i][at] = x[at/n*n*clients+i*n+at%n]
		}
	}
	return out
}

// near fails where got and want differ by more than tolerance times the largest of want.
func near(t testing.TB, what string, got, want []float32, tolerance float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s: %d elements, want %d", what, len(got), len(want))
	}
	var scale float64
	for _, v := range want {
		scale = max(scale, math.Abs(float64(v)))
	}
	for i, v := range want {
		if !(math.Abs(float64(got[i])-float64(v)) <= tolerance*scale) {
			t.Fatalf("%s: element %d is %v, want %v (within %v of %v)", what, i, got[i], v, tolerance, scale)
		}
	}
}

// same fails where the bits differ.
func same[T comparable](t testing.TB, what string, got, want []T) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s: %d elements, want %d", what, len(got), len(want))
	}
	for i, v := range want {
		if got[i] != v && (v == v || got[i] == got[i]) {
			t.Fatalf("%s: element %d is %v, want %v", what, i, got[i], v)
		}
	}
}
