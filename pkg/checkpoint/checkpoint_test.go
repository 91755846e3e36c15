package checkpoint

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
)

type state struct {
	Epoch int
	Seed  uint64
	Note  string
}

var (
	someTensors = []Tensor{
		{Name: "w", Shape: []int{2, 1}, Data: []float32{1, -2}},
		{Name: "b", Shape: []int{}, Data: []float32{0.5}},
	}
	someState = state{Epoch: 3, Seed: 1<<64 - 1, Note: `quoted "é"`}
)

// save returns the path and the bytes of a checkpoint.
func save(t testing.TB, tensors []Tensor, state any) (path string, contents []byte) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "run.safetensors")
	if err := Save(path, tensors, state); err != nil {
		t.Fatal(err)
	}
	contents, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return path, contents
}

// seal makes a file of a header, in which DIGEST stands for the digest, and
// data, both as they are.
func seal(header, data string) []byte {
	sum := sha256.Sum256([]byte(strings.Replace(header, "DIGEST", blank, 1) + data))
	header = strings.Replace(header, "DIGEST", hex.EncodeToString(sum[:]), 1)
	return append(binary.LittleEndian.AppendUint64(nil, uint64(len(header))), header+data...)
}

// TestLayout compares a file with the format's description at
// github.com/huggingface/safetensors, written out by hand.
func TestLayout(t *testing.T) {
	_, got := save(t, someTensors, someState)
	want := seal(`{"__metadata__":{"sha256":"DIGEST","state":"{\"Epoch\":3,\"Seed\":18446744073709551615,\"Note\":\"quoted \\\"é\\\"\"}"},`+
		`"w":{"dtype":"F32","shape":[2,1],"data_offsets":[0,8]},`+
		`"b":{"dtype":"F32","shape":[],"data_offsets":[8,12]}} `,
		"\x00\x00\x80\x3f\x00\x00\x00\xc0\x00\x00\x00\x3f")
	if !bytes.Equal(got, want) {
		t.Errorf("got\n%q\nwant\n%q", got, want)
	}
	for name := range 8 { // headers of all lengths are padded
		_, file := save(t, []Tensor{{Name: strings.Repeat("x", 1+name), Shape: []int{0}}}, nil)
		if n := binary.LittleEndian.Uint64(file); n%8 != 0 || int(n) != len(file)-8 {
			t.Errorf("a header of %d bytes in a file of %d without data", n, len(file))
		}
	}
}

func TestRoundTrip(t *testing.T) {
	large := make([]float32, 2*blockValues+5)
	for i := range large {
		large[i] = float32(i) * 0.37
	}
	tensors := []Tensor{
		{Name: "model.params", Shape: []int{len(large)}, Data: large},
		{Name: "buffers/<é>", Shape: []int{3, 0}, Data: []float32{}},
		{Name: "memory", Shape: []int{}, Data: []float32{float32(math.Inf(-1))}},
		{Name: "also empty", Shape: []int{0}, Data: []float32{}},
		{Name: "nan", Shape: []int{1, 2}, Data: []float32{math.Float32frombits(0x7fc12345), float32(math.Copysign(0, -1))}},
	}
	path, first := save(t, tensors, someState)
	var got state
	loaded, err := Load(path, &got)
	if err != nil {
		t.Fatal(err)
	}
	if got != someState {
		t.Errorf("state %+v, want %+v", got, someState)
	}
	if len(loaded) != len(tensors) {
		t.Fatalf("%d tensors, want %d", len(loaded), len(tensors))
	}
	for i, want := range tensors {
		sameBits := slices.EqualFunc(loaded[i].Data, want.Data, func(a, b float32) bool {
			return math.Float32bits(a) == math.Float32bits(b)
		})
		if loaded[i].Name != want.Name || !slices.Equal(loaded[i].Shape, want.Shape) || !sameBits {
			t.Errorf("tensor %d is %q %v, want %q %v, or differs in its values", i, loaded[i].Name, loaded[i].Shape, want.Name, want.Shape)
		}
	}
	if _, second := save(t, loaded, got); !bytes.Equal(first, second) {
		t.Error("saved again, the file differs")
	}
	if _, err := Load(path, nil); err != nil {
		t.Errorf("without state: %v", err)
	}
}

func TestNothingToSave(t *testing.T) {
	path, _ := save(t, nil, nil)
	var got any = "unread"
	if tensors, err := Load(path, &got); err != nil || len(tensors) != 0 || got != nil {
		t.Errorf("%d tensors, state %v, error %v, want none", len(tensors), got, err)
	}
}

