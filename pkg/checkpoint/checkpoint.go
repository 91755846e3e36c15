// Package checkpoint stores a training run's tensors and state in one file,
// and reads them back only if every byte is as it was written.
//
// A checkpoint is a safetensors file, which PyTorch, NumPy and others read:
//
//	8 bytes   n, the header's length, little-endian
//	n bytes   header: a JSON object, padded with spaces so that 8 divides n
//	          {"__metadata__": {"sha256": "…", "state": "…"},
//	           "NAME": {"dtype": "F32", "shape": […], "data_offsets": [begin, end]}, …}
//	the rest  data: float32 values, little-endian, the tensors one after the
//	          other without gaps; offsets count from the data's beginning
//
// The state is JSON inside a JSON string, since the format has metadata of
// strings alone. The digest is that of header and data with 64 zeros in its own
// place, so that a flipped bit is found wherever it is. Equal contents give
// equal files.
//
// Chosen: a reader and a writer of its own for the one type that is needed.
// Rejected: github.com/nlpodyssey/safetensors, which drops all but the last of
// several tensors of one name, does not name the tensor whose size is wrong,
// and wants tensors as bytes and files in memory, twice their size in all.
package checkpoint

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"unicode/utf8"
)

// Tensor is a named array of float32 values in row-major order.
type Tensor struct {
	Name  string // UTF-8, neither empty nor "__metadata__"
	Shape []int  // none for a single value; a 0 among them leaves no values
	Data  []float32
}

const (
	metadataKey = "__metadata__"
	stateKey    = "state"
	digestKey   = "sha256"
	dtype       = "F32"
	// maxHeader is the longest header that the format's own library reads.
	maxHeader = 100_000_000
)

// blank stands in the digest's place while the digest is computed.
var blank = strings.Repeat("0", 64)

// entry is a tensor's description in the header.
type entry struct {
	DType   string   `json:"dtype"`
	Shape   []int    `json:"shape"`
	Offsets []uint64 `json:"data_offsets"` // begin and end
}

// encodeHeader returns the padded header of a file with a blank digest. It
// fails on tensors that could not be read back.
func encodeHeader(tensors []Tensor, state []byte) ([]byte, error) {
	metadata, err := json.Marshal(map[string]string{digestKey: blank, stateKey: string(state)})
	if err != nil {
		return nil, err
	}
	header := fmt.Appendf(nil, `{%q:%s`, metadataKey, metadata)
	names := make(map[string]bool)
	var end uint64
	for _, t := range tensors {
		if t.Name == "" || t.Name == metadataKey || !utf8.ValidString(t.Name) {
			return nil, fmt.Errorf("tensor name is %q, want UTF-8, not empty and not %q", t.Name, metadataKey)
		}
		if names[t.Name] {
			return nil, fmt.Errorf("tensor %q: there are two of that name", t.Name)
		}
		names[t.Name] = true
		size, err := count(t.Shape)
		if err != nil {
			return nil, fmt.Errorf("tensor %q: %w", t.Name, err)
		}
		if size != uint64(len(t.Data)) {
			return nil, fmt.Errorf("tensor %q: shape %v has %d values, data has %d", t.Name, t.Shape, size, len(t.Data))
		}
		begin := end
		end += 4 * size
		name, err := json.Marshal(t.Name)
		if err != nil {
			return nil, err
		}
		e, err := json.Marshal(entry{DType: dtype, Shape: append([]int{}, t.Shape...), Offsets: []uint64{begin, end}})
		if err != nil {
			return nil, err
		}
		header = fmt.Appendf(header, ",%s:%s", name, e)
	}
	header = append(header, '}')
	for len(header)%8 != 0 {
		header = append(header, ' ')
	}
	if len(header) > maxHeader {
		return nil, fmt.Errorf("header has %d bytes, want at most %d", len(header), maxHeader)
	}
	return header, nil
}

