package data

import (
	"bytes"
	"os"
	"slices"
	"strings"
	"testing"
)

// smallPickle is what Python 2.7's cPickle wrote, in protocol 2, of a dict like
// those of CIFAR-10's Python version: two images of labels 9 and 8, otherwise as
// those of [cifarBytes].
func smallPickle(t testing.TB) []byte {
	t.Helper()
	raw, err := os.ReadFile("testdata/cifar_python2.pickle")
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func TestDecodePickle(t *testing.T) {
	got, err := decodePickle(smallPickle(t))
	if err != nil {
		t.Fatal(err)
	}
	want, err := decodeRecords(cifarBytes(9, 8))
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(got.Labels, want.Labels) || !bytes.Equal(got.Pixels, want.Pixels) {
		t.Errorf("labels are %v and %d pixels, want %v and those of the binary version", got.Labels, len(got.Pixels), want.Labels)
	}
}

func TestDecodePickleRefuses(t *testing.T) {
	raw := smallPickle(t)
	swap := func(old, other string) []byte {
		if bytes.Count(raw, []byte(old)) == 0 {
			t.Fatalf("the pickle has no %q", old)
		}
		return bytes.Replace(raw, []byte(old), []byte(other), 1)
	}
	const like = ", want a pickle like the published ones"
	for _, c := range []struct {
		name string
		raw  []byte
		want string
	}{
		{"nothing", nil, "byte 0: found the end of the file" + like},
		{"cut off", raw[:3000], "byte 3000: found the end of the file" + like},
		{"bytes behind", append(bytes.Clone(raw), 0), "byte 6420: found 1 bytes behind the pickle's end" + like},
		{"protocol 4", swap("\x80\x02", "\x80\x04"), "byte 1: found protocol 4" + like},
		{"a shell command", []byte("cos\nsystem\n(S'id'\ntR."), `byte 11: found the name "os system"` + like},
		{"another opcode", []byte("\x80\x02S'id'\n."), `byte 2: found opcode "S"` + like},
		{"no operand", []byte("\x80\x02R."), "byte 2: found an operation without operands" + like},
		{"other numbers", swap("U\x02u1", "U\x02f4"), "byte 6301: found something else than an array of n × 3072 bytes" + like},
		{"columns first", swap("b\x89T", "b\x88T"), "byte 6301: found something else than an array of n × 3072 bytes" + like},
		{"other shape", swap("K\x02M\x00\x0c\x86", "K\x03M\x00\x0c\x86"), "byte 6301: found something else than an array of n × 3072 bytes" + like},
		{"label 10", swap("(K\x09K\x08e", "(K\x09K\x0ae"), "found label 10 of image 1, want 0 to 9"},
		{"a label less", swap("(K\x09K\x08e", "(K\x09e"), "found 1 labels for 2 rows of 3072 bytes, want a label for each row"},
		{"CIFAR-100", swap("U\x06labels", "U\x0bfine_labels"), "found a pickle without them, want a dict with labels (a list) and data (an array of bytes)"},
		{"a dict that holds itself as label", swap("(K\x09K\x08e", "(K\x09}q\x63U\x01xh\x63se"), "found something else as label of image 1, want a number"},
		{"a bomb", slices.Concat([]byte("\x80\x02"), bytes.Repeat([]byte("}"), 100_000), []byte(".")),
			"byte 81001: found more than 81000 opcodes" + like},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := decodePickle(c.raw)
			if err == nil || err.Error() != ": "+c.want+"; get it with: " {
				t.Errorf("error is\n%v, want\n%s", err, c.want)
			}
		})
	}
}

// FuzzPickle checks that whatever bytes come, reading them gives whole images or a
// FileError, and takes no more than a bounded number of steps.
func FuzzPickle(f *testing.F) {
	f.Add(smallPickle(f))
	for _, program := range []string{"", "\x80\x02}.", "(((tttu.", "]q\x01(h\x01h\x01e.", "}(U\x06labels]K\x01au.", "T\xff\xff\xff\xff."} {
		f.Add([]byte(program))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		s, err := decodePickle(raw)
		if err != nil {
			if bad := FileErrors(err); len(bad) != 1 || bad[0].Offset > int64(len(raw)) || bad[0].Found == "" {
				t.Errorf("error is %#v", err)
			}
			return
		}
		if s.Len() == 0 || len(s.Pixels) != s.Len()*3072 || slices.Max(s.Labels) > 9 {
			t.Errorf("%d labels and %d bytes of pixels", s.Len(), len(s.Pixels))
		}
	})
}

func TestLoadCIFAR10Python(t *testing.T) {
	pickle := smallPickle(t)
	files := map[string][]byte{"batches.meta": nil}
	for _, f := range cifarPython.files {
		files[f.name] = pickle
	}
	check := func(t *testing.T) {
		t.Helper()
		set, err := Load("cifar-10", "data", 1)
		if err != nil {
			t.Fatal(err)
		}
		if set.Train.Len() != 10 || !slices.Equal(set.Test.Labels, []uint8{9, 8}) || set.Train.Pixels[9*3072] != 255 || set.Train.Pixels[9*3072+1] != 10 {
			t.Errorf("%d images to train on, test labels %v", set.Train.Len(), set.Test.Labels)
		}
		if f := set.Files[5]; f.Name != "test_batch" || f.Official || f.MD5 != md5Of(pickle) {
			t.Errorf("the last file is %+v", f)
		}
	}
	t.Run("folder", func(t *testing.T) {
		layOut(t, "cifar-10-batches-py", files)
		check(t)
	})
	t.Run("archive", func(t *testing.T) {
		layOut(t, "", map[string][]byte{"cifar-10-python.tar.gz": zipped(t, tarred(t, "cifar-10-batches-py/", files))})
		check(t)
	})
	t.Run("one of other images", func(t *testing.T) {
		files["data_batch_4"] = bytes.Replace(files["data_batch_4"], []byte("K\x09K\x08e"), []byte("K\x09K\x0be"), 1)
		layOut(t, "cifar-10-batches-py", files)
		_, err := Load("cifar-10", "data", 1)
		want := "data/cifar-10-batches-py/data_batch_4: found label 11 of image 1, want 0 to 9; get it with: bgmd data get cifar-10"
		if err == nil || !strings.HasSuffix(err.Error(), want) {
			t.Errorf("error is %v, want %s", err, want)
		}
	})
}
