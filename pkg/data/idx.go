package data

import (
	"encoding/binary"
	"fmt"
	"io"
	"math"
)

// maxImages bounds what a damaged or hostile file can make the reader hold: 206 MB.
// The largest set in this form, EMNIST's digits, has 240,000 training images.
const maxImages = 1 << 18

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

// count returns the number of items that a header says. Its errors are
// [*FileError]s without File.
func (k idxKind) count(header []byte) (int, error) {
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
		if len(header) < at+4 {
			return 0, &FileError{Offset: int64(len(header)), Found: "the end of the file",
				Want: fmt.Sprintf("a header of %d bytes", k.header())}
		}
		value := int(binary.BigEndian.Uint32(header[at:]))
		if value < f.min || value > f.max {
			want := fmt.Sprint(f.min)
			if f.max > f.min {
				want = fmt.Sprintf("%d to %d", f.min, f.max)
			}
			return 0, &FileError{Offset: int64(at), Found: fmt.Sprintf("%s %d", f.what, value), Want: want}
		}
		if i == 1 {
			count = value
		}
	}
	return count, nil
}

// readIDX returns the items of an IDX file of the given size, zipped or not, and
// all of its bytes, unzipped. It takes memory for no more than the header says and
// the file can hold. Errors as those of count.
func (k idxKind) readIDX(r io.Reader, size int64) (items, raw []byte, err error) {
	c, err := newContent(r, size, math.MaxInt64, "an IDX file")
	if err != nil {
		return nil, nil, err
	}
	header := make([]byte, k.header())
	n, err := c.fill(header)
	if err != nil {
		return nil, nil, err
	}
	count, err := k.count(header[:n])
	if err != nil {
		return nil, nil, err
	}
	whole := k.header() + count*k.itemSize()
	want := fmt.Sprintf("%d bytes for %d %s", whole, count, k.what)
	if err := c.holds(int64(whole), want); err != nil {
		return nil, nil, err
	}
	raw = make([]byte, whole)
	copy(raw, header)
	n, err = c.fill(raw[len(header):])
	if err != nil {
		return nil, nil, err
	}
	if end := len(header) + n; end < whole {
		return nil, nil, &FileError{Offset: int64(end), Found: "the end of the file", Want: want}
	}
	return raw[len(header):], raw, c.end(fmt.Sprintf("%d %s", count, k.what))
}
