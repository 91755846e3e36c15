package download

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/bgmd/bgmd/internal/lockfile"
)

const firstPath = "/train-images-idx3-ubyte.gz"

func TestGetThenAlreadyThere(t *testing.T) {
	m, dir := newMirror(t), filepath.Join(t.TempDir(), "my data")
	g := m.getter(dir)
	last, calls := int64(0), 0
	g.Progress = func(done, total int64) {
		calls++
		if last = done; done > total {
			t.Errorf("%d of %d bytes are done", done, total)
		}
	}
	if _, err := g.get(t, "mnist"); err != nil {
		t.Fatal(err)
	}
	wantFiles(t, m, dir)
	if want := int64(len(m.files["/"+idxNames[3]+".gz"])); last != want || calls < 4 {
		t.Errorf("%d calls told of progress, last of %d bytes, want %d", calls, last, want)
	}
	news, err := m.get(t, "mnist", dir)
	if err != nil || len(m.requests) != 0 || strings.Count(news, "is there already\n") != 4 {
		t.Errorf("second call: %v, asked for %q, says\n%s", err, m.requests, news)
	}
}

func TestMirrorMayZipAnew(t *testing.T) {
	m, dir := newMirror(t), t.TempDir()
	m.files[firstPath] = zip(t, unzip(t, m.files[firstPath]), gzip.HuffmanOnly)
	if _, err := m.get(t, "mnist", dir); err != nil {
		t.Fatal(err)
	}
	wantFiles(t, m, dir)
}

// What is wrong gets no name and leaves nothing, and the message says what it is.
func TestWrongFiles(t *testing.T) {
	for _, c := range []struct {
		name    string
		corrupt func(zipped []byte) []byte
		want    string
	}{
		{"other contents", func([]byte) []byte { return zip(t, []byte("other"), gzip.DefaultCompression) },
			"MD5 sum 795f3202b17cb6bc3d4b771d8c6c9eaf, want "},
		{"web page", func([]byte) []byte { return []byte("<html>sign in first</html>") },
			`no gzip file, it starts with "<html>sign in first</html>"`},
		{"wrong check sum", func(z []byte) []byte { z = bytes.Clone(z); z[len(z)-8] ^= 1; return z },
			"not a whole gzip file: gzip: invalid checksum\n"},
		{"cut off at the source", func(z []byte) []byte { return z[:len(z)/2] },
			"not a whole gzip file: unexpected EOF\n"},
		{"bytes behind", func(z []byte) []byte { return append(bytes.Clone(z), "rubbish after it"...) },
			"not a whole gzip file: gzip: invalid header\n"},
		{"nothing", func([]byte) []byte { return nil },
			`no gzip file, it starts with ""`},
	} {
		t.Run(c.name, func(t *testing.T) {
			m, dir := newMirror(t), t.TempDir()
			m.files[firstPath] = c.corrupt(m.files[firstPath])
			_, err := m.get(t, "mnist", dir)
			wantError(t, err, "download mnist: "+m.URL+firstPath+": "+c.want)
			wantListing(t, filepath.Join(dir, "mnist"), "")
		})
	}
}

func TestCutOffThenResume(t *testing.T) {
	m, dir := newMirror(t), t.TempDir()
	m.cut = 20
	_, err := m.get(t, "mnist", dir)
	wantError(t, err, "download mnist: "+m.URL+firstPath+": transfer cut off, run this again to go on\n")
	wantListing(t, filepath.Join(dir, "mnist"), idxNames[0]+".gz.part")
	if len(m.requests) != 3 {
		t.Errorf("asked for %q, want three tries", m.requests)
	}
	m.cut = 0
	if _, err := m.get(t, "mnist", dir); err != nil {
		t.Fatal(err)
	}
	wantFiles(t, m, dir)
	if got, want := m.requests[0], firstPath+" bytes=20-"; got != want {
		t.Errorf("first request is %q, want %q", got, want)
	}
}

func TestPartThatCannotBeContinued(t *testing.T) {
	for _, c := range []struct {
		name    string
		part    func(zipped []byte) []byte
		noRange bool
	}{
		{"server without ranges", func(z []byte) []byte { return z[:10] }, true},
		{"first half of another file", func([]byte) []byte { return []byte("something else") }, false},
		{"longer than the file", func(z []byte) []byte { return append(bytes.Clone(z), 1, 2, 3) }, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			m, dir := newMirror(t), t.TempDir()
			m.noRange = c.noRange
			put(t, filepath.Join(dir, "mnist", idxNames[0]+".gz.part"), c.part(m.files[firstPath]))
			news, err := m.get(t, "mnist", dir)
			if err != nil || !strings.Contains(news, ", starting again\n") {
				t.Errorf("error is %v, news\n%s", err, news)
			}
			wantFiles(t, m, dir)
		})
	}
}

