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

func TestReadTensorsRefuses(t *testing.T) {
	for _, c := range []struct {
		header, want string
	}{
		{`[]`, "header is not a JSON object"},
		{`{"w":{"dtype":"F16","shape":[4],"data_offsets":[0,8]}}`, `tensor "w": dtype is "F16", want F32, F64 or I64`},
		{`{"w":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}}`, `data_offsets are [4, 12] in 8 bytes of data, want 2 elements of 4 bytes`},
		{`{"w":{"dtype":"F32","shape":[1],"data_offsets":[0,8]}}`, `want 1 elements of 4 bytes`},
		{`{"w":{"dtype":"F32","shape":[-1],"data_offsets":[0,8]}}`, `shape is [-1], want lengths ≥ 0`},
		{`{"w":{"dtype":"F32","shape":[2],"data_offsets":[8]}}`, `data_offsets are [8], want two numbers`},
		{`{"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"w":{}}`, `header has two members "w"`},
	} {
		if _, err := parseTensors(foreign(c.header, make([]byte, 8))); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error is %v, want %q in it", c.header, err, c.want)
		}
	}
	for _, short := range [][]byte{nil, {1, 2}, {9, 0, 0, 0, 0, 0, 0, 0, '{'}} {
		if _, err := parseTensors(short); err == nil {
			t.Errorf("%v: no error", short)
		}
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
