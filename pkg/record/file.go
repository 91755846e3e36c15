package record

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/bgmd/bgmd/internal/safefile"
)

// writeFile gives the file called name in dir the content data: all of it,
// durably, or on an error none of it. The error names the file.
func writeFile(dir, name string, data []byte) error {
	path := filepath.Join(dir, name)
	if err := safefile.Replace(path, data); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return nil
}

// encode returns what a JSON file holds for v: indented, with a line's end.
func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	err := enc.Encode(v)
	return b.Bytes(), err
}

// sum is the SHA-256 of data in hexadecimal.
func sum(data []byte) string {
	s := sha256.Sum256(data)
	return hex.EncodeToString(s[:])
}

// readJSON decodes the file at path, whose bytes it returns, into v; its errors
// name the file.
func readJSON(path string, v any) ([]byte, error) {
	data, err := safefile.ReadFile(path)
	if err != nil {
		return nil, err
	}
	if err := decode(data, v); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return data, nil
}

// decode decodes data, one JSON value, into v, which holds zero. Unknown keys
// and missing ones are errors; a key is missing if it would be written for the
// values found, so every key without omitempty or omitzero has to be there.
func decode(data []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return explain(err)
	}
	if _, err := d.Token(); err != io.EOF {
		return fmt.Errorf("found more after the JSON value, which ends at byte %d", d.InputOffset())
	}
	again, err := json.Marshal(v)
	if err != nil {
		return err
	}
	var found, want any
	if err := errors.Join(json.Unmarshal(data, &found), json.Unmarshal(again, &want)); err != nil {
		return err
	}
	return missing("", found, want)
}

// explain says what is wrong with the input rather than with the decoding.
func explain(err error) error {
	if wrongType, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		key := wrongType.Field[strings.LastIndex(wrongType.Field, ".")+1:] // without the Go types around it
		return fmt.Errorf("key %q: found a %s, want %s", key, wrongType.Value, wrongType.Type)
	}
	if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
		return fmt.Errorf("byte %d: %w", syntax.Offset, err)
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return errors.New("found the end inside a JSON value")
	}
	return err
}

// missing reports the first key of want that found does not have. Both are
// trees of maps and slices as json.Unmarshal makes them.
func missing(path string, found, want any) error {
	switch want := want.(type) {
	case map[string]any:
		found, _ := found.(map[string]any)
		for _, key := range slices.Sorted(maps.Keys(want)) {
			inner, ok := found[key]
			if !ok {
				return fmt.Errorf("key %q is missing", path+key)
			}
			if err := missing(path+key+".", inner, want[key]); err != nil {
				return err
			}
		}
	case []any:
		found, _ := found.([]any)
		for i := range min(len(found), len(want)) {
			if err := missing(fmt.Sprintf("%s%d.", path, i), found[i], want[i]); err != nil {
				return err
			}
		}
	}
	return nil
}