func TestSaveFails(t *testing.T) {
	path, before := save(t, someTensors, someState)
	huge := math.MaxInt / 2
	for want, test := range map[string]struct {
		tensors []Tensor
		state   any
	}{
		`tensor "w": there are two of that name`:                  {tensors: []Tensor{someTensors[0], someTensors[0]}},
		`tensor "w": shape [3] has 3 values, data has 2`:          {tensors: []Tensor{{Name: "w", Shape: []int{3}, Data: []float32{1, 2}}}},
		`tensor "w": shape is [-1 -2], want lengths ≥ 0`:          {tensors: []Tensor{{Name: "w", Shape: []int{-1, -2}, Data: []float32{1, 2}}}},
		fmt.Sprintf(`shape [%d %[1]d] has too many values`, huge): {tensors: []Tensor{{Name: "w", Shape: []int{huge, huge}}}},
		`tensor name is "", want UTF-8, not empty`:                {tensors: []Tensor{{Shape: []int{0}}}},
		`tensor name is "__metadata__"`:                           {tensors: []Tensor{{Name: "__metadata__", Shape: []int{0}}}},
		`tensor name is "\xff"`:                                   {tensors: []Tensor{{Name: "\xff", Shape: []int{0}}}},
		`state: json: unsupported value: NaN`:                     {state: math.NaN()},
	} {
		err := Save(path, test.tensors, test.state)
		if err == nil || !strings.HasPrefix(err.Error(), "checkpoint: save "+path+": ") || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	if err := Save(filepath.Join(path, "below", "a file"), nil, nil); err == nil {
		t.Error("saved below a file")
	}
	if after, err := os.ReadFile(path); err != nil || !bytes.Equal(after, before) {
		t.Errorf("the old checkpoint has changed, or %v", err)
	}
	if left, _ := os.ReadDir(filepath.Dir(path)); len(left) != 1 {
		t.Errorf("failures leave %v", left)
	}
	folder := filepath.Join(t.TempDir(), "taken")
	if err := os.MkdirAll(filepath.Join(folder, "x"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := Save(folder, nil, nil); err == nil {
		t.Error("replaced a folder")
	}
	if left, _ := os.ReadDir(filepath.Dir(folder)); len(left) != 1 {
		t.Errorf("failing to replace a folder leaves %v", left)
	}
}

func TestLoadFails(t *testing.T) {
	const meta = `"__metadata__":{"sha256":"DIGEST","state":"{}"}`
	tensor := func(description string) []byte { return seal(`{`+meta+`,"w":{`+description+`}}`, "12345678") }
	for want, file := range map[string][]byte{
		"file has 3 bytes, want at least 8":                                       []byte("abc"),
		"header has 9 bytes, want at most 8":                                      []byte("\x09\x00\x00\x00\x00\x00\x00\x0012345678"),
		"header is not a JSON object":                                             seal(`["w"]`, ""),
		`header: EOF`:                                                             seal(`{`+meta+`,`, ""),
		`header, member "w"`:                                                      seal(`{"w":}`, ""),
		`header: 4 bytes after the JSON object`:                                   seal(`{`+meta+`}  {} `, ""),
		`header has two members "w"`:                                              seal(`{`+meta+`,"w":{"dtype":"F32","shape":[0],"data_offsets":[0,0]},"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}`, "12345678"),
		`__metadata__: json: cannot unmarshal number`:                             seal(`{"__metadata__":{"epoch":3}}`, ""),
		`__metadata__: sha256 is "", want 64 digits`:                              seal(`{}`, ""),
		`__metadata__: sha256 is "abc", want 64 digits`:                           seal(`{"__metadata__":{"sha256":"abc"}}`, ""),
		`tensor "w": dtype is "F16", want "F32"`:                                  tensor(`"dtype":"F16","shape":[4],"data_offsets":[0,8]`),
		`tensor "w": json: unknown field "kind"`:                                  tensor(`"dtype":"F32","shape":[2],"data_offsets":[0,8],"kind":1`),
		`tensor "w": shape is [], data_offsets are [0 4], want a list and two`:    tensor(`"dtype":"F32","data_offsets":[0,4]`),
		`tensor "w": shape is [2], data_offsets are [0 4 8], want a list and two`: tensor(`"dtype":"F32","shape":[2],"data_offsets":[0,4,8]`),
		`tensor "w": shape is [-2], want lengths ≥ 0`:                             tensor(`"dtype":"F32","shape":[-2],"data_offsets":[0,8]`),
		`tensor "w": shape [4294967296 4294967296] has too many values`:           tensor(`"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,0]`),
		`tensor "w": data_offsets are [0, 8], want 12 bytes for shape [3]`:        tensor(`"dtype":"F32","shape":[3],"data_offsets":[0,8]`),
		`tensor "w": data_offsets are [8, 0], want 8 bytes for shape [2]`:         tensor(`"dtype":"F32","shape":[2],"data_offsets":[8,0]`),
		`tensor "w": data begins at 4, want 0`:                                    tensor(`"dtype":"F32","shape":[1],"data_offsets":[4,8]`),
		`tensor "w": data ends at 12, the file's at 8`:                            tensor(`"dtype":"F32","shape":[3],"data_offsets":[0,12]`),
		`4 bytes of data belong to no tensor`:                                     tensor(`"dtype":"F32","shape":[1],"data_offsets":[0,4]`),
		`state: json: cannot unmarshal string into Go struct field state.Epoch`:   seal(`{"__metadata__":{"sha256":"DIGEST","state":"{\"Epoch\":\"one\"}"}}`, ""),
		`state: json: unknown field "Later"`:                                      seal(`{"__metadata__":{"sha256":"DIGEST","state":"{\"Later\":1}"}}`, ""),
		`contents are damaged: sha256 is `:                                        bytes.Replace(tensor(`"dtype":"F32","shape":[2],"data_offsets":[0,8]`), []byte("1234"), []byte("1235"), 1),
	} {
		path := filepath.Join(t.TempDir(), "x.safetensors")
		if err := os.WriteFile(path, file, 0o644); err != nil {
			t.Fatal(err)
		}
		tensors, err := Load(path, new(state))
		if tensors != nil || err == nil || !strings.HasPrefix(err.Error(), "checkpoint: load "+path+": ") || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	if _, err := Load(filepath.Join(t.TempDir(), "none"), nil); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a missing file gives %v", err)
	}
	if _, err := Load(t.TempDir(), nil); err == nil {
		t.Error("loaded a folder")
	}
}

// TestEveryDamageIsFound cuts a file at every length and flips every bit of it.
func TestEveryDamageIsFound(t *testing.T) {
	_, file := save(t, someTensors, someState)
	for n := range file {
		if _, err := load(file[:n], new(state)); err == nil {
			t.Errorf("loaded the first %d of %d bytes", n, len(file))
		}
	}
	if _, err := load(append(slices.Clone(file), 0), new(state)); err == nil {
		t.Error("loaded a file with a byte too many")
	}
	for bit := range 8 * len(file) {
		file[bit/8] ^= 1 << (bit % 8)
		if _, err := load(file, new(state)); err == nil {
			t.Errorf("loaded with bit %d of byte %d flipped", bit%8, bit/8)
		}
		file[bit/8] ^= 1 << (bit % 8)
	}
	if _, err := load(file, new(state)); err != nil {
		t.Errorf("undamaged: %v", err)
	}
	// A file that ends while it is read: its size is known from before.
	for n := range file {
		if _, err := read(bytes.NewReader(file[:n]), int64(len(file)), new(state)); err == nil {
			t.Errorf("read the first %d of %d bytes", n, len(file))
		}
	}
}

func load(file []byte, state any) ([]Tensor, error) {
	return read(bytes.NewReader(file), int64(len(file)), state)
}

// FuzzLoad checks that no file makes reading panic, and that what is read can
// be saved and read again.
func FuzzLoad(f *testing.F) {
	_, file := save(f, someTensors, someState)
	f.Add(file)
	f.Add(file[:len(file)-3])
	f.Add(seal(`{"__metadata__":{"sha256":"DIGEST","state":"{}"},"w":{"dtype":"F32","shape":[2,9e9],"data_offsets":[0,8]}}`, "12345678"))
	f.Add([]byte("\xff\xff\xff\xff\xff\xff\xff\xff{}"))
	path := filepath.Join(f.TempDir(), "again")
	f.Fuzz(func(t *testing.T, file []byte) {
		var s any
		tensors, err := load(file, &s)
		if err != nil {
			return
		}
		if err := Save(path, tensors, s); err != nil {
			t.Fatalf("save again: %v", err)
		}
		again, err := Load(path, nil)
		if err != nil || !reflect.DeepEqual(bitsOf(tensors), bitsOf(again)) {
			t.Fatalf("read %v, saved and read %v, error %v", tensors, again, err)
		}
	})
}

// bitsOf makes tensors comparable, NaN included.
func bitsOf(tensors []Tensor) (out []string) {
	for _, t := range tensors {
		s := fmt.Sprintf("%q %v", t.Name, t.Shape)
		for _, v := range t.Data {
			s += fmt.Sprintf(" %x", math.Float32bits(v))
		}
		out = append(out, s)
	}
	return out
}

// BenchmarkSave and BenchmarkLoad handle LeNet with momentum and one memory.
func BenchmarkSave(b *testing.B) {
	tensors := lenet()
	path := filepath.Join(b.TempDir(), "run")
	b.SetBytes(4 * 3 * 1_163_978)
	for b.Loop() {
		if err := Save(path, tensors, someState); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkLoad(b *testing.B) {
	path, _ := save(b, lenet(), someState)
	b.SetBytes(4 * 3 * 1_163_978)
	for b.Loop() {
		if _, err := Load(path, new(state)); err != nil {
			b.Fatal(err)
		}
	}
}

func lenet() []Tensor {
	const d = 1_163_978
	var tensors []Tensor
	for _, name := range []string{"params", "momentum", "memory"} {
		tensors = append(tensors, Tensor{Name: name, Shape: []int{d}, Data: make([]float32, d)})
	}
	return tensors
}
