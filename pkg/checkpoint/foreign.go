package checkpoint

import (
	"bytes"
	"crypto/md5"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"slices"

	"github.com/bgmd/bgmd/internal/half"
	"github.com/bgmd/bgmd/internal/safefile"
)

// ReadTensors is [DecodeTensors] for the regular file at path.
func ReadTensors(path string) (tensors []Tensor, sum string, err error) {
	file, err := safefile.Open(path)
	if err != nil {
		return nil, "", fmt.Errorf("checkpoint: %w", err)
	}
	defer file.Close()
	return DecodeTensors(file, path)
}

// DecodeTensors reads the tensors of a safetensors file that need not be a
// checkpoint of this package, such as one that PyTorch's users write, in the
// order of their data, and returns the MD5 sum of the file; name is what errors
// call it. Elements may be F32, F16, BF16, or I64 (as PyTorch's counts are) and
// F64, which are rounded to float32.
//
// It is an error if the file breaks a rule of the format [safetensors, «Format»]:
// the header is a JSON object, and spaces alone may follow it; names are unique; the
// tensors' data fill the rest of the file, without overlaps, gaps or a tail. So are
// other types, numbers that are not finite or beyond float32, and a checkpoint of
// this package whose contents do not have the digest in its header.
func DecodeTensors(r io.Reader, name string) (tensors []Tensor, sum string, err error) {
	contents, err := io.ReadAll(r)
	if err == nil {
		tensors, err = parseTensors(contents)
	}
	if err != nil {
		return nil, "", fmt.Errorf("checkpoint: read %s: %w", name, err)
	}
	digest := md5.Sum(contents)
	return tensors, hex.EncodeToString(digest[:]), nil
}

// described is a tensor as the header has it.
type described struct {
	name string
	entry
}

func parseTensors(contents []byte) ([]Tensor, error) {
	if len(contents) < 8 {
		return nil, fmt.Errorf("file has %d bytes, want at least 8", len(contents))
	}
	length, rest := binary.LittleEndian.Uint64(contents), contents[8:]
	if length > uint64(min(len(rest), maxHeader)) {
		return nil, fmt.Errorf("no safetensors file: its header would have %d bytes, want at most %d", length, min(len(rest), maxHeader))
	}
	header, data := rest[:length], rest[length:]
	metadata, all, err := parseHeader(header)
	if err != nil {
		return nil, err
	}
	if err := checkOwn(metadata, header, data); err != nil {
		return nil, err
	}
	if err := fillsData(all, uint64(len(data))); err != nil {
		return nil, err
	}
	tensors := make([]Tensor, len(all))
	for i, d := range all {
		values, err := d.values(data)
		if err != nil {
			return nil, fmt.Errorf("tensor %q: %w", d.name, err)
		}
		tensors[i] = Tensor{d.name, d.Shape, values}
	}
	return tensors, nil
}

// parseHeader returns the metadata and the tensors in the order of their data.
func parseHeader(header []byte) (metadata map[string]string, all []described, err error) {
	if !bytes.HasPrefix(header, []byte("{")) {
		return nil, nil, fmt.Errorf("header is not a JSON object: it begins with %q", header[:min(4, len(header))])
	}
	metadata, err = eachTensor(header, func(name string, value json.RawMessage) error {
		d := described{name: name}
		if err := json.Unmarshal(value, &d.entry); err != nil {
			return fmt.Errorf("tensor %q: %w", name, err)
		}
		if err := d.check(); err != nil {
			return fmt.Errorf("tensor %q: %w", name, err)
		}
		all = append(all, d)
		return nil
	})
	slices.SortStableFunc(all, func(a, b described) int { return slices.Compare(a.Offsets, b.Offsets) })
	return metadata, all, err
}

// checkOwn compares the digest of a checkpoint of this package, which has one or, where
// its name is damaged, a state, with the contents.
func checkOwn(metadata map[string]string, header, data []byte) error {
	stored, signed := metadata[digestKey]
	if _, state := metadata[stateKey]; !signed && !state {
		return nil
	}
	digest := sha256.New()
	if stored != "" {
		header = bytes.Replace(header, []byte(stored), []byte(blank), 1)
	}
	digest.Write(header)
	digest.Write(data)
	if found := hex.EncodeToString(digest.Sum(nil)); found != stored {
		return fmt.Errorf("contents are damaged: %s is %s, the header has %q", digestKey, found, stored)
	}
	return nil
}

// fillsData reports overlaps, gaps and a tail of so many bytes of data.
func fillsData(all []described, size uint64) error {
	var end uint64
	for i, d := range all {
		begin := d.Offsets[0]
		switch {
		case begin < end:
			return fmt.Errorf("tensor %q: its data begin at byte %d, within those of %q, which end at %d", d.name, begin, all[i-1].name, end)
		case begin > end:
			return fmt.Errorf("tensor %q: its data begin at byte %d, and bytes %d to %d before it belong to no tensor", d.name, begin, end, begin-1)
		case d.Offsets[1] > size:
			return fmt.Errorf("tensor %q: its data end at byte %d, the file's at %d", d.name, d.Offsets[1], size)
		}
		end = d.Offsets[1]
	}
	if end < size {
		return fmt.Errorf("the last %d bytes of data belong to no tensor", size-end)
	}
	return nil
}

// elementTypes are the types that are read: the number of bytes of an element and its
// value.
var elementTypes = map[string]struct {
	size  uint64
	value func(at []byte) float64
}{
	"F32":  {4, func(at []byte) float64 { return float64(math.Float32frombits(binary.LittleEndian.Uint32(at))) }},
	"F64":  {8, func(at []byte) float64 { return math.Float64frombits(binary.LittleEndian.Uint64(at)) }},
	"I64":  {8, func(at []byte) float64 { return float64(int64(binary.LittleEndian.Uint64(at))) }},
	"F16":  {2, func(at []byte) float64 { return float64(half.Float16(binary.LittleEndian.Uint16(at))) }},
	"BF16": {2, func(at []byte) float64 { return float64(half.BFloat16(binary.LittleEndian.Uint16(at))) }},
}

// check reports what does not fit together in a description.
func (e entry) check() error {
	kind, ok := elementTypes[e.DType]
	if !ok {
		return fmt.Errorf("dtype is %q, want F32, F64, F16, BF16 or I64", e.DType)
	}
	n, err := count(e.Shape)
	if err != nil {
		return err
	}
	if len(e.Offsets) != 2 {
		return fmt.Errorf("data_offsets are %v, want two numbers", e.Offsets)
	}
	begin, end := e.Offsets[0], e.Offsets[1]
	if begin > end || n > (end-begin)/kind.size || end-begin != n*kind.size {
		return fmt.Errorf("data_offsets are [%d, %d], want %d elements of %d bytes", begin, end, n, kind.size)
	}
	return nil
}

// values returns the elements that e, which has been checked, describes.
func (e entry) values(data []byte) ([]float32, error) {
	kind := elementTypes[e.DType]
	values := make([]float32, (e.Offsets[1]-e.Offsets[0])/kind.size)
	for i := range values {
		v := kind.value(data[e.Offsets[0]+uint64(i)*kind.size:])
		values[i] = float32(v)
		switch {
		case v-v != 0:
			return nil, fmt.Errorf("element %d is %v, want finite numbers", i, v)
		case math.IsInf(float64(values[i]), 0):
			return nil, fmt.Errorf("element %d is %g, beyond float32", i, v)
		}
	}
	return values, nil
}
