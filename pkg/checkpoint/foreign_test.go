package checkpoint

import (
	"encoding/binary"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// foreign is a file with the given header and data, of any layout.
func foreign(header string, data []byte) []byte {
	b := binary.LittleEndian.AppendUint64(nil, uint64(len(header)))
	return append(append(b, header...), data...)
}

// TestReadTensors reads what others write: another order in the header than in
// the data, other types, other metadata.
func TestReadTensors(t *testing.T) {
	var data []byte
	data = binary.LittleEndian.AppendUint64(data, 7)
	data = binary.LittleEndian.AppendUint64(data, math.Float64bits(0.1))
	data = binary.LittleEndian.AppendUint32(data, math.Float32bits(-2))
	data = binary.LittleEndian.AppendUint32(data, math.Float32bits(3))
	path := filepath.Join(t.TempDir(), "foreign.safetensors")
	header := `{"w":{"dtype":"F32","shape":[1,2],"data_offsets":[16,24]},"n":{"dtype":"I64","shape":[],"data_offsets":[0,8]},` +
		`"d":{"dtype":"F64","shape":[1],"data_offsets":[8,16]},"__metadata__":{"format":"pt"}}   `
	if err := os.WriteFile(path, foreign(header, data), 0o644); err != nil {
		t.Fatal(err)
	}
	got, sum, err := ReadTensors(path)
	if err != nil {
		t.Fatal(err)
	}
	want := []Tensor{{"n", []int{}, []float32{7}}, {"d", []int{1}, []float32{0.1}}, {"w", []int{1, 2}, []float32{-2, 3}}}
	if !reflect.DeepEqual(got, want) || len(sum) != 32 {
		t.Errorf("got %v, sum %s, want %v", got, sum, want)
	}
}

func TestReadTensorsReadsCheckpoints(t *testing.T) {
	path := filepath.Join(t.TempDir(), "own.safetensors")
	want := []Tensor{{"b", []int{2}, []float32{1, 2}}, {"a", []int{}, []float32{3}}}
	if err := Save(path, want, 1); err != nil {
		t.Fatal(err)
	}
	if got, _, err := ReadTensors(path); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, %v, want %v", got, err, want)
	}
}

// TestHalfPrecision: 1.5, −2 and 2⁻²⁴ in F16, 1.5 and −2 in BF16.
func TestHalfPrecision(t *testing.T) {
	var data []byte
	for _, bits := range []uint16{0x3e00, 0xc000, 0x0001, 0x3fc0, 0xc000} {
		data = binary.LittleEndian.AppendUint16(data, bits)
	}
	got, err := parseTensors(foreign(`{"h":{"dtype":"F16","shape":[3],"data_offsets":[0,6]},"b":{"dtype":"BF16","shape":[2],"data_offsets":[6,10]}}`, data))
	want := []Tensor{{"h", []int{3}, []float32{1.5, -2, 0x1p-24}}, {"b", []int{2}, []float32{1.5, -2}}}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, %v, want %v", got, err, want)
	}
}

