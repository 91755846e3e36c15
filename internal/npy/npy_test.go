package npy

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// file is an .npy file as NumPy writes it.
func file(dtype, order, shape string, numbers []byte) []byte {
	header := fmt.Sprintf("{'descr': '%s', 'fortran_order': %s, 'shape': %s, }", dtype, order, shape)
	header += strings.Repeat(" ", 63-(10+len(header))%64) + "\n"
	b := append([]byte("\x93NUMPY\x01\x00"), byte(len(header)), byte(len(header)>>8))
	return append(append(b, header...), numbers...)
}

// bytesOf returns numbers as bytes; of is float32 or float64.
func bytesOf[T float32 | float64](order binary.AppendByteOrder, x ...T) []byte {
	var b []byte
	for _, v := range x {
		switch v := any(v).(type) {
		case float32:
			b = order.AppendUint32(b, math.Float32bits(v))
		case float64:
			b = order.AppendUint64(b, math.Float64bits(v))
		}
	}
	return b
}

func TestRead(t *testing.T) {
	want := []float32{1, -2, 3.5, 4, float32(math.Inf(1)), 6}
	wide := []float64{1, -2, 3.5, 4, math.Inf(1), 6}
	for name, b := range map[string][]byte{
		"<f4": file("<f4", "False", "(2, 3)", bytesOf(binary.LittleEndian, want...)),
		">f4": file(">f4", "False", "(2, 3)", bytesOf(binary.BigEndian, want...)),
		"<f8": file("<f8", "False", "(2, 3)", bytesOf(binary.LittleEndian, wide...)),
		">f8": file(">f8", "False", "(2, 3)", bytesOf(binary.BigEndian, wide...)),
	} {
		m, err := Read(bytes.NewReader(b))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if m.Rows != 2 || m.Cols != 3 || m.Double != (name[2] == '8') || !slices.Equal(m.Data, want) {
			t.Errorf("%s: read %+v", name, m)
		}
	}
}

func TestReadRefuses(t *testing.T) {
	numbers := bytesOf[float32](binary.LittleEndian, 1, 2, 3, 4, 5, 6)
	whole := file("<f4", "False", "(2, 3)", numbers)
	long := slices.Clone(whole)
	long[6] = 2
	binary.LittleEndian.PutUint32(long[8:], 1<<31)
	for want, b := range map[string][]byte{
		"it is empty":                                                                  {},
		"it does not begin as .npy files do":                                           []byte("PK\x03\x04 something else"),
		"the format version is 9, want 1 or 2":                                         append([]byte("\x93NUMPY\x09"), whole[7:]...),
		"the header is 2147483648 bytes long, want at most 65524":                      long,
		"the header is cut off":                                                        whole[:40],
		"the header is not as numpy.save writes it":                                    append([]byte("\x93NUMPY\x01\x00\x36\x00"), []byte("'shape': 'fortran_order': 'descr': }"+strings.Repeat(" ", 17)+"\n")...),
		`the dtype is "<i4", want float32 or float64`:                                  file("<i4", "False", "(2, 3)", numbers),
		"the array is in Fortran order, want C order: save numpy.ascontiguousarray(G)": file("<f4", "True", "(2, 3)", numbers),
		"the shape is [6], want two dimensions":                                        file("<f4", "False", "(6,)", numbers),
		"the shape is [1 2 3], want two dimensions":                                    file("<f4", "False", "(1, 2, 3)", numbers),
		"the shape is [0 3], want two dimensions":                                      file("<f4", "False", "(0, 3)", nil),
		"the shape [4611686018427387904 3] is more than any memory holds":              file("<f4", "False", "(4611686018427387904, 3)", nil),
		"it ends after 5 of 2×3 elements":                                              whole[:len(whole)-1],
		"there is more after the 2×3 elements":                                         append(slices.Clone(whole), 0),
		"it ends after 6 of 1000000×1000000 elements":                                  file("<f4", "False", "(1000000, 1000000)", numbers),
		"row 0, column 1 is 1e+39, beyond float32":                                     file("<f8", "False", "(1, 2)", bytesOf(binary.LittleEndian, 1, 1e39)),
	} {
		_, err := Read(bytes.NewReader(b))
		if !errors.Is(err, ErrFormat) || !strings.Contains(err.Error(), want) {
			t.Errorf("error is %v, want %q", err, want)
		}
	}
}

