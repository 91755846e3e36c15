// Package scripts_test runs the project's shell scripts.
package scripts_test

import (
	"bytes"
	"compress/gzip"
	"crypto/md5"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

var idxNames = []string{
	"train-images-idx3-ubyte", "train-labels-idx1-ubyte",
	"t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte",
}

// checkout is a folder with the script and the program that it runs.
func checkout(t *testing.T) string {
	t.Helper()
	for _, tool := range []string{"sh", "go"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("%s is not installed", tool)
		}
	}
	root := t.TempDir()
	script, err := os.ReadFile("download_datasets.sh")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(root, "scripts", "download_datasets.sh")
	if err := errors.Join(os.Mkdir(filepath.Dir(path), 0o755), os.WriteFile(path, script, 0o755)); err != nil {
		t.Fatal(err)
	}
	build := exec.Command("go", "build", "-o", filepath.Join(root, "bin", "bgmd"), "../cmd/bgmd")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return root
}

// mirror serves small files with the names of the mnist set.
type mirror struct {
	*httptest.Server
	files map[string][]byte // by URL path
	sums  string            // a BGMD_SUMS file
}

func newMirror(t *testing.T) *mirror {
	t.Helper()
	m := &mirror{files: map[string][]byte{}, sums: filepath.Join(t.TempDir(), "sums")}
	var sums strings.Builder
	for i, name := range idxNames {
		content := bytes.Repeat([]byte{byte(i), 7}, 1000+i)
		var b bytes.Buffer
		w := gzip.NewWriter(&b)
		if _, err := w.Write(content); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		m.files["/"+name+".gz"] = b.Bytes()
		fmt.Fprintf(&sums, "%x  mnist/%s\n", md5.Sum(content), name)
	}
	if err := os.WriteFile(m.sums, []byte(sums.String()), 0o644); err != nil {
		t.Fatal(err)
	}
	m.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if body, ok := m.files[r.URL.Path]; ok {
			_, _ = w.Write(body)
			return
		}
		http.NotFound(w, r)
	}))
	t.Cleanup(m.Close)
	return m
}

// run runs the script in a folder of its own with the mirror's address and sums.
func run(t *testing.T, root string, m *mirror, args ...string) (status int, output string) {
	t.Helper()
	cmd := exec.Command("sh", append([]string{filepath.Join(root, "scripts", "download_datasets.sh")}, args...)...)
	cmd.Dir = t.TempDir()
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + cmd.Dir, "BGMD_SUMS=" + m.sums,
		"BGMD_MNIST_URL=" + m.URL + "/", "BGMD_CIFAR_10_URL=" + m.URL, "BGMD_FASHION_MNIST_URL=" + m.URL + "/fashion"}
	out, err := cmd.CombinedOutput()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return exit.ExitCode(), string(out)
	}
	if err != nil {
		t.Fatal(err)
	}
	return 0, string(out)
}

// The script takes what it took before bgmd could download: sets, and a folder
// behind them.
func TestDownloadDatasets(t *testing.T) {
	root, m, dir := checkout(t), newMirror(t), filepath.Join(t.TempDir(), "my data")
	for range 2 {
		if status, output := run(t, root, m, "mnist", dir); status != 0 {
			t.Fatalf("exit status is %d:\n%s", status, output)
		}
	}
	for _, name := range idxNames {
		got, err := os.ReadFile(filepath.Join(dir, "mnist", name+".gz"))
		if err != nil || !bytes.Equal(got, m.files["/"+name+".gz"]) {
			t.Errorf("%s.gz is not the mirror's: %v", name, err)
		}
	}
	for _, c := range []struct {
		args   []string
		status int
		want   string
	}{
		{[]string{"mnist", "-dir"}, 0, "fetching " + m.URL},
		{[]string{"imagenet"}, 2, "download_datasets.sh: found 'imagenet' and no set before it (have fashion-mnist, mnist, cifar-10, all); see download_datasets.sh --help"},
		{[]string{"--force"}, 2, "download_datasets.sh: unknown option --force; see download_datasets.sh --help"},
		{[]string{"mnist", "imagenet", "data"}, 2, "download_datasets.sh: unknown set 'imagenet' (have fashion-mnist, mnist, cifar-10, all); see download_datasets.sh --help"},
		{[]string{"fashion-mnist"}, 1, "bgmd: no MD5 sum for fashion-mnist/train-images-idx3-ubyte in "},
		{nil, 1, "bgmd: no MD5 sum for cifar-10/cifar-10-binary.tar in "},
		{[]string{"--help"}, 0, "usage: download_datasets.sh [SET...] [DIR]"},
	} {
		if status, output := run(t, root, m, c.args...); status != c.status || !strings.HasPrefix(output, c.want) {
			t.Errorf("%v: exit status is %d, want %d and\n%s\noutput is\n%s", c.args, status, c.status, c.want, output)
		}
	}
}