// TestReadTensorsRefuses: what the format forbids, and numbers that are none.
func TestReadTensorsRefuses(t *testing.T) {
	one := func(dtype string, bits uint64) []byte {
		return foreign(`{"w":{"dtype":"`+dtype+`","shape":[1],"data_offsets":[0,8]}}`, binary.LittleEndian.AppendUint64(nil, bits))
	}
	two := func(a, b string) []byte {
		return foreign(`{"a":{"dtype":"F32","shape":[1],"data_offsets":[`+a+`]},"b":{"dtype":"F32","shape":[1],"data_offsets":[`+b+`]}}`, make([]byte, 12))
	}
	eight := func(header string) []byte { return foreign(header, make([]byte, 8)) }
	const w = `{"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}`
	for want, contents := range map[string][]byte{
		`header is not a JSON object: it begins with "[]"`:                      eight(`[]`),
		`header is not a JSON object: it begins with " {\"w"`:                   eight(` ` + w),
		`header: 1 bytes after the JSON object`:                                 eight(w + "\n"),
		`header: 9 bytes after the JSON object`:                                 eight(w + " trailing"),
		`tensor "w": dtype is "U8", want F32, F64, F16, BF16 or I64`:            eight(`{"w":{"dtype":"U8","shape":[8],"data_offsets":[0,8]}}`),
		`tensor "w": its data end at byte 12, the file's at 8`:                  eight(`{"w":{"dtype":"F32","shape":[3],"data_offsets":[0,12]}}`),
		`data_offsets are [0, 8], want 1 elements of 4 bytes`:                   eight(`{"w":{"dtype":"F32","shape":[1],"data_offsets":[0,8]}}`),
		`shape is [-1], want lengths ≥ 0`:                                       eight(`{"w":{"dtype":"F32","shape":[-1],"data_offsets":[0,8]}}`),
		`data_offsets are [8], want two numbers`:                                eight(`{"w":{"dtype":"F32","shape":[2],"data_offsets":[8]}}`),
		`header has two members "w"`:                                            eight(`{"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"w":{}}`),
		`__metadata__: json: cannot unmarshal number`:                           eight(`{"__metadata__":{"x":1},` + w[1:]),
		`contents are damaged: sha256 is `:                                      eight(`{"__metadata__":{"state":"{}"},` + w[1:]),
		`tensor "b": its data begin at byte 2, within those of "a", which end`:  two("0,4", "2,6"),
		`tensor "b": its data begin at byte 8, and bytes 4 to 7 before it belo`: two("0,4", "8,12"),
		`tensor "a": its data begin at byte 4, and bytes 0 to 3 before it belo`: two("4,8", "8,12"),
		`the last 4 bytes of data belong to no tensor`:                          two("4,8", "0,4"),
		`tensor "w": element 0 is NaN, want finite numbers`:                     one("F64", math.Float64bits(math.NaN())),
		`tensor "w": element 0 is -Inf, want finite numbers`:                    one("F64", math.Float64bits(math.Inf(-1))),
		`tensor "w": element 0 is 1e+39, beyond float32`:                        one("F64", math.Float64bits(1e39)),
		`tensor "w": element 1 is +Inf, want finite numbers`:                    foreign(w, binary.LittleEndian.AppendUint64(nil, 0x7f800000<<32)),
		`tensor "w": element 3 is NaN, want finite numbers`:                     foreign(`{"w":{"dtype":"F16","shape":[4],"data_offsets":[0,8]}}`, binary.LittleEndian.AppendUint64(nil, 0x7e00<<48)),
	} {
		if _, err := parseTensors(contents); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error is %v, want %q in it", err, want)
		}
	}
	for _, short := range [][]byte{nil, {1, 2}, {9, 0, 0, 0, 0, 0, 0, 0, '{'}} {
		if _, err := parseTensors(short); err == nil {
			t.Errorf("%v: no error", short)
		}
	}
}

// TestFlippedBits: not a bit of a checkpoint can change unseen.
func TestFlippedBits(t *testing.T) {
	path := filepath.Join(t.TempDir(), "own.safetensors")
	if err := Save(path, []Tensor{{"b", []int{2}, []float32{1, 2}}, {"a", []int{}, []float32{3}}}, map[string]int{"step": 5}); err != nil {
		t.Fatal(err)
	}
	contents, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for bit := range 8 * len(contents) {
		contents[bit/8] ^= 1 << (bit % 8)
		if _, err := parseTensors(contents); err == nil {
			t.Errorf("bit %d of byte %d has changed, %q, but there is no error", bit%8, bit/8, contents[max(0, bit/8-8):bit/8+8])
		}
		contents[bit/8] ^= 1 << (bit % 8)
	}
	if _, err := parseTensors(contents); err != nil {
		t.Error(err)
	}
}

func FuzzReadTensors(f *testing.F) {
	f.Add(foreign(`{"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}`, make([]byte, 8)))
	f.Add(foreign(`{"w":{"dtype":"I64","shape":[],"data_offsets":[0,8]}}`, make([]byte, 8)))
	f.Fuzz(func(t *testing.T, contents []byte) {
		tensors, err := parseTensors(contents)
		if err != nil {
			return
		}
		for _, x := range tensors {
			if n, err := count(x.Shape); err != nil || n != uint64(len(x.Data)) {
				t.Errorf("tensor %q: shape %v with %d values", x.Name, x.Shape, len(x.Data))
			}
		}
	})
}