func TestWrite(t *testing.T) {
	y := []float32{1, 2.5, -3}
	for double, want := range map[bool][]byte{
		false: file("<f4", "False", "(3,)", bytesOf(binary.LittleEndian, y...)),
		true:  file("<f8", "False", "(3,)", bytesOf(binary.LittleEndian, 1, 2.5, -3)),
	} {
		var b bytes.Buffer
		if err := Write(&b, y, double); err != nil {
			t.Fatal(err)
		}
		n := len(want) - len(y)*4
		if double {
			n -= len(y) * 4
		}
		if !bytes.HasSuffix(b.Bytes(), want[n:]) || !bytes.Contains(b.Bytes(), []byte("'shape': (3,)")) {
			t.Errorf("wrote %q", b.Bytes())
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add(file("<f4", "False", "(2, 3)", bytesOf[float32](binary.LittleEndian, 1, 2, 3, 4, 5, 6)))
	f.Add(file(">f8", "True", "(1,)", nil))
	f.Add([]byte("\x93NUMPY\x02\x00\xff\xff\x00\x00"))
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := Read(bytes.NewReader(b))
		if err == nil && len(m.Data) != m.Rows*m.Cols {
			t.Errorf("%d elements of %d×%d", len(m.Data), m.Rows, m.Cols)
		}
		if err != nil && !errors.Is(err, ErrFormat) {
			t.Errorf("error is %v", err)
		}
	})
}

// TestFileMatchesRead reads every file that Read takes by columns, and refuses
// every other.
func TestFileMatchesRead(t *testing.T) {
	numbers := []float32{1, -2, 3.5, 4, float32(math.Inf(1)), 6, 7, 8, 9, 10}
	wide := []float64{1, -2, 3.5, 4, math.Inf(1), 6, 7, 8, 9, 1e39}
	whole := file(">f4", "False", "(2, 5)", bytesOf(binary.BigEndian, numbers...))
	for name, b := range map[string][]byte{
		"float32":   whole,
		"float64":   file("<f8", "False", "(2, 5)", bytesOf(binary.LittleEndian, append(slices.Clone(wide[:9]), 10)...)),
		"too large": file("<f8", "False", "(2, 5)", bytesOf(binary.LittleEndian, wide...)),
		"cut off":   whole[:len(whole)-1],
		"too long":  append(slices.Clone(whole), 0),
		"no header": whole[1:],
	} {
		path := filepath.Join(t.TempDir(), "g.npy")
		if err := os.WriteFile(path, b, 0o644); err != nil {
			t.Fatal(err)
		}
		want, wantErr := Read(bytes.NewReader(b))
		got, err := byColumns(path, 2)
		if fmt.Sprint(err) != fmt.Sprint(wantErr) || !slices.Equal(got.Data, want.Data) || got.Double != want.Double {
			t.Errorf("%s: by columns %v, error %v; at once %v, error %v", name, got, err, want, wantErr)
		}
	}
}

// byColumns reads a matrix step columns at a time.
func byColumns(path string, step int) (m Matrix, err error) {
	f, err := Open(path)
	if err != nil {
		return m, err
	}
	defer f.Close()
	var read Matrix
	read.Rows, read.Cols, read.Double = f.Shape()
	read.Data = make([]float32, read.Rows*read.Cols)
	var part []float32
	for lo := 0; lo < read.Cols; lo += step {
		hi := min(lo+step, read.Cols)
		if part, err = f.Columns(part, lo, hi); err != nil {
			return m, err
		}
		for i := range read.Rows {
			copy(read.Row(i)[lo:hi], part[i*(hi-lo):])
		}
	}
	return read, nil
}

// TestLongHeader: NumPy takes headers of any length.
func TestLongHeader(t *testing.T) {
	b := file("<f4", "False", "(1, 2)", nil)
	header := append(bytes.TrimRight(b[10:], "\n"), bytes.Repeat([]byte(" "), 5000)...)
	header = append(header, '\n')
	b = append(append(b[:8:8], byte(len(header)), byte(len(header)>>8)), header...)
	b = append(b, bytesOf[float32](binary.LittleEndian, 1, 2)...)
	if _, err := Read(bytes.NewReader(b)); err != nil {
		t.Errorf("Read: %v", err)
	}
	path := filepath.Join(t.TempDir(), "long.npy")
	if err := os.WriteFile(path, b, 0o644); err != nil {
		t.Fatal(err)
	}
	f, err := Open(path)
	if err != nil {
		t.Fatalf("Open: %v", err)
	}
	defer f.Close()
	if x, err := f.Columns(nil, 0, 2); err != nil || !slices.Equal(x, []float32{1, 2}) {
		t.Errorf("columns: %v, %v", x, err)
	}
}