func TestWholePartNeedsNoNetwork(t *testing.T) {
	m, dir := newMirror(t), t.TempDir()
	for _, name := range idxNames {
		put(t, filepath.Join(dir, "mnist", name+".gz.part"), m.files["/"+name+".gz"])
	}
	if _, err := m.get(t, "mnist", dir); err != nil || len(m.requests) != 0 {
		t.Errorf("error is %v, asked for %q", err, m.requests)
	}
	wantFiles(t, m, dir)
}

// Whoever has no network is told what to set and which files to put where.
func TestWithoutNetwork(t *testing.T) {
	m, dir := newMirror(t), t.TempDir()
	for _, name := range []string{idxNames[0], idxNames[3]} {
		put(t, filepath.Join(dir, "mnist", name+".gz"), m.files["/"+name+".gz"])
	}
	m.Close()
	_, err := m.get(t, "mnist", dir)
	wantError(t, err, "download mnist: "+m.URL+"/train-labels-idx1-ubyte.gz: dial tcp ")
	want := "\nset BGMD_MNIST_URL to the URL of a mirror's folder (several, separated by spaces, are tried in turn), or put in place yourself:"
	for _, name := range idxNames[1:3] {
		want += "\n  " + filepath.Join(dir, "mnist", name+".gz")
	}
	if !strings.HasSuffix(err.Error(), want) {
		t.Errorf("error is\n%v\nwant an end of\n%s", err, want)
	}
}

// A part stays when a server has no answer for it, and goes on at the next mirror.
func TestMirrorsInTurn(t *testing.T) {
	bad, good, dir := newMirror(t), newMirror(t), t.TempDir()
	part := filepath.Join(dir, "mnist", idxNames[0]+".gz.part")
	put(t, part, good.files[firstPath][:10])
	bad.status = http.StatusServiceUnavailable
	g := good.getter(dir)
	g.env["BGMD_MNIST_URL"] = bad.URL
	_, err := g.get(t, "mnist")
	wantError(t, err, "download mnist: "+bad.URL+firstPath+": HTTP status 503 Service Unavailable, run this again to go on\n")
	if len(bad.requests) != 3 || size(part) != 10 {
		t.Errorf("%d bytes are there after %q", size(part), bad.requests)
	}
	bad.status = http.StatusNotFound
	g.env["BGMD_MNIST_URL"] += " " + good.URL
	if _, err := g.get(t, "mnist"); err != nil {
		t.Fatal(err)
	}
	if got, want := good.requests[0], firstPath+" bytes=10-"; got != want {
		t.Errorf("the second mirror was asked for %q, want %q", got, want)
	}
	wantFiles(t, good, dir)
}

func TestNotFound(t *testing.T) {
	m, dir := newMirror(t), t.TempDir()
	delete(m.files, "/"+idxNames[1]+".gz")
	_, err := m.get(t, "mnist", dir)
	wantError(t, err, "download mnist: "+m.URL+"/"+idxNames[1]+".gz: HTTP status 404 Not Found\n")
	wantListing(t, filepath.Join(dir, "mnist"), idxNames[0]+".gz")
}

func TestRedirects(t *testing.T) {
	from, to, dir := newMirror(t), newMirror(t), t.TempDir()
	from.moved = to.URL
	if _, err := from.get(t, "mnist", dir); err != nil {
		t.Fatal(err)
	}
	wantFiles(t, to, dir)
	for _, moved := range []string{"file:///etc", "ftp://127.0.0.1"} {
		from.moved = moved
		_, err := from.get(t, "mnist", t.TempDir())
		wantError(t, err, "download mnist: "+from.URL+firstPath+": redirected to "+moved+firstPath+", want http or https\n")
	}
	from.moved = from.URL
	_, err := from.get(t, "mnist", t.TempDir())
	wantError(t, err, "download mnist: "+from.URL+firstPath+": redirected 10 times\n")
}

func TestSilentServer(t *testing.T) {
	m, dir := newMirror(t), t.TempDir()
	m.cut, m.silent = 20, true
	g := m.getter(dir)
	g.Stall = 50 * time.Millisecond
	_, err := g.get(t, "mnist")
	wantError(t, err, "download mnist: "+m.URL+firstPath+": timed out: the server is silent, run this again to go on\n")
	wantListing(t, filepath.Join(dir, "mnist"), idxNames[0]+".gz.part")
}

