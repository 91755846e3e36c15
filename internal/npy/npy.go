// Package npy reads matrices of gradients from NumPy's .npy and .npz files, and
// writes their aggregates.
//
// It takes what numpy.save writes and numpy.load reads: versions 1 to 3, C and
// Fortran order, both byte orders [NEP 1, numpy.lib.format]. Numbers go straight into
// float32.
//
// Chosen: a reader of its own, for a header that is a line of text. Rejected: npyio,
// which panics on damaged headers, takes a file at its word when it allocates, and
// reads only the order, the quotes and the types that it writes.
package npy

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"

	"github.com/bgmd/bgmd/internal/half"
)

// ErrFormat is wrapped by all errors about a file's contents.
var ErrFormat = errors.New("not a matrix that can be aggregated")

// minNormal is the least float32 above 0 that has all its digits.
const minNormal = 0x1p-126

// Matrix is what a file holds, row by row.
type Matrix struct {
	Data       []float32
	Rows, Cols int
	Double     bool // the file holds float64
}

// Read reads a two-dimensional array of float16, float32 or float64 up to the end of
// r: an .npy file, or an .npz archive of one array. A float64 that float32 cannot
// hold is refused: one that is not infinite but beyond it, or below its normal range
// (2^-126) and not exact there. Errors wrap [ErrFormat], or are those of r.
//
// An array in Fortran order takes twice its memory for a moment, and an archive takes its
// own size besides. Before it allocates, Read calls fits, unless that is nil, with the
// array's size, and returns its error.
func Read(r io.Reader, fits func(rows, cols int) error) (Matrix, error) {
	in := bufio.NewReaderSize(r, mostHeader)
	if isArchive(in) {
		return readArchive(in, fits)
	}
	return readArray(in, fits)
}

// readArray is Read for a file that is no archive.
func readArray(in *bufio.Reader, fits func(rows, cols int) error) (Matrix, error) {
	l, err := readLayout(in)
	if err != nil {
		return Matrix{}, err
	}
	if fits != nil {
		if err := fits(l.rows, l.cols); err != nil {
			return Matrix{}, err
		}
	}
	m := Matrix{Rows: l.rows, Cols: l.cols, Double: l.double()}
	if m.Data, err = readNumbers(in, l); err != nil {
		return Matrix{}, err
	}
	switch _, err := in.ReadByte(); {
	case err == nil:
		return Matrix{}, bad("there is more after the %d×%d elements", m.Rows, m.Cols)
	case !errors.Is(err, io.EOF):
		return Matrix{}, err
	}
	if l.fortran {
		m.Data = appendTransposed(make([]float32, 0, len(m.Data)), m.Data, m.Rows)
	}
	return m, nil
}

func bad(format string, args ...any) error {
	return fmt.Errorf("%w: %w", ErrFormat, fmt.Errorf(format, args...))
}

// readNumbers reads all numbers in the order of the file. It grows its result as they
// come, so that a file that promises more than it holds costs little.
func readNumbers(in io.Reader, l layout) ([]float32, error) {
	total := l.rows * l.cols
	x := make([]float32, 0, min(total, 1<<22))
	buf := make([]byte, 1<<16)
	for len(x) < total {
		part := buf[:min(len(buf), l.size*(total-len(x)))]
		n, err := io.ReadFull(in, part)
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return nil, bad("it ends after %d of %d×%d elements", len(x)+n/l.size, l.rows, l.cols)
		}
		if err != nil {
			return nil, err
		}
		if x, err = l.appendNumbers(x, part, len(x)); err != nil {
			return nil, err
		}
	}
	return x, nil
}

// appendNumbers appends the numbers in part, of which the first is the e-th of the
// file, to x.
func (l layout) appendNumbers(x []float32, part []byte, e int) ([]float32, error) {
	switch l.size {
	case 2:
		for ; len(part) > 0; part = part[2:] {
			x = append(x, half.Float16(l.order.Uint16(part)))
		}
	case 4:
		for ; len(part) > 0; part = part[4:] {
			x = append(x, math.Float32frombits(l.order.Uint32(part)))
		}
	case 8:
		for ; len(part) > 0; part = part[8:] {
			v := math.Float64frombits(l.order.Uint64(part))
			narrow := float32(v)
			if math.Abs(v) > math.MaxFloat32 && !math.IsInf(v, 0) {
				row, col := l.at(e)
				return nil, bad("row %d, column %d is %g, beyond float32", row, col, v)
			}
			if math.Abs(v) < minNormal && float64(narrow) != v {
				row, col := l.at(e)
				return nil, bad("row %d, column %d is %g, which float32 takes for %g: scale the matrix", row, col, v, float64(narrow))
			}
			x = append(x, narrow)
			e++
		}
	}
	return x, nil
}

// appendTransposed appends the matrix of which data holds columns of the given number
// of rows, row by row.
func appendTransposed(to, data []float32, rows int) []float32 {
	const tile = 64 // columns at a time, whose cache lines serve the rows that follow
	cols, base := len(data)/rows, len(to)
	to = append(to, data...) // to be overwritten
	for lo := 0; lo < cols; lo += tile {
		for i := range rows {
			out := to[base+i*cols:][:cols]
			for j := lo; j < min(lo+tile, cols); j++ {
				out[j] = data[j*rows+i]
			}
		}
	}
	return to
}

// Write writes y as a one-dimensional array of float32, or of float64, as numpy.save
// does.
func Write(w io.Writer, y []float32, double bool) error {
	descr := "<f4"
	if double {
		descr = "<f8"
	}
	header := fmt.Sprintf("{'descr': '%s', 'fortran_order': False, 'shape': (%d,), }", descr, len(y))
	header += strings.Repeat(" ", 63-(10+len(header))%64) + "\n"
	var b bytes.Buffer
	b.WriteString(magic + "\x01\x00")
	b.Write(binary.LittleEndian.AppendUint16(nil, uint16(len(header))))
	b.WriteString(header)
	for _, v := range y {
		if double {
			b.Write(binary.LittleEndian.AppendUint64(b.AvailableBuffer(), math.Float64bits(float64(v))))
		} else {
			b.Write(binary.LittleEndian.AppendUint32(b.AvailableBuffer(), math.Float32bits(v)))
		}
	}
	_, err := w.Write(b.Bytes())
	return err
}
