package data

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"io"
	"runtime"
	"runtime/debug"
	"strings"
	"testing"
	"testing/iotest"
)

// idx is an IDX file: a magic number, sizes, values.
func idx(magic uint32, sizes []uint32, values ...byte) []byte {
	raw := binary.BigEndian.AppendUint32(nil, magic)
	for _, size := range sizes {
		raw = binary.BigEndian.AppendUint32(raw, size)
	}
	return append(raw, values...)
}

// imageBytes is an image file in which every pixel of image i is first+i.
func imageBytes(n int, first byte) []byte {
	raw := idx(2051, []uint32{uint32(n), 28, 28})
	for i := range n {
		raw = append(raw, bytes.Repeat([]byte{first + byte(i)}, 28*28)...)
	}
	return raw
}

func labelBytes(labels ...byte) []byte {
	return idx(2049, []uint32{uint32(len(labels))}, labels...)
}

func zipped(t testing.TB, content []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write(content); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestReadIDX(t *testing.T) {
	labels := labelBytes(3, 1, 2)
	for name, file := range map[string][]byte{
		"plain": labels, "zipped": zipped(t, labels),
		"zipped in two": append(zipped(t, labels[:5]), zipped(t, labels[5:])...),
	} {
		items, raw, err := idxLabels.readIDX(bytes.NewReader(file), int64(len(file)))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if !bytes.Equal(items, []byte{3, 1, 2}) || !bytes.Equal(raw, labels) {
			t.Errorf("%s: items are %v of %v, want [3 1 2] of %v", name, items, raw, labels)
		}
	}
	two := imageBytes(2, 40)
	items, _, err := idxImages.readIDX(bytes.NewReader(two), int64(len(two)))
	if err != nil {
		t.Fatal(err)
	}
	if len(items) != 2*784 || items[783] != 40 || items[784] != 41 {
		t.Errorf("images are %d bytes, %d and %d about the border, want 1568, 40 and 41", len(items), items[783], items[784])
	}
}

// A gzip file may have any number of members without a byte in them.
func TestReadIDXEmptyMembers(t *testing.T) {
	defer debug.SetMaxStack(debug.SetMaxStack(1 << 20)) // beyond which the program dies
	labels := labelBytes(3, 1, 2)
	file := append(bytes.Repeat(zipped(t, nil), 100_000), zipped(t, labels)...)
	items, _, err := idxLabels.readIDX(bytes.NewReader(file), int64(len(file)))
	if err != nil || !bytes.Equal(items, []byte{3, 1, 2}) {
		t.Errorf("items are %v, %v, want [3 1 2]", items, err)
	}
}

func TestReadIDXDamaged(t *testing.T) {
	labels := labelBytes(3, 1, 2)
	cut := zipped(t, labels)
	cut = cut[:len(cut)-3]
	wrongSum := zipped(t, labels)
	wrongSum[len(wrongSum)-8] ^= 1
	for _, c := range []struct {
		name string
		kind idxKind
		file []byte
		want string
	}{
		{"empty", idxLabels, nil,
			"byte 0: found the end of the file, want a header of 8 bytes"},
		{"one byte", idxLabels, labels[:1],
			"byte 1: found the end of the file, want a header of 8 bytes"},
		{"header cut off", idxImages, imageBytes(1, 0)[:13],
			"byte 13: found the end of the file, want a header of 16 bytes"},
		{"labels for images", idxImages, labels,
			"byte 0: found magic number 2049, want 2051"},
		{"images for labels", idxLabels, imageBytes(1, 0),
			"byte 0: found magic number 2051, want 2049"},
		{"web page", idxLabels, []byte("<html></html>"),
			`found a web page, which starts with "<html></html>", want an IDX file`},
		{"zipped web page", idxLabels, zipped(t, []byte("\ufeff\n<!DOCTYPE html><html><head><title>Sign in</title>")),
			`found a web page, which starts with "<!DOCTYPE html><html><head><titl"…, want an IDX file`},
		{"pointer to a file", idxImages, []byte("version https://git-lfs.github.com/spec/v1\n"),
			`found a pointer of Git LFS, which starts with "version https://git-lfs.github.c"…, want an IDX file`},
		{"zip archive", idxImages, []byte("PK\x03\x04\x14\x00"),
			`found a zip archive, which starts with "PK\x03\x04\x14\x00", want an IDX file`},
		{"no labels", idxLabels, labelBytes(),
			"byte 4: found number of labels 0, want 1 to 262144"},
		{"too many labels", idxLabels, idx(2049, []uint32{1<<18 + 1}, 1),
			"byte 4: found number of labels 262145, want 1 to 262144"},
		{"largest count", idxImages, idx(2051, []uint32{1<<32 - 1, 28, 28}, 1),
			"byte 4: found number of images 4294967295, want 1 to 262144"},
		{"other height", idxImages, idx(2051, []uint32{1, 27, 28}, 1),
			"byte 8: found number of rows 27, want 28"},
		{"other width", idxImages, idx(2051, []uint32{1, 28, 32}, 1),
			"byte 12: found number of columns 32, want 28"},
		{"images cut off", idxImages, imageBytes(2, 0)[:1000],
			"byte 1000: found the end of the file, want 1584 bytes for 2 images"},
		{"labels cut off", idxLabels, labels[:10],
			"byte 10: found the end of the file, want 11 bytes for 3 labels"},
		{"trailing bytes", idxLabels, append(bytes.Clone(labels), 0, 0),
			"byte 11: found 2 bytes more, want the end of the file after 3 labels"},
		{"far too long", idxLabels, zipped(t, append(bytes.Clone(labels), make([]byte, 1<<21)...)),
			"byte 11: found 1048576 bytes more, or still more, want the end of the file after 3 labels"},
		{"header of a bomb", idxImages, zipped(t, idx(2051, []uint32{1 << 18, 28, 28}, make([]byte, 1<<20)...)),
			"found a gzip file of 1066 bytes, want 205520912 bytes for 262144 images"},
		{"gzip cut off", idxLabels, cut,
			"byte 11: found an error: unexpected EOF, want a whole gzip file"},
		{"gzip header cut off", idxLabels, cut[:5],
			"byte 0: found an error: unexpected EOF, want a whole gzip file"},
		{"gzip sum", idxLabels, wrongSum,
			"byte 11: found an error: gzip: invalid checksum, want a whole gzip file"},
		{"gzip and more", idxLabels, append(zipped(t, labels), "rubbish after it"...),
			`found "rubbish after it" behind the end of the zipped data, want nothing there`},
		{"gzip and zeros", idxLabels, append(zipped(t, labels), 0, 0, 0),
			`found "\x00\x00\x00" behind the end of the zipped data, want nothing there`},
		{"gzip and more of it", idxLabels, append(zipped(t, labels), zipped(t, labels)...),
			"byte 11: found 11 bytes more, want the end of the file after 3 labels"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, _, err := c.kind.readIDX(bytes.NewReader(c.file), int64(len(c.file)))
			if err == nil {
				t.Fatal("no error")
			}
			if !errors.Is(err, ErrData) {
				t.Errorf("%v does not wrap ErrData", err)
			}
			if got, want := err.Error(), ": "+c.want+"; get it with: "; got != want {
				t.Errorf("error is\n%q, want\n%q", got, want)
			}
		})
	}
}

