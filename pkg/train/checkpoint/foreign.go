package checkpoint

import (
	"bytes"
	"cmp"
	"crypto/md5"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"slices"
)

// ReadTensors reads the tensors of a safetensors file that need not be a
// checkpoint of this package, such as one that PyTorch's users write, in the
// order of their data, and returns the MD5 sum of the file. Elements may be F32,
// or I64 (as PyTorch's counts are) and F64, which are rounded to float32. Other
// types, and a header that does not fit the file, are errors.
func ReadTensors(path string) (tensors []Tensor, sum string, err error) {
	contents, err := os.ReadFile(path)
	if err != nil {
		return nil, "", fmt.Errorf("checkpoint: %w", err)
	}
	tensors, err = parseTensors(contents)
	if err != nil {
		return nil, "", fmt.Errorf("checkpoint: read %s: %w", path, err)
	}
	digest := md5.Sum(contents)
	return tensors, hex.EncodeToString(digest[:]), nil
}

// elementSize is the number of bytes of an element of the types that are read.
var elementSize = map[string]uint64{"F32": 4, "I64": 8, "F64": 8}

func parseTensors(contents []byte) ([]Tensor, error) {
	if len(contents) < 8 {
		return nil, fmt.Errorf("file has %d bytes, want at least 8", len(contents))
	}
	length, rest := binary.LittleEndian.Uint64(contents), contents[8:]
	if length > uint64(min(len(rest), maxHeader)) {
		return nil, fmt.Errorf("no safetensors file: its header would have %d bytes, want at most %d", length, min(len(rest), maxHeader))
	}
	header, data := bytes.TrimRight(rest[:length], " "), rest[length:]
	type found struct {
		Tensor
		begin uint64
	}
	var all []found
	seen := map[string]bool{}
	err := eachMember(header, func(name string, value json.RawMessage) error {
		if seen[name] {
			return fmt.Errorf("header has two members %q", name)
		}
		seen[name] = true
		if name == metadataKey {
			return nil
		}
		var e entry
		if err := json.Unmarshal(value, &e); err != nil {
			return fmt.Errorf("tensor %q: %w", name, err)
		}
		values, err := e.values(data)
		if err != nil {
			return fmt.Errorf("tensor %q: %w", name, err)
		}
		all = append(all, found{Tensor{name, e.Shape, values}, e.Offsets[0]})
		return nil
	})
	if err != nil {
		return nil, err
	}
	slices.SortStableFunc(all, func(a, b found) int { return cmp.Compare(a.begin, b.begin) })
	tensors := make([]Tensor, len(all))
	for i, f := range all {
		tensors[i] = f.Tensor
	}
	return tensors, nil
}

// values returns the elements that e describes.
func (e entry) values(data []byte) ([]float32, error) {
	size, ok := elementSize[e.DType]
	if !ok {
		return nil, fmt.Errorf("dtype is %q, want F32, F64 or I64", e.DType)
	}
	n, err := count(e.Shape)
	if err != nil {
		return nil, err
	}
	if len(e.Offsets) != 2 {
		return nil, fmt.Errorf("data_offsets are %v, want two numbers", e.Offsets)
	}
	begin, end := e.Offsets[0], e.Offsets[1]
	if begin > end || end > uint64(len(data)) || n > (end-begin)/size || (end-begin) != n*size {
		return nil, fmt.Errorf("data_offsets are [%d, %d] in %d bytes of data, want %d elements of %d bytes", begin, end, len(data), n, size)
	}
	values := make([]float32, n)
	for i := range values {
		at := data[begin+uint64(i)*size:]
		switch e.DType {
		case "F32":
			values[i] = math.Float32frombits(binary.LittleEndian.Uint32(at))
		case "F64":
			values[i] = float32(math.Float64frombits(binary.LittleEndian.Uint64(at)))
		case "I64":
			values[i] = float32(int64(binary.LittleEndian.Uint64(at)))
		}
	}
	return values, nil
}
