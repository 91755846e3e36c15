package download

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/md5"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

var idxNames = []string{
	"train-images-idx3-ubyte", "train-labels-idx1-ubyte",
	"t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte",
}

// mirror serves the files of a set, and misbehaves on request.
type mirror struct {
	*httptest.Server
	mu       sync.Mutex        // held while a request is answered
	files    map[string][]byte // by URL path; a test may change what is served
	sums     string            // a BGMD_SUMS file for the files as they were
	cut      int               // if > 0, replies break off after so many bytes
	silent   bool              // then say no more, instead of closing the connection
	status   int               // of all replies, if not 0
	huge     bool              // announce one byte more than is allowed
	moved    string            // where all requests are sent, if not empty
	noRange  bool              // serve the whole file whatever is asked for
	requests []string          // path, and the Range header if there is one
}

func (m *mirror) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.requests = append(m.requests, strings.TrimSpace(r.URL.Path+" "+r.Header.Get("Range")))
	body, ok := m.files[r.URL.Path]
	switch {
	case m.status != 0:
		w.WriteHeader(m.status)
		_, _ = w.Write([]byte("<html>"))
	case m.huge:
		w.Header().Set("Content-Length", fmt.Sprint(maxBytes+1))
		w.WriteHeader(http.StatusOK)
	case m.moved != "":
		http.Redirect(w, r, m.moved+r.URL.Path, http.StatusFound)
	case !ok:
		http.NotFound(w, r)
	case m.cut > 0:
		w.Header().Set("Content-Length", fmt.Sprint(len(body)))
		_, _ = w.Write(body[:m.cut])
		w.(http.Flusher).Flush()
		if m.silent {
			<-r.Context().Done()
		}
		panic(http.ErrAbortHandler) // closes the connection
	case m.noRange:
		_, _ = w.Write(body)
	default:
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(body))
	}
}

// newMirror serves small files with the names of the mnist set and an archive
// with those of CIFAR-10.
func newMirror(t *testing.T) *mirror {
	m := &mirror{files: map[string][]byte{}}
	var sums strings.Builder
	for i, name := range idxNames {
		content := bytes.Repeat([]byte{byte(i), 7, byte(3 * i)}, 1000+i)
		m.files["/"+name+".gz"] = zip(t, content, gzip.DefaultCompression)
		fmt.Fprintf(&sums, "%x  mnist/%s\n", md5.Sum(content), name)
	}
	archive := zip(t, cifarTar(t), gzip.DefaultCompression)
	m.files["/cifar-10-binary.tar.gz"] = archive
	fmt.Fprintf(&sums, "%x\tcifar-10/cifar-10-binary.tar\n", md5.Sum(archive))
	m.sums = filepath.Join(t.TempDir(), "sums")
	if err := os.WriteFile(m.sums, []byte(sums.String()), 0o644); err != nil {
		t.Fatal(err)
	}
	m.Server = httptest.NewServer(m)
	t.Cleanup(m.Close)
	return m
}

// get downloads a set from the mirror alone, with its sums.
func (m *mirror) get(t *testing.T, set, dir string) (news string, err error) {
	t.Helper()
	return m.getter(dir).get(t, set)
}

func (m *mirror) getter(dir string) *getter {
	g := &getter{env: map[string]string{
		"BGMD_SUMS": m.sums, "BGMD_MNIST_URL": m.URL + "/", "BGMD_CIFAR_10_URL": m.URL, "BGMD_FASHION_MNIST_URL": m.URL + "/fashion",
	}}
	g.Getter = Getter{Dir: dir, Getenv: func(name string) string { return g.env[name] }, Pause: time.Millisecond,
		Say: func(line string) { fmt.Fprintln(&g.news, line) }}
	m.mu.Lock()
	m.requests = nil
	m.mu.Unlock()
	return g
}

// getter is a Getter in an environment of its own that notes its news.
type getter struct {
	Getter
	env  map[string]string
	news strings.Builder
}

func (g *getter) get(t *testing.T, set string) (news string, err error) {
	t.Helper()
	err = g.Get(t.Context(), set)
	return g.news.String(), err
}

func put(t *testing.T, path string, content []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, content, 0o644); err != nil {
		t.Fatal(err)
	}
}

func zip(t *testing.T, content []byte, level int) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := gzip.NewWriterLevel(&b, level)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(content); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func unzip(t *testing.T, zipped []byte) []byte {
	t.Helper()
	r, err := gzip.NewReader(bytes.NewReader(zipped))
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if _, err := b.ReadFrom(r); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// cifarTar is an archive with the names of the official one; each file holds
// its own name.
func cifarTar(t *testing.T) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, name := range []string{"data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin",
		"data_batch_4.bin", "data_batch_5.bin", "test_batch.bin", "readme.html"} {
		header := &tar.Header{Name: "cifar-10-batches-bin/" + name, Mode: 0o644, Size: int64(len(name))}
		if err := w.WriteHeader(header); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(name)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// umask sets the process's umask until the test ends.
func umask(t *testing.T, mask int) {
	old := unix.Umask(mask)
	t.Cleanup(func() { unix.Umask(old) })
}
