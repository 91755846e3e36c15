// Package npy reads matrices of gradients from NumPy's .npy files, and writes
// their aggregates.
//
// The header is npyio's to read and write; the numbers are read here, straight
// into float32. npyio takes a file at its word, so what it is given has been
// looked at first: a damaged header must not make it panic or allocate.
package npy

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"

	"codeberg.org/sbinet/npyio/npy"

	"github.com/bgmd/bgmd/pkg/agg"
)

// ErrFormat is wrapped by all errors about a file's contents.
var ErrFormat = errors.New("not a matrix that can be aggregated")

// Matrix is what a file holds.
type Matrix struct {
	agg.Matrix
	Double bool // the file holds float64
}

// mostHeader bounds the length of a header, which NumPy keeps around 100 bytes. What
// reads one has a buffer for it.
const mostHeader = 1 << 16

// layout is what a header says.
type layout struct {
	rows, cols int
	double     bool // float64
	order      binary.ByteOrder
}

// size is the number of bytes of a number.
func (l layout) size() int {
	if l.double {
		return 8
	}
	return 4
}

// Read reads a two-dimensional array of float32 or float64 in C order, of either
// byte order, up to the end of r. A float64 that is not infinite but beyond
// float32 is refused. Errors wrap [ErrFormat], or are those of r.
func Read(r io.Reader) (Matrix, error) {
	in := bufio.NewReaderSize(r, mostHeader)
	l, err := readLayout(in)
	if err != nil {
		return Matrix{}, err
	}
	m := Matrix{Double: l.double}
	m.Rows, m.Cols = l.rows, l.cols
	if m.Data, err = readNumbers(in, l); err != nil {
		return Matrix{}, err
	}
	if _, err := in.ReadByte(); !errors.Is(err, io.EOF) {
		return Matrix{}, bad("there is more after the %d×%d elements", m.Rows, m.Cols)
	}
	return m, nil
}

// readLayout reads the header and refuses what Read refuses.
func readLayout(in *bufio.Reader) (l layout, err error) {
	header, err := readHeader(in)
	if err != nil {
		return l, err
	}
	switch kind := strings.Trim(header.Descr.Type, "'"); kind {
	case "<f4", "<f8":
		l.order, l.double = binary.LittleEndian, kind == "<f8"
	case ">f4", ">f8":
		l.order, l.double = binary.BigEndian, kind == ">f8"
	default:
		return l, bad("the dtype is %q, want float32 or float64 (<f4, <f8, >f4 or >f8)", kind)
	}
	shape := header.Descr.Shape
	switch {
	case header.Descr.Fortran:
		return l, bad("the array is in Fortran order, want C order: save numpy.ascontiguousarray(G)")
	case len(shape) != 2 || shape[0] < 1 || shape[1] < 1:
		return l, bad("the shape is %v, want two dimensions of at least 1: a row a client", shape)
	case shape[0] > math.MaxInt/8/shape[1]:
		return l, bad("the shape %v is more than any memory holds", shape)
	}
	l.rows, l.cols = shape[0], shape[1]
	return l, nil
}

func bad(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrFormat, fmt.Sprintf(format, args...))
}

// readHeader has npyio read the header once it is known to be one.
func readHeader(in *bufio.Reader) (header npy.Header, err error) {
	const magic = "\x93NUMPY"
	start, err := in.Peek(12)
	if len(start) < 12 || string(start[:len(magic)]) != magic {
		if err != nil && !errors.Is(err, io.EOF) {
			return header, err
		}
		if len(start) == 0 {
			return header, bad("it is empty")
		}
		return header, bad("it does not begin as .npy files do")
	}
	length, prefix := int(binary.LittleEndian.Uint16(start[8:])), 10
	switch start[6] {
	case 1:
	case 2:
		length, prefix = int(binary.LittleEndian.Uint32(start[8:])), 12
	default:
		return header, bad("the format version is %d, want 1 or 2", start[6])
	}
	if length > mostHeader-prefix {
		return header, bad("the header is %d bytes long, want at most %d", length, mostHeader-prefix)
	}
	if text, _ := in.Peek(prefix + length); len(text) < prefix+length || !strings.Contains(string(text[prefix:]), "\n") {
		return header, bad("the header is cut off")
	}
	defer func() {
		if recover() != nil { // npyio slices the header's text where keys should be
			err = bad("the header is not as numpy.save writes it")
		}
	}()
	r, err := npy.NewReader(in)
	if err != nil {
		return header, bad("the header is not as numpy.save writes it: %v", err)
	}
	return r.Header, nil
}

// readNumbers reads all numbers. It grows its result as they come, so that a file
// that promises more than it holds costs little.
func readNumbers(in io.Reader, l layout) ([]float32, error) {
	size, total := l.size(), l.rows*l.cols
	x := make([]float32, 0, min(total, 1<<22))
	buf := make([]byte, 1<<16)
	for len(x) < total {
		part := buf[:min(len(buf), size*(total-len(x)))]
		n, err := io.ReadFull(in, part)
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return nil, bad("it ends after %d of %d×%d elements", len(x)+n/size, l.rows, l.cols)
		}
		if err != nil {
			return nil, err
		}
		before := len(x)
		if x, err = l.appendNumbers(x, part, before/l.cols, before%l.cols); err != nil {
			return nil, err
		}
	}
	return x, nil
}

// appendNumbers appends the numbers in part, which begin at the given row and
// column, to x.
func (l layout) appendNumbers(x []float32, part []byte, row, col int) ([]float32, error) {
	for size := l.size(); len(part) > 0; part = part[size:] {
		if l.double {
			v := math.Float64frombits(l.order.Uint64(part))
			if math.Abs(v) > math.MaxFloat32 && !math.IsInf(v, 0) {
				return nil, bad("row %d, column %d is %g, beyond float32", row, col, v)
			}
			x = append(x, float32(v))
		} else {
			x = append(x, math.Float32frombits(l.order.Uint32(part)))
		}
		if col++; col == l.cols {
			row, col = row+1, 0
		}
	}
	return x, nil
}

// Write writes y as a one-dimensional array of float32, or of float64.
func Write(w io.Writer, y []float32, double bool) error {
	if !double {
		return npy.Write(w, y)
	}
	wide := make([]float64, len(y))
	for j, v := range y {
		wide[j] = float64(v)
	}
	return npy.Write(w, wide)
}
