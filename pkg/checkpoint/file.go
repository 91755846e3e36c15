package checkpoint

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"math"

	"github.com/bgmd/bgmd/internal/safefile"
)

// Save writes the tensors, in the order given, and the run's state, anything
// that encoding/json can encode, to the file at path. A file or a link already
// there is replaced at once, when all is on disk: whenever the process or the
// machine dies, path holds the old checkpoint or the new one, whole. (A process
// that dies may leave a temporary file beside it, named "." + base + digits.)
//
// Save fails, leaving path alone, if the state has no JSON form (NaN and Inf
// have none), if names are not unique or shapes do not fit their data, if path is
// something other than a file or a link, or if the file cannot be written.
func Save(path string, tensors []Tensor, state any) (err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("checkpoint: save %s: %w", path, err)
		}
	}()
	encoded, err := json.Marshal(state)
	if err != nil {
		return fmt.Errorf("state: %w", err)
	}
	header, err := encodeHeader(tensors, encoded)
	if err != nil {
		return err
	}
	digest := sha256.New()
	digest.Write(header)
	if err := writeData(digest, tensors); err != nil {
		return err
	}
	header = bytes.Replace(header, []byte(blank), hex.AppendEncode(nil, digest.Sum(nil)), 1)

	prefix := binary.LittleEndian.AppendUint64(nil, uint64(len(header)))
	return safefile.ReplaceWith(path, func(w io.Writer) error {
		if _, err := w.Write(append(prefix, header...)); err != nil {
			return err
		}
		return writeData(w, tensors)
	})
}

// Load reads the file at path: the tensors in the order in which they were
// saved, and the state into the value that state points to, which must know
// all of its fields. A nil state is not read.
//
// Load fails, saying what it found and what it wanted, if the file is not a
// checkpoint of this package in every detail of its layout, or if its contents
// do not have the digest stored with them. The state is unspecified then.
func Load(path string, state any) (tensors []Tensor, err error) {
	defer func() {
		if err != nil {
			tensors, err = nil, fmt.Errorf("checkpoint: load %s: %w", path, err)
		}
	}()
	file, err := safefile.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	return read(file, info.Size(), state)
}

// read is Load for a file of the given size. Its memory is bounded by size.
func read(r io.Reader, size int64, state any) ([]Tensor, error) {
	var prefix [8]byte
	if size < int64(len(prefix)) {
		return nil, fmt.Errorf("file has %d bytes, want at least %d", size, len(prefix))
	}
	if _, err := io.ReadFull(r, prefix[:]); err != nil {
		return nil, err
	}
	length, rest := binary.LittleEndian.Uint64(prefix[:]), uint64(size)-uint64(len(prefix))
	if length > min(rest, maxHeader) {
		return nil, fmt.Errorf("header has %d bytes, want at most %d", length, min(rest, maxHeader))
	}
	header := make([]byte, length)
	if _, err := io.ReadFull(r, header); err != nil {
		return nil, err
	}
	metadata, names, entries, err := decodeHeader(header, rest-length)
	if err != nil {
		return nil, err
	}
	stored := metadata[digestKey]
	if len(stored) != len(blank) {
		return nil, fmt.Errorf("%s: %s is %q, want %d digits", metadataKey, digestKey, stored, len(blank))
	}

	digest := sha256.New()
	digest.Write(bytes.Replace(header, []byte(stored), []byte(blank), 1))
	data := io.TeeReader(r, digest)
	tensors := make([]Tensor, len(names))
	for i, e := range entries {
		values := make([]float32, (e.Offsets[1]-e.Offsets[0])/4)
		if err := readData(data, values); err != nil {
			return nil, fmt.Errorf("tensor %q: %w", names[i], err)
		}
		tensors[i] = Tensor{Name: names[i], Shape: e.Shape, Data: values}
	}
	if found := hex.EncodeToString(digest.Sum(nil)); found != stored {
		return nil, fmt.Errorf("contents are damaged: %s is %s, want %s", digestKey, found, stored)
	}
	if state == nil {
		return tensors, nil
	}
	decoder := json.NewDecoder(bytes.NewReader([]byte(metadata[stateKey])))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(state); err != nil {
		return nil, fmt.Errorf("state: %w", err)
	}
	return tensors, nil
}

// blockValues is the number of values converted at a time.
const blockValues = 16384

// writeData writes the values of all tensors.
func writeData(w io.Writer, tensors []Tensor) error {
	block := make([]byte, 0, 4*blockValues)
	for _, t := range tensors {
		for rest := t.Data; len(rest) > 0; {
			n := min(len(rest), blockValues)
			block = block[:0]
			for _, v := range rest[:n] {
				block = binary.LittleEndian.AppendUint32(block, math.Float32bits(v))
			}
			if _, err := w.Write(block); err != nil {
				return err
			}
			rest = rest[n:]
		}
	}
	return nil
}

// readData fills values.
func readData(r io.Reader, values []float32) error {
	block := make([]byte, 4*min(len(values), blockValues))
	for len(values) > 0 {
		n := min(len(values), blockValues)
		if _, err := io.ReadFull(r, block[:4*n]); err != nil {
			return err
		}
		for i := range values[:n] {
			values[i] = math.Float32frombits(binary.LittleEndian.Uint32(block[4*i:]))
		}
		values = values[n:]
	}
	return nil
}