// decodeHeader returns the metadata of a header and the entries of its tensors
// with their names, in the order in which they stand there. It checks that they
// describe exactly the given number of bytes of data, in that order.
func decodeHeader(header []byte, data uint64) (metadata map[string]string, names []string, entries []entry, err error) {
	var end uint64
	metadata, err = eachTensor(header, func(name string, value json.RawMessage) error {
		e, err := decodeEntry(value)
		if err != nil {
			return fmt.Errorf("tensor %q: %w", name, err)
		}
		if e.Offsets[0] != end {
			return fmt.Errorf("tensor %q: data begins at %d, want %d", name, e.Offsets[0], end)
		}
		end = e.Offsets[1]
		if end > data {
			return fmt.Errorf("tensor %q: data ends at %d, the file's at %d", name, end, data)
		}
		names, entries = append(names, name), append(entries, e)
		return nil
	})
	if err == nil && end != data {
		err = fmt.Errorf("%d bytes of data belong to no tensor", data-end)
	}
	return metadata, names, entries, err
}

// decodeEntry reads a tensor's description and checks that its own parts agree.
func decodeEntry(value json.RawMessage) (entry, error) {
	var e entry
	decoder := json.NewDecoder(bytes.NewReader(value))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&e); err != nil {
		return e, err
	}
	if e.DType != dtype {
		return e, fmt.Errorf("dtype is %q, want %q", e.DType, dtype)
	}
	if e.Shape == nil || len(e.Offsets) != 2 {
		return e, fmt.Errorf("shape is %v, data_offsets are %v, want a list and two numbers", e.Shape, e.Offsets)
	}
	size, err := count(e.Shape)
	if err != nil {
		return e, err
	}
	begin, end := e.Offsets[0], e.Offsets[1]
	if end < begin || end-begin != 4*size {
		return e, fmt.Errorf("data_offsets are [%d, %d], want %d bytes for shape %v", begin, end, 4*size, e.Shape)
	}
	return e, nil
}

// eachTensor calls f for every member of a header, each of another name, but the
// metadata, which it returns.
func eachTensor(header []byte, f func(name string, value json.RawMessage) error) (metadata map[string]string, err error) {
	seen := map[string]bool{}
	err = eachMember(header, func(name string, value json.RawMessage) error {
		if seen[name] {
			return fmt.Errorf("header has two members %q", name)
		}
		seen[name] = true
		if name != metadataKey {
			return f(name, value)
		}
		if err := json.Unmarshal(value, &metadata); err != nil {
			return fmt.Errorf("%s: %w", metadataKey, err)
		}
		return nil
	})
	return metadata, err
}

// eachMember calls f for every member of a JSON object, including those that
// share a name, of which json.Unmarshal would keep the last. Only white space
// may follow the object.
func eachMember(object []byte, f func(name string, value json.RawMessage) error) error {
	decoder := json.NewDecoder(bytes.NewReader(object))
	if brace, err := decoder.Token(); err != nil || brace != json.Delim('{') {
		return fmt.Errorf("header is not a JSON object")
	}
	for decoder.More() {
		name, err := decoder.Token()
		if err != nil {
			return fmt.Errorf("header: %w", err)
		}
		var value json.RawMessage
		if err := decoder.Decode(&value); err != nil {
			return fmt.Errorf("header, member %q: %w", name, err)
		}
		if err := f(name.(string), value); err != nil {
			return err
		}
	}
	if _, err := decoder.Token(); err != nil {
		return fmt.Errorf("header: %w", err)
	}
	if rest := bytes.TrimRight(object[decoder.InputOffset():], " "); len(rest) > 0 {
		return fmt.Errorf("header: %d bytes after the JSON object", len(rest))
	}
	return nil
}

// count returns the number of values in a tensor of the given shape, at most
// MaxInt64/4 so that its size in bytes is a number too.
func count(shape []int) (uint64, error) {
	n := uint64(1)
	for _, length := range shape {
		if length < 0 {
			return 0, fmt.Errorf("shape is %v, want lengths ≥ 0", shape)
		}
		if length > 0 && n > math.MaxInt64/4/uint64(length) {
			return 0, fmt.Errorf("shape %v has too many values", shape)
		}
		n *= uint64(length)
	}
	return n, nil
}
