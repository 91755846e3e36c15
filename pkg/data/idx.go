package data

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
)

// maxImages bounds what a damaged or hostile file can make the reader hold.
const maxImages = 1 << 20

// idxKind is what an IDX file holds: a big-endian header of the magic number
// and one 32-bit size a dimension, the first of which counts the items, then
// one byte a value.
//
// The magic number's bytes are 0, 0, 8 for unsigned bytes, and the number of
// dimensions. [http://yann.lecun.com/exdb/mnist]
type idxKind struct {
	what  string   // plural
	inner []idxDim // dimensions of one item, all fixed
}

type idxDim struct {
	what string
	size int
}

var (
	idxImages = idxKind{"images", []idxDim{{"rows", 28}, {"columns", 28}}}
	idxLabels = idxKind{"labels", nil}
)

func (k idxKind) magic() int  { return 0x0801 + len(k.inner) }
func (k idxKind) header() int { return 4 * (2 + len(k.inner)) }

// itemSize is the number of bytes of one item.
func (k idxKind) itemSize() int {
	size := 1
	for _, dim := range k.inner {
		size *= dim.size
	}
	return size
}

// decode returns the items of raw, a whole IDX file's bytes: the part of raw
// that starts at header(). Its errors are [*FileError]s without File and Fetch.
func (k idxKind) decode(raw []byte) ([]byte, error) {
	type field struct {
		what     string
		min, max int
	}
	fields := []field{{"magic number", k.magic(), k.magic()}, {"number of " + k.what, 1, maxImages}}
	for _, dim := range k.inner {
		fields = append(fields, field{"number of " + dim.what, dim.size, dim.size})
	}
	count := 0
	for i, f := range fields {
		at := 4 * i
		if len(raw) < at+4 {
			return nil, &FileError{Offset: int64(len(raw)), Found: "the end of the file",
				Want: fmt.Sprintf("a header of %d bytes", k.header())}
		}
		value := int(binary.BigEndian.Uint32(raw[at:]))
		if value < f.min || value > f.max {
			want := fmt.Sprint(f.min)
			if f.max > f.min {
				want = fmt.Sprintf("%d to %d", f.min, f.max)
			}
			return nil, &FileError{Offset: int64(at), Found: fmt.Sprintf("%s %d", f.what, value), Want: want}
		}
		if i == 1 {
			count = value
		}
	}
	end := k.header() + count*k.itemSize()
	switch {
	case len(raw) < end:
		return nil, &FileError{Offset: int64(len(raw)), Found: "the end of the file",
			Want: fmt.Sprintf("%d bytes for %d %s", end, count, k.what)}
	case len(raw) > end:
		return nil, &FileError{Offset: int64(end), Found: fmt.Sprintf("%d bytes more", len(raw)-end),
			Want: fmt.Sprintf("the end of the file after %d %s", count, k.what)}
	}
	return raw[k.header():], nil
}

// readIDX returns the items of an IDX file and all of its bytes, unzipped.
// Whether it is zipped is told by its first bytes, since some programs unzip
// what they download and keep the name. Errors as those of decode.
func (k idxKind) readIDX(r io.Reader) (items, raw []byte, err error) {
	raw, err = unzip(r, k.header()+maxImages*k.itemSize())
	if err != nil {
		return nil, nil, err
	}
	items, err = k.decode(raw)
	return items, raw, err
}

// unzip reads r to its end, through gzip if it starts like a gzip file. More
// than limit bytes are an error.
func unzip(r io.Reader, limit int) ([]byte, error) {
	plain, want, err := unzipper(r)
	if err != nil {
		return nil, err
	}
	return readLimited(plain, limit, want)
}

// unzipper returns a reader of what r holds, through gzip if it starts like a
// gzip file, and what messages call a file that can be read to its end.
func unzipper(r io.Reader) (plain io.Reader, want string, err error) {
	var start [2]byte
	n, err := io.ReadFull(r, start[:])
	plain = io.MultiReader(bytes.NewReader(start[:n]), r)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, "", readError(nil, "a readable file", err)
	}
	if start != [2]byte{0x1f, 0x8b} {
		return plain, "a readable file", nil
	}
	zipped, err := gzip.NewReader(plain)
	if err != nil {
		return nil, "", readError(nil, "a whole gzip file", err)
	}
	return zipped, "a whole gzip file", nil
}

func readLimited(r io.Reader, limit int, want string) ([]byte, error) {
	raw, err := io.ReadAll(io.LimitReader(r, int64(limit)+1))
	if err != nil {
		return nil, readError(raw, want, err)
	}
	if len(raw) > limit {
		return nil, &FileError{Offset: int64(limit), Found: "more bytes", Want: fmt.Sprintf("at most %d", limit)}
	}
	return raw, nil
}

// readError says that reading stopped after raw. A cause from the operating
// system names the path itself, which the FileError does already.
func readError(raw []byte, want string, err error) *FileError {
	cause := err
	if inPath, ok := errors.AsType[*fs.PathError](err); ok {
		cause = inPath.Err
	}
	return &FileError{Offset: int64(len(raw)), Found: "an error: " + cause.Error(), Want: want, Err: err}
}

// unopened says why the file at path could not be opened.
func unopened(path string, err error) *FileError {
	e := readError(nil, "a readable file", err)
	e.File, e.Offset = path, -1
	return e
}

// openIDX opens path.gz, which is what the download script writes, or else
// path, and returns the name of the one it opened. Errors are [*FileError]s
// without Fetch.
func openIDX(path string) (*os.File, string, error) {
	for _, name := range []string{path + ".gz", path} {
		f, err := os.Open(name)
		switch {
		case err == nil:
			return f, name, nil
		case !errors.Is(err, fs.ErrNotExist):
			return nil, "", unopened(name, err)
		}
	}
	return nil, "", &FileError{File: path + ".gz", Offset: -1, Found: "no such file, nor one without .gz",
		Want: "an IDX file", Err: fs.ErrNotExist}
}
