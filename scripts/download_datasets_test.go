// Package scripts_test runs the project's shell scripts.
package scripts_test

import (
	"bytes"
	"compress/gzip"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestDownloadThenAlreadyThere(t *testing.T) {
	m, dir := newMirror(t), filepath.Join(t.TempDir(), "my data")
	status, stderr := m.run(t, "mnist", dir)
	wantStatus(t, status, 0, stderr)
	wantFiles(t, m, dir)

	status, stderr = m.run(t, "mnist", dir)
	wantStatus(t, status, 0, stderr)
	if len(m.requests) != 0 {
		t.Errorf("second run asked for %q, want nothing", m.requests)
	}
	if got := strings.Count(stderr, "is there already\n"); got != 4 {
		t.Errorf("second run found %d files, want 4:\n%s", got, stderr)
	}
}

func TestMirrorMayZipAnew(t *testing.T) {
	m, dir := newMirror(t), t.TempDir()
	path := "/" + idxNames[0] + ".gz"
	m.files[path] = zip(t, unzip(t, m.files[path]), gzip.HuffmanOnly)
	status, stderr := m.run(t, "mnist", dir)
	wantStatus(t, status, 0, stderr)
	wantFiles(t, m, dir)
}

func TestCorruptFilesGetNoName(t *testing.T) {
	for name, c := range map[string]struct {
		corrupt func(t *testing.T, zipped []byte) []byte
		message string
	}{
		"other contents": {
			func(t *testing.T, _ []byte) []byte { return zip(t, []byte("other"), gzip.DefaultCompression) },
			"MD5 sum 795f3202b17cb6bc3d4b771d8c6c9eaf, want ",
		},
		"not gzip": {
			func(*testing.T, []byte) []byte { return []byte("<html>sign in first</html>") },
			"not a whole gzip file, want ",
		},
		"right contents, wrong check sum": {
			func(_ *testing.T, zipped []byte) []byte {
				zipped = bytes.Clone(zipped)
				zipped[len(zipped)-8] ^= 1
				return zipped
			},
			"not a whole gzip file, want ",
		},
		"cut off at the source": {
			func(_ *testing.T, zipped []byte) []byte { return zipped[:len(zipped)/2] },
			"not a whole gzip file, want ",
		},
	} {
		t.Run(name, func(t *testing.T) {
			m, dir := newMirror(t), t.TempDir()
			path := "/" + idxNames[0] + ".gz"
			m.files[path] = c.corrupt(t, m.files[path])
			status, stderr := m.run(t, "mnist", dir)
			wantStatus(t, status, 1, stderr)
			wantLastLine(t, stderr, m.URL+path+": "+c.message)
			wantEmpty(t, filepath.Join(dir, "mnist"))
		})
	}
}

func TestCutOffThenResume(t *testing.T) {
	m, dir := newMirror(t), t.TempDir()
	path := "/" + idxNames[0] + ".gz"
	m.cut = 20
	status, stderr := m.run(t, "mnist", dir)
	wantStatus(t, status, 1, stderr)
	wantLastLine(t, stderr, m.URL+path+": transfer cut off, run this again to go on")
	if got, want := listing(t, filepath.Join(dir, "mnist")), idxNames[0]+".gz.part"; got != want {
		t.Errorf("folder holds %q, want %q", got, want)
	}

	m.cut = 0
	status, stderr = m.run(t, "mnist", dir)
	wantStatus(t, status, 0, stderr)
	wantFiles(t, m, dir)
	if got, want := m.requests[0], path+" bytes=20-"; got != want {
		t.Errorf("first request is %q, want %q", got, want)
	}
}

func TestPartThatCannotBeContinued(t *testing.T) {
	for name, c := range map[string]struct {
		part    func(zipped []byte) []byte
		noRange bool
	}{
		"server without ranges":    {part: func(zipped []byte) []byte { return zipped[:10] }, noRange: true},
		"first half of other file": {part: func([]byte) []byte { return []byte("something else") }},
		"longer than the file":     {part: func(zipped []byte) []byte { return append(bytes.Clone(zipped), 1, 2, 3) }},
	} {
		t.Run(name, func(t *testing.T) {
			m, dir := newMirror(t), t.TempDir()
			m.noRange = c.noRange
			place(t, filepath.Join(dir, "mnist", idxNames[0]+".gz.part"), c.part(m.files["/"+idxNames[0]+".gz"]))
			status, stderr := m.run(t, "mnist", dir)
			wantStatus(t, status, 0, stderr)
			wantFiles(t, m, dir)
			if !strings.Contains(stderr, ", starting again\n") {
				t.Errorf("messages do not say that the download started again:\n%s", stderr)
			}
		})
	}
}

func TestWholePartNeedsNoNetwork(t *testing.T) {
	m, dir := newMirror(t), t.TempDir()
	for _, name := range idxNames {
		place(t, filepath.Join(dir, "mnist", name+".gz.part"), m.files["/"+name+".gz"])
	}
	status, stderr := m.run(t, "mnist", dir)
	wantStatus(t, status, 0, stderr)
	wantFiles(t, m, dir)
	if len(m.requests) != 0 {
		t.Errorf("asked for %q, want nothing", m.requests)
	}
}

func TestNotFound(t *testing.T) {
	m, dir := newMirror(t), t.TempDir()
	delete(m.files, "/"+idxNames[1]+".gz")
	status, stderr := m.run(t, "mnist", dir)
	wantStatus(t, status, 1, stderr)
	wantLastLine(t, stderr, m.URL+"/"+idxNames[1]+".gz: HTTP status 404")
	if got, want := listing(t, filepath.Join(dir, "mnist")), idxNames[0]+".gz"; got != want {
		t.Errorf("folder holds %q, want %q", got, want)
	}
}

func TestPartOutlivesServerErrors(t *testing.T) {
	m, dir := newMirror(t), t.TempDir()
	part := filepath.Join(dir, "mnist", idxNames[0]+".gz.part")
	place(t, part, m.files["/"+idxNames[0]+".gz"][:10])
	delete(m.files, "/"+idxNames[0]+".gz")
	status, stderr := m.run(t, "mnist", dir)
	wantStatus(t, status, 1, stderr)
	wantLastLine(t, stderr, m.URL+"/"+idxNames[0]+".gz: HTTP status 404, run this again to go on")
	if info, err := os.Stat(part); err != nil || info.Size() != 10 {
		t.Errorf("the first 10 bytes are gone: %v, %v", info, err)
	}
}

func TestBadFileMovesAside(t *testing.T) {
	m, dir := newMirror(t), t.TempDir()
	path := filepath.Join(dir, "mnist", idxNames[0]+".gz")
	place(t, path, []byte("damaged"))
	delete(m.files, "/"+idxNames[0]+".gz")
	status, stderr := m.run(t, "mnist", dir)
	wantStatus(t, status, 1, stderr)
	if got, want := listing(t, filepath.Dir(path)), idxNames[0]+".gz.bad"; got != want {
		t.Errorf("folder holds %q, want %q", got, want)
	}
}

func TestCIFAR10(t *testing.T) {
	m, dir := newMirror(t), t.TempDir()
	target := filepath.Join(dir, "cifar-10-batches-bin")
	status, stderr := m.run(t, "cifar-10", dir)
	wantStatus(t, status, 0, stderr)
	want := "MD5SUMS data_batch_1.bin data_batch_2.bin data_batch_3.bin data_batch_4.bin data_batch_5.bin readme.html test_batch.bin"
	if got := listing(t, target); got != want {
		t.Errorf("folder holds %q, want %q", got, want)
	}
	if got, want := listing(t, dir), "cifar-10-batches-bin"; got != want {
		t.Errorf("data folder holds %q, want %q", got, want)
	}

	status, stderr = m.run(t, "cifar-10", dir)
	wantStatus(t, status, 0, stderr)
	if len(m.requests) != 0 {
		t.Errorf("second run asked for %q, want nothing", m.requests)
	}

	place(t, filepath.Join(target, "test_batch.bin"), []byte("damaged"))
	status, stderr = m.run(t, "cifar-10", dir)
	wantStatus(t, status, 0, stderr)
	if got, err := os.ReadFile(filepath.Join(target, "test_batch.bin")); err != nil || string(got) != "test_batch.bin" {
		t.Errorf("a damaged file became %q, %v", got, err)
	}
}

func TestSeveralSets(t *testing.T) {
	m, dir := newMirror(t), t.TempDir()
	status, stderr := m.run(t, "cifar-10", "mnist", dir)
	wantStatus(t, status, 0, stderr)
	wantFiles(t, m, dir)
	if got, want := listing(t, dir), "cifar-10-batches-bin mnist"; got != want {
		t.Errorf("data folder holds %q, want %q", got, want)
	}
}

func TestCIFAR10Corrupt(t *testing.T) {
	m, dir := newMirror(t), t.TempDir()
	m.files["/cifar-10-binary.tar.gz"] = zip(t, []byte("no archive"), gzip.DefaultCompression)
	status, stderr := m.run(t, "cifar-10", dir)
	wantStatus(t, status, 1, stderr)
	wantLastLine(t, stderr, m.URL+"/cifar-10-binary.tar.gz: MD5 sum ")
	wantEmpty(t, dir)
}

func TestUsage(t *testing.T) {
	for _, c := range []struct {
		args    []string
		status  int
		message string
	}{
		{[]string{"imagenet"}, 2, "found 'imagenet' and no set before it (have fashion-mnist, mnist, cifar-10, all); see download_datasets.sh --help"},
		{[]string{"--force"}, 2, "unknown option --force; see download_datasets.sh --help"},
		{[]string{"mnist", "imagenet", "data"}, 2, "unknown set 'imagenet' (have fashion-mnist, mnist, cifar-10, all); see download_datasets.sh --help"},
		{[]string{"fashion-mnist"}, 1, "no MD5 sum for fashion-mnist/train-images-idx3-ubyte in "},
		{[]string{"--help"}, 0, ""},
	} {
		m := newMirror(t)
		status, stderr := m.run(t, c.args...)
		wantStatus(t, status, c.status, stderr)
		if c.message != "" {
			wantLastLine(t, stderr, c.message)
		}
	}
}

func wantStatus(t *testing.T, got, want int, stderr string) {
	t.Helper()
	if got != want {
		t.Fatalf("exit status is %d, want %d:\n%s", got, want, stderr)
	}
}

// wantLastLine wants the last line of stderr to be the script's name and a text
// that starts with message.
func wantLastLine(t *testing.T, stderr, message string) {
	t.Helper()
	lines := strings.Split(strings.TrimSpace(stderr), "\n")
	if last := lines[len(lines)-1]; !strings.HasPrefix(last, "download_datasets.sh: "+message) {
		t.Errorf("last line is %q, want %q", last, message)
	}
}

// wantFiles wants dir to hold the files of the mnist set as the mirror has
// them, and nothing else.
func wantFiles(t *testing.T, m *mirror, dir string) {
	t.Helper()
	for _, name := range idxNames {
		got, err := os.ReadFile(filepath.Join(dir, "mnist", name+".gz"))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, m.files["/"+name+".gz"]) {
			t.Errorf("%s.gz is not the mirror's", name)
		}
	}
	if got, want := strings.Count(listing(t, filepath.Join(dir, "mnist")), " "), len(idxNames)-1; got != want {
		t.Errorf("folder holds %s", listing(t, filepath.Join(dir, "mnist")))
	}
}

func wantEmpty(t *testing.T, dir string) {
	t.Helper()
	if got := listing(t, dir); got != "" {
		t.Errorf("folder holds %q, want nothing", got)
	}
}

func listing(t *testing.T, dir string) string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, entry := range entries {
		names = append(names, entry.Name())
	}
	return strings.Join(names, " ")
}
