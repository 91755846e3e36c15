package npy

import (
	"bufio"
	"io"
	"os"
)

// File is a matrix in a file, of which columns are read as they are needed; that of an
// archive is in memory.
type File struct {
	layout
	file  *os.File
	start int64     // where the numbers begin
	whole *Matrix   // of an archive
	buf   []byte    // of numbers
	lines []float32 // in the order of the file
}

// Open opens a regular file with a matrix that [Read] takes. Errors wrap
// [ErrFormat], or are those of the file.
func Open(path string) (*File, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	f := &File{file: file}
	if err := f.open(); err != nil {
		file.Close()
		return nil, err
	}
	return f, nil
}

func (f *File) open() error {
	in := bufio.NewReaderSize(f.file, mostHeader)
	if isArchive(in) {
		m, err := readArchive(in, nil)
		f.whole = &m
		return err
	}
	var err error
	if f.layout, err = readLayout(in); err != nil {
		return err
	}
	if f.start, err = f.file.Seek(0, io.SeekCurrent); err != nil {
		return err
	}
	f.start -= int64(in.Buffered())
	info, err := f.file.Stat()
	if err != nil {
		return err
	}
	switch have, want := info.Size()-f.start, int64(f.rows)*int64(f.cols)*int64(f.size); {
	case have < want:
		return bad("it ends after %d of %d×%d elements", have/int64(f.size), f.rows, f.cols)
	case have > want:
		return bad("there is more after the %d×%d elements", f.rows, f.cols)
	}
	return nil
}

// Close closes the file.
func (f *File) Close() error { return f.file.Close() }

// Shape returns the numbers of rows and columns, and whether they are float64.
func (f *File) Shape() (rows, cols int, double bool) {
	if f.whole != nil {
		return f.whole.Rows, f.whole.Cols, f.whole.Double
	}
	return f.rows, f.cols, f.double()
}

// Columns reads columns [lo, hi) into data, which is cut to hold them, row by
// row, and returned.
func (f *File) Columns(data []float32, lo, hi int) ([]float32, error) {
	data = data[:0]
	switch {
	case f.whole != nil:
		for i := range f.whole.Rows {
			data = append(data, f.whole.Data[i*f.whole.Cols:][lo:hi]...)
		}
		return data, nil
	case f.fortran:
		var err error
		f.lines, err = f.numbers(f.lines[:0], lo*f.rows, hi*f.rows)
		return appendTransposed(data, f.lines, f.rows), err
	case f.cols*f.size > shortRow:
		var err error
		for i := range f.rows {
			if data, err = f.numbers(data, i*f.cols+lo, i*f.cols+hi); err != nil {
				return nil, err
			}
		}
		return data, nil
	}
	return f.shortRows(data, lo, hi)
}

// shortRow is the number of bytes, a page, up to which reading all of a row costs no
// more than reading a part of it.
const shortRow = 4096

// shortRows is Columns for rows of which many are read at a time.
func (f *File) shortRows(data []float32, lo, hi int) ([]float32, error) {
	const bytes = 1 << 20
	for i, step := 0, bytes/(f.cols*f.size); i < f.rows; i += step {
		last := min(i+step, f.rows)
		var err error
		if f.lines, err = f.numbers(f.lines[:0], i*f.cols, last*f.cols); err != nil {
			return nil, err
		}
		for r := range last - i {
			data = append(data, f.lines[r*f.cols:][lo:hi]...)
		}
	}
	return data, nil
}

// numbers appends the numbers [from, to) of the file, in its order, to x.
func (f *File) numbers(x []float32, from, to int) ([]float32, error) {
	size := (to - from) * f.size
	if cap(f.buf) < size {
		f.buf = make([]byte, size)
	}
	part := f.buf[:size]
	if _, err := f.file.ReadAt(part, f.start+int64(from)*int64(f.size)); err != nil {
		return nil, err
	}
	return f.appendNumbers(x, part, from)
}
