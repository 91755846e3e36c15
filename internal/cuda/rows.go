//go:build gpu && linux

package cuda

import (
	"errors"
	"fmt"
	"math/bits"
)

// Rows are N rows of D values on the device, Stride apart: all of G, say. They need not
// be aligned, but products write rows faster whose stride is a multiple of 4.
type Rows struct {
	Memory[float32]
	N, D, Stride int
}

// AllocRows takes memory for n rows of d values, which hold anything, with rows aligned
// to 256 bytes.
func AllocRows(device *Device, n, d int) (Rows, error) {
	stride := cover(d, 64) * 64
	m, err := Alloc[float32](device, n*stride)
	return Rows{m, n, d, stride}, err
}

// Row is row i.
func (r Rows) Row(i int) Memory[float32] { return r.Slice(i*r.Stride, i*r.Stride+r.D) }

// From is the memory from column at of row 0 on, for gradients of a layer.
func (r Rows) From(at int) Memory[float32] { return r.Slice(at, r.n) }

// MostRows is how many rows Gram and SortedMean take.
const MostRows = 64

func (r Rows) check(call string, most int) error {
	if r.N < 1 || r.N > most || r.D < 1 || r.Stride < r.D {
		return fmt.Errorf("cuda: %s: %d rows of %d, %d apart, want 1 to %d rows of at least 1", call, r.N, r.D, r.Stride, most)
	}
	return check(call, need{"rows", r.n, (r.N-1)*r.Stride + r.D})
}

// Blocks of sums over columns: their number does not depend on the device, for bits
// depend on it.
const gramBlocks, squareBlocks = 528, 64

// GramSpace is the number of elements that Gram needs to work with, for n rows.
func GramSpace(n int) int { return gramBlocks * n * n }

// Gram sets K to the n×n Gram matrix of the rows less row centre, none if negative, O(n²d).
// Products are float32 with sums over up to 64 columns, and float64 beyond; if exact, all is
// float64. space has at least GramSpace elements.
func (s *Stream) Gram(K Memory[float64], r Rows, centre int, exact bool, space Memory[float64]) error {
	err := errors.Join(r.check("Gram", MostRows), check("Gram", need{"K", K.n, r.N * r.N}, need{"space", space.n, GramSpace(r.N)}))
	if err != nil {
		return err
	}
	if centre >= r.N {
		return fmt.Errorf("cuda: Gram: centre is %d, want below %d", centre, r.N)
	}
	name := "gram_fast"
	if exact {
		name = "gram_exact"
	}
	if err := s.launch(name, grid{gramBlocks, 1, 1}, space, r.Memory, int64(r.Stride), r.N, r.D, max(centre, -1)); err != nil {
		return err
	}
	return s.launch("gram_sum", grid{r.N * r.N, 1, 1}, K, space, r.N, gramBlocks)
}

// Combine sets dst to Σ w[i]·row i, in float64, of the rows whose weight is not 0. It sets
// bad[0] where a result is not finite.
func (s *Stream) Combine(dst Memory[float32], bad Memory[uint32], r Rows, w Memory[float64]) error {
	if err := errors.Join(r.check("Combine", maxGridX), check("Combine", need{"dst", dst.n, r.D}, need{"bad", bad.n, 1}, need{"w", w.n, r.N})); err != nil {
		return err
	}
	return s.launch("combine", grid{cover(r.D, 256), 1, 1}, dst, bad, r.Memory, int64(r.Stride), w, r.N, r.D)
}

// SortedMean sets dst[j] to the mean, in float64, of the order statistics from, …, to − 1 of
// column j. It sets bad[0] where a value is not finite.
func (s *Stream) SortedMean(dst Memory[float32], bad Memory[uint32], r Rows, from, to int) error {
	if err := errors.Join(r.check("SortedMean", MostRows), check("SortedMean", need{"dst", dst.n, r.D}, need{"bad", bad.n, 1})); err != nil {
		return err
	}
	if from < 0 || from >= to || to > r.N {
		return fmt.Errorf("cuda: SortedMean: order statistics [%d, %d), want some of %d", from, to, r.N)
	}
	size := max(4, 1<<bits.Len(uint(r.N-1)))
	return s.launch(fmt.Sprint("sorted_mean_", size), grid{cover(r.D, 128), 1, 1}, dst, bad, r.Memory, int64(r.Stride), r.N, r.D, from, to)
}

// RowSquaresSpace is the number of elements that RowSquares needs to work with, for n rows.
func RowSquaresSpace(n int) int { return squareBlocks * n }

// RowSquares sets squares to each row's sum of squares in float64, which is finite if and
// only if the row is.
func (s *Stream) RowSquares(squares Memory[float64], r Rows, space Memory[float64]) error {
	if err := errors.Join(r.check("RowSquares", maxGridYZ), check("RowSquares", need{"squares", squares.n, r.N}, need{"space", space.n, RowSquaresSpace(r.N)})); err != nil {
		return err
	}
	if err := s.launch("row_squares", grid{squareBlocks, r.N, 1}, space, r.Memory, int64(r.Stride), r.D); err != nil {
		return err
	}
	return s.launch("sum_parts", grid{r.N, 1, 1}, squares, space, squareBlocks)
}

// ScaleRow multiplies x by factor.
func (s *Stream) ScaleRow(x Memory[float32], factor float32) error {
	return s.launch("scale_row", grid{cover(x.n, 256), 1, 1}, x, factor, x.n)
}

// AddRow adds y to x.
func (s *Stream) AddRow(x, y Memory[float32]) error {
	if err := check("AddRow", need{"y", y.n, x.n}); err != nil {
		return err
	}
	return s.launch("add_row", grid{cover(x.n, 256), 1, 1}, x, y, x.n)
}