func TestReadIDXPassesReadErrorsOn(t *testing.T) {
	broken := errors.New("disk on fire")
	for name, r := range map[string]io.Reader{
		"at the start": iotest.ErrReader(broken),
		"later":        io.MultiReader(bytes.NewReader(labelBytes(1, 2)), iotest.ErrReader(broken)),
	} {
		_, _, err := idxLabels.readIDX(r, 11)
		if !errors.Is(err, broken) || !errors.Is(err, ErrData) {
			t.Errorf("%s: error is %v, want one that wraps %v and ErrData", name, err, broken)
		}
	}
}

// A header that promises much, 206 MB here, must not cost memory for more than the
// file can hold, nor 64 MB of zeros for more than the header says.
func TestReadIDXTakesNoMemoryForPromises(t *testing.T) {
	for name, file := range map[string][]byte{
		"plain":  idx(2051, []uint32{1 << 18, 28, 28}, make([]byte, 10_000)...),
		"zipped": zipped(t, idx(2051, []uint32{1 << 18, 28, 28}, make([]byte, 10_000)...)),
		"bomb":   zipped(t, idx(2051, []uint32{1, 28, 28}, make([]byte, 64<<20)...)),
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, _, err := idxImages.readIDX(bytes.NewReader(file), int64(len(file)))
		runtime.ReadMemStats(&after)
		if took := after.TotalAlloc - before.TotalAlloc; err == nil || took > 1<<20 {
			t.Errorf("%s: took %d bytes, error %v", name, took, err)
		}
	}
}

// FuzzIDX checks that whatever bytes come, plain or zipped, reading them gives
// either whole items or a FileError at a place within the file.
func FuzzIDX(f *testing.F) {
	for _, raw := range [][]byte{nil, {0x1f}, labelBytes(1, 2, 3), imageBytes(1, 9), imageBytes(2, 0)[:900],
		idx(2051, []uint32{1 << 31, 28, 28})} {
		f.Add(raw)
		f.Add(zipped(f, raw))
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		for _, kind := range []idxKind{idxImages, idxLabels} {
			items, raw, err := kind.readIDX(bytes.NewReader(file), int64(len(file)))
			if err != nil {
				bad, ok := errors.AsType[*FileError](err)
				if !ok || bad.Offset > gzipRatio*int64(len(file)) || bad.Found == "" || bad.Want == "" || !strings.Contains(err.Error(), bad.Found) {
					t.Errorf("error is %#v", err)
				}
				continue
			}
			n := int(binary.BigEndian.Uint32(raw[4:]))
			if len(items) != n*kind.itemSize() || len(raw) != kind.header()+len(items) {
				t.Errorf("%d bytes of %d %s in %d bytes", len(items), n, kind.what, len(raw))
			}
		}
	})
}
