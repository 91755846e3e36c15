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

// TestReadNumPy reads what NumPy 1.24 wrote of [[1, −2, 3.5], [4, ∞, 6]]: the versions
// by numpy.lib.format.write_array, the rest by numpy.save, of fortran*.npy with
// numpy.asfortranarray, numpy.savez and numpy.savez_compressed.
func TestReadNumPy(t *testing.T) {
	want := []float32{1, -2, 3.5, 4, float32(math.Inf(1)), 6}
	paths, err := filepath.Glob("testdata/numpy/*")
	if err != nil || len(paths) != 13 {
		t.Fatalf("%d files, %v", len(paths), err)
	}
	for _, path := range paths {
		double := strings.Contains(path, "f8")
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		m, err := Read(bytes.NewReader(b), nil)
		part, partErr := byColumns(path, 2)
		if fmt.Sprint(err) != fmt.Sprint(partErr) {
			t.Errorf("%s: at once %v, by columns %v", path, err, partErr)
		}
		if strings.HasSuffix(path, "two.npz") {
			if err == nil || !strings.Contains(err.Error(), "the archive holds 2 arrays (a, b), want one") {
				t.Errorf("%s: error is %v", path, err)
			}
			continue
		}
		if err != nil || m.Rows != 2 || m.Cols != 3 || m.Double != double || !slices.Equal(m.Data, want) {
			t.Errorf("%s: read %+v, %v", path, m, err)
		}
		if part.Rows != 2 || part.Double != double || !slices.Equal(part.Data, want) {
			t.Errorf("%s: by columns %+v", path, part)
		}
	}
}

// headed is a file of two float32 with a header as it stands.
func headed(header string) []byte {
	b := append([]byte("\x93NUMPY\x01\x00"), byte(len(header)), byte(len(header)>>8))
	return append(append(b, header...), bytesOf[float32](binary.NativeEndian, 1, 2)...)
}

// TestHeaders: all of these numpy.load takes, too.
func TestHeaders(t *testing.T) {
	for _, header := range []string{
		"{'descr': '=f4', 'fortran_order': False, 'shape': (1, 2), }\n",
		`{"shape": (1, 2), "descr": "=f4", "fortran_order": False}`,
		"{'shape':(1L,2L),'fortran_order':True,'descr':u'=f4'}  \n",
		" { 'descr' : '=f4' ,\n'fortran_order' : False , 'shape' : ( 1 , 2 , ) , } ",
	} {
		m, err := Read(bytes.NewReader(headed(header)), nil)
		if err != nil || m.Rows != 1 || m.Cols != 2 || !slices.Equal(m.Data, []float32{1, 2}) {
			t.Errorf("%s: read %+v, %v", header, m, err)
		}
	}
	for header, want := range map[string]string{
		"{'descr': '<f4', 'fortran_order': False}":                                        `it has ["descr" "fortran_order"], want descr, fortran_order and shape`,
		"{'descr': '<f4', 'fortran_order': False, 'shape': (1, 2), 'x': 1}":               `there is a member "x"`,
		"{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (1, 2)}":       "descr is there twice",
		"{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1, 2)}":              "the dtype has fields, want float16",
		"{'descr': '<f4', 'fortran_order': False, 'shape': (1, 2)} 1":                     "there is more after the dictionary",
		"{'descr': '<f4', 'fortran_order': 0, 'shape': (1, 2)}":                           "no dictionary",
		"{'descr': '<f4', 'fortran_order': False, 'shape': (-1, 2)}":                      "no dictionary",
		"{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999999, 2)}": "no dictionary",
		"{'descr': '<f4' 'fortran_order': False, 'shape': (1, 2)}":                        "no dictionary",
		"{'descr": "no dictionary",
		"":        "no dictionary",
		"{'descr': '|O', 'fortran_order': False, 'shape': (1, 2)}": `the dtype is "|O", want float16`,
	} {
		_, err := Read(bytes.NewReader(headed(header)), nil)
		if !errors.Is(err, ErrFormat) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error is %v, want %q", header, err, want)
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
		"it is empty":                                                              {},
		"it does not begin as .npy files do":                                       []byte("PAR1 something else"),
		"the archive is damaged: zip: not a valid zip file":                        []byte("PK\x03\x04 something else"),
		"the format version is 9, want 1, 2 or 3":                                  append([]byte("\x93NUMPY\x09"), whole[7:]...),
		"the header is 2147483648 bytes long, want at most 65524":                  long,
		"the header is cut off":                                                    whole[:40],
		"the header is not as numpy.save writes it":                                append([]byte("\x93NUMPY\x01\x00\x36\x00"), []byte("'shape': 'fortran_order': 'descr': }"+strings.Repeat(" ", 17)+"\n")...),
		`the dtype is "<i4", want float16, float32 or float64`:                     file("<i4", "False", "(2, 3)", numbers),
		"the shape is [6], want two dimensions":                                    file("<f4", "False", "(6,)", numbers),
		"the shape is [1 2 3], want two dimensions":                                file("<f4", "False", "(1, 2, 3)", numbers),
		"the shape is [0 3], want two dimensions":                                  file("<f4", "False", "(0, 3)", nil),
		"the shape [4611686018427387904 3] is more than any memory holds":          file("<f4", "False", "(4611686018427387904, 3)", nil),
		"it ends after 5 of 2×3 elements":                                          whole[:len(whole)-1],
		"there is more after the 2×3 elements":                                     append(slices.Clone(whole), 0),
		"it ends after 6 of 1000000×1000000 elements":                              file("<f4", "False", "(1000000, 1000000)", numbers),
		"row 0, column 1 is 1e+39, beyond float32":                                 file("<f8", "False", "(1, 2)", bytesOf(binary.LittleEndian, 1, 1e39)),
		"row 1, column 0 is -1e+39, beyond float32":                                file("<f8", "True", "(2, 2)", bytesOf(binary.LittleEndian, 1, -1e39, 1, 1)),
		"row 0, column 1 is 3e-50, which float32 takes for 0: scale the matrix":    file("<f8", "False", "(1, 2)", bytesOf(binary.LittleEndian, 1, 3e-50)),
		"row 0, column 1 is -1e-44, which float32 takes for -9.80908925027372e-45": file("<f8", "False", "(1, 2)", bytesOf(binary.LittleEndian, 1, -1e-44)), // 7 times 2^-149
	} {
		_, err := Read(bytes.NewReader(b), nil)
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
		if !bytes.Equal(b.Bytes(), want) {
			t.Errorf("wrote %q, want %q", b.Bytes(), want)
		}
	}
}

