package npy

import (
	"bufio"
	"io"
	"os"
)

// File is a matrix in a file, of which columns are read as they are needed.
type File struct {
	layout
	file  *os.File
	start int64 // where the numbers begin
	buf   []byte
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
	switch have, want := info.Size()-f.start, int64(f.rows)*int64(f.cols)*int64(f.size()); {
	case have < want:
		return bad("it ends after %d of %d×%d elements", have/int64(f.size()), f.rows, f.cols)
	case have > want:
		return bad("there is more after the %d×%d elements", f.rows, f.cols)
	}
	return nil
}

// Close closes the file.
func (f *File) Close() error { return f.file.Close() }

// Shape returns the numbers of rows and columns, and whether they are float64.
func (f *File) Shape() (rows, cols int, double bool) { return f.rows, f.cols, f.double }

// Columns reads columns [lo, hi) into data, which is cut to hold them, row by
// row, and returned.
func (f *File) Columns(data []float32, lo, hi int) ([]float32, error) {
	data = data[:0]
	if n := (hi - lo) * f.size(); cap(f.buf) < n {
		f.buf = make([]byte, n)
	}
	part := f.buf[:(hi-lo)*f.size()]
	for i := range f.rows {
		at := f.start + (int64(i)*int64(f.cols)+int64(lo))*int64(f.size())
		if _, err := f.file.ReadAt(part, at); err != nil {
			return nil, err
		}
		var err error
		if data, err = f.appendNumbers(data, part, i, lo); err != nil {
			return nil, err
		}
	}
	return data, nil
}