// Ctrl-C ends the context.
func TestInterrupted(t *testing.T) {
	m, dir := newMirror(t), t.TempDir()
	m.cut, m.silent = 20, true
	ctx, cancel := context.WithCancel(t.Context())
	g := m.getter(dir)
	g.Progress = func(int64, int64) { cancel() }
	err := g.Get(ctx, "mnist")
	if want := "download mnist: " + m.URL + firstPath + ": interrupted, the same command goes on"; err == nil || err.Error() != want {
		t.Errorf("error is %v, want %s", err, want)
	}
	wantListing(t, filepath.Join(dir, "mnist"), idxNames[0]+".gz.part")
}

// A file that is larger than any that is published is refused, whether the server
// says so before or goes on sending.
func TestTooLarge(t *testing.T) {
	m, dir := newMirror(t), t.TempDir()
	m.huge = true
	_, err := m.get(t, "mnist", dir)
	wantError(t, err, "download mnist: "+m.URL+firstPath+": the file has 268435457 bytes, want at most 268435456\n")
	wantListing(t, filepath.Join(dir, "mnist"), "")
}

func TestWrongFileMovesAside(t *testing.T) {
	m, dir := newMirror(t), t.TempDir()
	path := filepath.Join(dir, "mnist", idxNames[0]+".gz")
	delete(m.files, firstPath)
	for range 2 { // the first one is not lost to the second
		put(t, path, []byte("damaged"))
		if _, err := m.get(t, "mnist", dir); err == nil {
			t.Error("no error")
		}
	}
	wantListing(t, filepath.Dir(path), idxNames[0]+".gz.bad "+idxNames[0]+".gz.bad2")
}

// Somebody else could have put a link, or another name of a file, where the first
// part goes, even of a whole file.
func TestPartIsNobodyElsesFile(t *testing.T) {
	m := newMirror(t)
	for _, content := range []string{"precious", string(m.files[firstPath])} {
		for name, c := range map[string]struct {
			make func(old, new string) error
			want string
		}{
			"link":      {os.Symlink, "it is a link, want a regular file"},
			"hard link": {os.Link, "it is a file with another name too, want one of its own"},
		} {
			if content != "precious" && name == "hard link" {
				continue // nothing is written to it
			}
			dir := t.TempDir()
			victim, part := filepath.Join(dir, "victim"), filepath.Join(dir, "mnist", idxNames[0]+".gz.part")
			put(t, victim, []byte(content))
			put(t, part, nil)
			if err := errors.Join(os.Remove(part), c.make(victim, part)); err != nil {
				t.Skip(err)
			}
			_, err := m.get(t, "mnist", dir)
			wantError(t, err, "download mnist: "+m.URL+firstPath+": open "+part+": "+c.want)
			if got, err := os.ReadFile(victim); string(got) != content {
				t.Errorf("the %s's file holds %q, %v", name, got, err)
			}
		}
	}
}

// A folder for data that another user has put a link to is not written to.
func TestForeignFolderIsNotFollowed(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("gives links to another user, as root alone can")
	}
	const other = 12345
	for _, name := range []string{"", "mnist"} { // the folder of all data, and of the set
		m, dir, mine := newMirror(t), t.TempDir(), t.TempDir()
		data := filepath.Join(dir, "data")
		link := filepath.Join(data, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(link), 0o755), os.Symlink(mine, link), os.Lchown(link, other, other)); err != nil {
			t.Skip(err)
		}
		_, err := m.get(t, "mnist", data)
		if want := fmt.Sprintf("follow %s: it is a link that user %d has put there, to %q: if you want that, name it instead", link, other, mine); err == nil ||
			!strings.HasSuffix(err.Error(), want) {
			t.Errorf("error is\n%v, want\n%s", err, want)
		}
		wantListing(t, mine, "")
	}
}

// A pipe in the place of the sums of what was unpacked is no reason to wait.
func TestPipeForSums(t *testing.T) {
	m, dir := newMirror(t), t.TempDir()
	pipe := filepath.Join(dir, "cifar-10-batches-bin", "MD5SUMS")
	put(t, pipe, nil)
	if err := errors.Join(os.Remove(pipe), unix.Mkfifo(pipe, 0o600)); err != nil {
		t.Skip(err)
	}
	if _, err := m.get(t, "cifar-10", dir); err != nil {
		t.Error(err)
	}
	if info, err := os.Lstat(pipe); err != nil || !info.Mode().IsRegular() {
		t.Errorf("the sums are %v, %v", info, err)
	}
}