// TestDamagedArchive: not a byte of an archive can change unseen, but for those that
// nothing reads.
func TestDamagedArchive(t *testing.T) {
	want := []float32{1, -2, 3.5, 4, float32(math.Inf(1)), 6}
	for _, name := range []string{"stored.npz", "deflated.npz"} {
		b, err := os.ReadFile(filepath.Join("testdata/numpy", name))
		if err != nil {
			t.Fatal(err)
		}
		for i := range b {
			damaged := slices.Clone(b)
			damaged[i] ^= 4
			m, err := Read(bytes.NewReader(damaged), nil)
			if err == nil && !slices.Equal(m.Data, want) || err != nil && !errors.Is(err, ErrFormat) {
				t.Errorf("%s, byte %d: read %v, error %v", name, i, m, err)
			}
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add(file("<f4", "False", "(2, 3)", bytesOf[float32](binary.LittleEndian, 1, 2, 3, 4, 5, 6)))
	f.Add(file(">f8", "True", "(1,)", nil))
	f.Add([]byte("\x93NUMPY\x02\x00\xff\xff\x00\x00"))
	f.Add(headed(`{"shape": (1, 2L), "descr": "=f4", "fortran_order": True}`))
	for _, name := range []string{"version3.npy", "stored.npz", "deflated.npz", "two.npz"} {
		b, err := os.ReadFile(filepath.Join("testdata/numpy", name))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := Read(bytes.NewReader(b), nil)
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
		want, wantErr := Read(bytes.NewReader(b), nil)
		got, err := byColumns(path, 2)
		if fmt.Sprint(err) != fmt.Sprint(wantErr) || !slices.Equal(got.Data, want.Data) || got.Double != want.Double {
			t.Errorf("%s: by columns %v, error %v; at once %v, error %v", name, got, err, want, wantErr)
		}
	}
}

// TestFileColumns reads matrices whose rows are read whole and in parts, and in Fortran
// order.
func TestFileColumns(t *testing.T) {
	for _, c := range []struct {
		rows, cols int
		order      string
	}{{3, 5000, "False"}, {70_000, 7, "False"}, {70, 130, "True"}} {
		want := make([]float32, c.rows*c.cols)
		inFile := make([]float32, len(want))
		for k := range want {
			want[k] = float32(k)
			place := k
			if c.order == "True" {
				place = k%c.cols*c.rows + k/c.cols
			}
			inFile[place] = want[k]
		}
		path := filepath.Join(t.TempDir(), "g.npy")
		shape := fmt.Sprintf("(%d, %d)", c.rows, c.cols)
		if err := os.WriteFile(path, file("<f4", c.order, shape, bytesOf(binary.LittleEndian, inFile...)), 0o644); err != nil {
			t.Fatal(err)
		}
		if m, err := byColumns(path, c.cols/3+1); err != nil || !slices.Equal(m.Data, want) {
			t.Errorf("%d×%d, Fortran order %s: wrong columns, error %v", c.rows, c.cols, c.order, err)
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
			copy(read.Data[i*read.Cols:][lo:hi], part[i*(hi-lo):])
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
	if _, err := Read(bytes.NewReader(b), nil); err != nil {
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

// A float64 below float32's normal range passes where float32 has it exactly, as
// in a float32 matrix that was widened: 2^-149 and 3·2^-149 are its least values.
func TestReadExactSubnormals(t *testing.T) {
	want := []float32{0x1p-149, 0x3p-149, -0x1p-127, 0}
	m, err := Read(bytes.NewReader(file("<f8", "False", "(2, 2)", bytesOf(binary.LittleEndian, 0x1p-149, 0x3p-149, -0x1p-127, 0.0))), nil)
	if err != nil || !slices.Equal(m.Data, want) {
		t.Errorf("got %v, %v, want %v", m.Data, err, want)
	}
}
