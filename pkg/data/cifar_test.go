package data

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// cifarBytes is a file of one image a label. Image i's red values are 10·i, the
// green ones 10·i + 1, the blue ones 10·i + 2, but for the first red one, 255.
func cifarBytes(labels ...byte) []byte {
	var raw []byte
	for i, label := range labels {
		raw = append(raw, label)
		for c := range byte(3) {
			raw = append(raw, bytes.Repeat([]byte{10*byte(i) + c}, 1024)...)
		}
		raw[len(raw)-cifarPixels] = 255
	}
	return raw
}

// smallCIFAR are the six files of a set of ten training and two test images.
func smallCIFAR() map[string][]byte {
	files := map[string][]byte{"test_batch.bin": cifarBytes(9, 8)}
	for i, name := range []string{"data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin", "data_batch_4.bin", "data_batch_5.bin"} {
		files[name] = cifarBytes(byte(2*i), byte(2*i+1))
	}
	return files
}

const binFolder = "cifar-10-batches-bin/"

// tarred is an archive of the files, and of others.
func tarred(t testing.TB, folder string, files map[string][]byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	add := func(h tar.Header, content []byte) {
		h.Mode, h.Size = 0o644, int64(len(content))
		if err := w.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(content); err != nil {
			t.Fatal(err)
		}
	}
	add(tar.Header{Name: folder, Typeflag: tar.TypeDir}, nil)
	add(tar.Header{Name: folder + "readme.html", Typeflag: tar.TypeReg}, []byte("<html>"))
	for name, content := range files {
		add(tar.Header{Name: folder + name, Typeflag: tar.TypeReg}, content)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestLoadCIFAR10(t *testing.T) {
	check := func(t *testing.T) {
		t.Helper()
		set, err := Load("cifar-10", "data", 1)
		if err != nil {
			t.Fatal(err)
		}
		if set.Name != "cifar-10" || set.Shape != (Shape{3, 32, 32}) || set.Classes != 10 || set.ClassNames[8] != "ship" ||
			!slices.Equal(set.Mean, []float32{0.4914, 0.4822, 0.4465}) || !slices.Equal(set.Std, []float32{0.2470, 0.2435, 0.2616}) {
			t.Errorf("set is %s %v, %d classes %q, mean %v, deviation %v",
				set.Name, set.Shape, set.Classes, set.ClassNames, set.Mean, set.Std)
		}
		if !slices.Equal(set.Train.Labels, []uint8{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}) || !slices.Equal(set.Test.Labels, []uint8{9, 8}) {
			t.Errorf("labels are %v and %v", set.Train.Labels, set.Test.Labels)
		}
		// Image 3 is the second of data_batch_2.bin: 255, then 10, 11 and 12 by channel.
		image := set.Train.Pixels[3*3072 : 4*3072]
		if len(set.Train.Pixels) != 10*3072 || image[0] != 255 || image[1] != 10 || image[1023] != 10 || image[1024] != 11 || image[3071] != 12 {
			t.Errorf("pixels are not those of the files: %v, %v", image[:3], image[1022:1026])
		}
		if len(set.Files) != 6 || set.Files[5].Name != "test_batch.bin" || set.Files[5].Official || len(set.Files[5].MD5) != 32 {
			t.Errorf("files are %+v", set.Files)
		}
	}
	t.Run("folder", func(t *testing.T) {
		layOut(t, "cifar-10-batches-bin", smallCIFAR())
		check(t)
	})
	t.Run("zipped files", func(t *testing.T) {
		files := smallCIFAR()
		for name := range files {
			files[name] = zipped(t, files[name]) // shorter than a record
		}
		layOut(t, "cifar-10-batches-bin", files)
		check(t)
	})
	archive := tarred(t, binFolder, smallCIFAR())
	for name, file := range map[string][]byte{"archive": zipped(t, archive), "archive, unzipped": archive} {
		t.Run(name, func(t *testing.T) {
			layOut(t, "", map[string][]byte{"cifar-10-binary.tar.gz": file})
			check(t)
		})
	}
	t.Run("folder before archive", func(t *testing.T) {
		layOut(t, "cifar-10-batches-bin", smallCIFAR())
		if err := os.WriteFile("data/cifar-10-binary.tar.gz", []byte("damaged"), 0o644); err != nil {
			t.Fatal(err)
		}
		check(t)
	})
}

func TestLoadCIFAR10Damaged(t *testing.T) {
	const fetch = "; get it with: bgmd data get cifar-10"
	archive := func(change func(files map[string][]byte)) []byte {
		files := smallCIFAR()
		change(files)
		return tarred(t, binFolder, files)
	}
	zip := zipped(t, archive(func(map[string][]byte) {}))
	var bomb bytes.Buffer
	if err := tar.NewWriter(&bomb).WriteHeader(&tar.Header{Name: binFolder + "data_batch_1.bin", Typeflag: tar.TypeReg, Size: 1 << 40}); err != nil {
		t.Fatal(err)
	}
	promise := bomb.Bytes()
	wrongSum := bytes.Clone(zip)
	wrongSum[len(wrongSum)-8] ^= 1
	for _, c := range []struct {
		name    string
		damage  func(files map[string][]byte)
		archive []byte // instead of files
		want    string
	}{
		{"two missing", func(files map[string][]byte) { delete(files, "data_batch_2.bin"); delete(files, "test_batch.bin") }, nil,
			"data/cifar-10-batches-bin: found no data_batch_2.bin, no test_batch.bin, want all of the set's files"},
		{"cut off", func(files map[string][]byte) { files["data_batch_3.bin"] = files["data_batch_3.bin"][:4000] }, nil,
			"data/cifar-10-batches-bin/data_batch_3.bin: byte 4000: found the end of the file, want 6146 bytes for 2 images"},
		{"cut off between images", func(files map[string][]byte) { files["data_batch_3.bin"] = files["data_batch_3.bin"][:3073] }, nil,
			"data/cifar-10-batches-bin/data_batch_3.bin: found 1 image, want as many as in data/cifar-10-batches-bin/data_batch_1.bin, which has 2"},
		{"empty", func(files map[string][]byte) { files["test_batch.bin"] = nil }, nil,
			"data/cifar-10-batches-bin/test_batch.bin: byte 0: found the end of the file, want 3073 bytes for 1 image"},
		{"label out of range", func(files map[string][]byte) { files["test_batch.bin"][3073] = 10 }, nil,
			"data/cifar-10-batches-bin/test_batch.bin: byte 3073: found label 10, want 0 to 9"},
		{"too long", func(files map[string][]byte) { files["test_batch.bin"] = make([]byte, 10_001*3073) }, nil,
			"data/cifar-10-batches-bin/test_batch.bin: found 30733073 bytes, want at most 30730000"},
		{"nothing", nil, nil,
			"data: found no such folder, want its six files in cifar-10-batches-bin or cifar-10-binary.tar.gz or cifar-10-batches-py or cifar-10-python.tar.gz"},
		{"archive cut off", nil, zip[:len(zip)/2],
			"data/cifar-10-binary.tar.gz"},
		{"archive with a wrong sum", nil, wrongSum,
			"data/cifar-10-binary.tar.gz: byte 45568: found an error: gzip: invalid checksum, want a whole gzip file"},
		{"no archive", nil, []byte("<html></html>"),
			`data/cifar-10-binary.tar.gz: found a web page, which starts with "<html></html>", want an archive of CIFAR-10`},
		{"archive without a file", nil, archive(func(files map[string][]byte) { delete(files, "data_batch_5.bin") }),
			"data/cifar-10-binary.tar.gz: found no cifar-10-batches-bin/data_batch_5.bin, want all of the set's files"},
		{"bytes behind an archive", nil, append(bytes.Clone(zip), "rubbish"...),
			`data/cifar-10-binary.tar.gz: found "rubbish" behind the end of the zipped data, want nothing there`},
		{"archive that promises", nil, zipped(t, promise),
			"data/cifar-10-binary.tar.gz, data_batch_1.bin: found 1099511627776 bytes, want at most 30730000"},
		{"web page for a file", func(files map[string][]byte) { files["test_batch.bin"] = []byte("\n<html>") }, nil,
			`data/cifar-10-batches-bin/test_batch.bin: found a web page, which starts with "<html>", want a file of CIFAR-10`},
		{"zipped file that is too long", func(files map[string][]byte) { files["test_batch.bin"] = zipped(t, make([]byte, 10_001*3073)) }, nil,
			"data/cifar-10-batches-bin/test_batch.bin: byte 30730000: found more bytes, want at most 30730000"},
		{"damaged file in an archive", nil, archive(func(files map[string][]byte) { files["data_batch_5.bin"][0] = 77 }),
			"data/cifar-10-binary.tar.gz, data_batch_5.bin: byte 0: found label 77, want 0 to 9"},
	} {
		t.Run(c.name, func(t *testing.T) {
			switch {
			case c.damage != nil:
				files := smallCIFAR()
				c.damage(files)
				layOut(t, "cifar-10-batches-bin", files)
			case c.archive != nil:
				layOut(t, "", map[string][]byte{"cifar-10-binary.tar.gz": c.archive})
			default:
				t.Chdir(t.TempDir())
			}
			_, err := Load("cifar-10", "data", 1)
			if !errors.Is(err, ErrData) {
				t.Fatalf("error is %v, want one that wraps ErrData", err)
			}
			got := strings.TrimPrefix(err.Error(), "data: load set \"cifar-10\": ")
			if got != c.want+fetch && !(c.name == "archive cut off" && strings.HasPrefix(got, c.want) && strings.Contains(got, "unexpected EOF")) {
				t.Errorf("error is\n%s\nwant\n%s", got, c.want+fetch)
			}
			if c.name == "nothing" && !errors.Is(err, fs.ErrNotExist) {
				t.Error("the error does not wrap fs.ErrNotExist")
			}
		})
	}
}

// An archive may hold a file twice, of which nobody can say which one is meant.
func TestLoadCIFAR10Twice(t *testing.T) {
	once := tarred(t, binFolder, map[string][]byte{"test_batch.bin": cifarBytes(1)})
	twice := slices.Concat(once[:len(once)-1024], once) // without the two blocks that end an archive
	_, err := cifarBinary.unpack(bytes.NewReader(twice), int64(len(twice)), "x")
	if err == nil || !strings.Contains(err.Error(), "x, test_batch.bin: found it twice, want one of each file") {
		t.Errorf("error is %v", err)
	}
}

// unzipped is what a gzip file holds, or the file itself if it is none.
func unzipped(t testing.TB, file []byte) []byte {
	t.Helper()
	if !bytes.HasPrefix(file, []byte{0x1f, 0x8b}) {
		return file
	}
	r, err := gzip.NewReader(bytes.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	content, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

// FuzzCIFAR checks that whatever bytes come, as a file or as an archive, reading
// them gives whole records or FileErrors.
func FuzzCIFAR(f *testing.F) {
	for _, raw := range [][]byte{nil, cifarBytes(1, 2), cifarBytes(3)[:3000], cifarBytes(10),
		tarred(f, binFolder, smallCIFAR()), tarred(f, binFolder, smallCIFAR())[:2000]} {
		f.Add(raw)
		f.Add(zipped(f, raw))
	}
	path := filepath.Join("data", "x.bin")
	f.Fuzz(func(t *testing.T, raw []byte) {
		file, err := cifarBinary.read(0, bytes.NewReader(raw), int64(len(raw)), path)
		if err == nil && (len(unzipped(t, raw)) != file.Len()*3073 || len(file.Pixels) != file.Len()*3072 || slices.Max(file.Labels) > 9) {
			t.Errorf("%d bytes gave %d images with %d bytes", len(raw), file.Len(), len(file.Pixels))
		}
		files, archiveErr := cifarBinary.unpack(bytes.NewReader(raw), int64(len(raw)), path)
		if archiveErr == nil && len(files) != 6 {
			t.Errorf("an archive gave %d files", len(files))
		}
		for _, err := range []error{err, archiveErr} {
			bad := FileErrors(err)
			if (err == nil) != (len(bad) == 0) {
				t.Errorf("error is %#v", err)
			}
			for _, b := range bad {
				if !strings.HasPrefix(b.File, path) || b.Found == "" || b.Want == "" {
					t.Errorf("error is %#v", b)
				}
			}
		}
	})
}