func TestTwoAtOnce(t *testing.T) {
	m, dir := newMirror(t), t.TempDir()
	lock, err := lockfile.Acquire(filepath.Join(dir, ".mnist.lock"))
	if err != nil {
		t.Fatal(err)
	}
	_, err = m.get(t, "mnist", dir)
	wantError(t, err, fmt.Sprintf("process %d is downloading mnist into %s already", os.Getpid(), dir))
	if err := lock.Release(); err != nil {
		t.Fatal(err)
	}
}

func TestCIFAR10(t *testing.T) {
	m, dir := newMirror(t), t.TempDir()
	target := filepath.Join(dir, "cifar-10-batches-bin")
	const all = "MD5SUMS data_batch_1.bin data_batch_2.bin data_batch_3.bin data_batch_4.bin data_batch_5.bin readme.html test_batch.bin"
	for range 2 {
		if _, err := m.get(t, "cifar-10", dir); err != nil {
			t.Fatal(err)
		}
		wantListing(t, target, all)
		wantListing(t, dir, "cifar-10-batches-bin")
	}
	if len(m.requests) != 0 {
		t.Errorf("second call asked for %q, want nothing", m.requests)
	}
	put(t, filepath.Join(target, "test_batch.bin"), []byte("damaged"))
	if _, err := m.get(t, "cifar-10", dir); err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(filepath.Join(target, "test_batch.bin")); err != nil || string(got) != "test_batch.bin" {
		t.Errorf("a damaged file became %q, %v", got, err)
	}
	wantListing(t, target, all+" test_batch.bin.bad")
}

func TestCIFAR10Corrupt(t *testing.T) {
	m, dir := newMirror(t), t.TempDir()
	m.files["/cifar-10-binary.tar.gz"] = zip(t, []byte("no archive"), gzip.DefaultCompression)
	_, err := m.get(t, "cifar-10", dir)
	wantError(t, err, "download cifar-10: "+m.URL+"/cifar-10-binary.tar.gz: MD5 sum ")
	wantListing(t, dir, "")
}

func TestVariables(t *testing.T) {
	m := newMirror(t)
	g := m.getter(t.TempDir())
	g.env["BGMD_MNIST_URL"] = m.URL + " file:///srv/mirror"
	_, err := g.get(t, "mnist")
	wantError(t, err, `BGMD_MNIST_URL has "file:///srv/mirror", want URLs that start with http:// or https://`)
	_, err = m.get(t, "fashion-mnist", t.TempDir())
	wantError(t, err, "no MD5 sum for fashion-mnist/train-images-idx3-ubyte in "+m.sums+", which BGMD_SUMS names")
	if got := fmt.Sprint(Sets()); got != "[cifar-10 fashion-mnist mnist]" {
		t.Errorf("sets are %s", got)
	}
}

// The modes are what the umask leaves of 666 and 777, so that a group can share a
// data folder.
func TestModes(t *testing.T) {
	umask(t, 0o002)
	m, dir := newMirror(t), filepath.Join(t.TempDir(), "data")
	for _, set := range []string{"mnist", "cifar-10"} {
		if _, err := m.get(t, set, dir); err != nil {
			t.Fatal(err)
		}
	}
	for name, want := range map[string]os.FileMode{
		".": 0o775, "mnist": 0o775, "mnist/" + idxNames[0] + ".gz": 0o664, "cifar-10-batches-bin": 0o775, "cifar-10-batches-bin/test_batch.bin": 0o664,
	} {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if got := info.Mode().Perm(); got != want {
			t.Errorf("%s has mode %o, want %o", name, got, want)
		}
	}
}

func wantError(t *testing.T, err error, start string) {
	t.Helper()
	if err == nil || !strings.HasPrefix(err.Error(), start) {
		t.Fatalf("error is\n%v, want\n%s", err, start)
	}
}

// wantFiles wants dir to hold the files of the mnist set as the mirror has them,
// and nothing else.
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
	wantListing(t, filepath.Join(dir, "mnist"),
		"t10k-images-idx3-ubyte.gz t10k-labels-idx1-ubyte.gz train-images-idx3-ubyte.gz train-labels-idx1-ubyte.gz")
}

func wantListing(t *testing.T, dir, want string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, entry := range entries {
		names = append(names, entry.Name())
	}
	if got := strings.Join(names, " "); got != want {
		t.Errorf("%s holds %q, want %q", dir, got, want)
	}
}
