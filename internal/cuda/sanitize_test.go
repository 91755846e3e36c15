//go:build gpu && linux

package cuda

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// recording names the tests whose launches are run again under sanitizers: all kernels on
// odd shapes.
const recording = "Test(.*Host|Tiles.*|Gram|Combine|SortedMean|RowSquares|Rows.*|Largest|Block.*|Score.*|Steps|Norm.*|Scale.*)$"

// Compilers' flags: memory and undefined behaviour with threads in turn, races with
// threads of the system.
var (
	memorySanitizers = []string{"-fsanitize=address,undefined", "-fno-sanitize-recover=undefined"} //nolint:misspell // the flags' names
	threadSanitizer  = []string{"-fsanitize=thread", "-DEMULATE_THREADS"}
)

// record runs tests in a process of its own and returns a file with their launches.
func record(t *testing.T) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "launches")
	c := exec.Command(os.Args[0], "-test.run", recording)
	c.Env = append(os.Environ(), "EMULATED_RECORD="+file)
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return file
}

// replayer compiles replay.cc, with the kernels of dir, under sanitizers.
func replayer(t *testing.T, dir string, flags []string) string {
	t.Helper()
	compiler, err := exec.LookPath("g++")
	if err != nil {
		t.Skip("no g++")
	}
	file := filepath.Join(t.TempDir(), "replay")
	args := append([]string{"-std=c++20", "-O1", "-g", "-mfma", "-ffp-contract=off", filepath.Join(dir, "emulator", "replay.cc"), "-o", file}, flags...)
	if out, err := exec.Command(compiler, args...).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return file
}

// All kernels are clean under AddressSanitizer and UndefinedBehaviorSanitizer, those with
// barriers under ThreadSanitizer with a thread of the system for each of theirs, and bugs
// that are planted in them are found, and named. (A forgotten wait is shown by TestStreams.)
func TestSanitizers(t *testing.T) {
	onEmulator(t)
	if testing.Short() {
		t.Skip("takes half a minute")
	}
	file := record(t)
	t.Run("memory", func(t *testing.T) { testClean(t, file, memorySanitizers, "100", "3", kernelsWith(t, "")) })
	t.Run("threads", func(t *testing.T) { testClean(t, file, threadSanitizer, "2", "1", kernelsWith(t, "bar.sync")) })
	t.Run("planted", func(t *testing.T) { testPlanted(t, file) })
}

// kernelsWith lists the kernels in whose PTX a word is.
func kernelsWith(t *testing.T, word string) []string {
	t.Helper()
	var names []string
	for _, kernel := range bytes.Split(ptx, entryDirective)[1:] {
		if bytes.Contains(kernel, []byte(word)) {
			names = append(names, string(kernel[:bytes.IndexByte(kernel, '(')]))
		}
	}
	return names
}

func testClean(t *testing.T, file string, flags []string, blocks, launches string, kernels []string) {
	out, err := exec.Command(replayer(t, ".", flags), file, blocks, launches, ","+strings.Join(kernels, ",")+",").CombinedOutput()
	if err != nil || !strings.Contains(string(out), " of "+strconv.Itoa(len(kernels))+" kernels") {
		t.Errorf("%v, want %d kernels clean\n%s", err, len(kernels), out)
	}
}

func testPlanted(t *testing.T, file string) {
	for _, c := range []struct {
		name, file, old, planted string
		flags                    []string
		blocks, kernel, want     string
	}{
		{"missing barrier", "conv.cu", "\t\tif (more) store(s ^ 1);\n\t\tbarrier();\n", "\t\tif (more) store(s ^ 1);\n",
			threadSanitizer, "1", "conv_forward_64", "data race"},
		{"out of bounds", "dense.cu", "if (i < total) out[i] = x[i] * by[i];", "out[i] = x[i] * by[i];",
			memorySanitizers, "100", "scale", "heap-buffer-overflow"},
		{"misaligned load", "device.h", "if (vector && left >= 4)", "if (left >= 4)",
			memorySanitizers, "2", "conv_forward_thin", "misaligned address"},
		{"divergent barrier", "loss.cu", "\tbarrier();\n\tfloat scale = 1", "\tif (threadIdx.x < 64) barrier();\n\tfloat scale = 1",
			memorySanitizers, "2", "softmax_grad", "a barrier that not all threads reach"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := planted(t, c.file, c.old, c.planted)
			out, err := exec.Command(replayer(t, dir, c.flags), file, c.blocks, "3", ","+c.kernel+",").CombinedOutput()
			if err == nil || !strings.Contains(string(out), c.want) {
				t.Errorf("%v, want %q in\n%s", err, c.want, out)
			}
		})
	}
}

// planted copies the sources with the first old in a file replaced, and of the kernels that
// file alone, or the convolutions.
func planted(t *testing.T, file, old, bug string) string {
	t.Helper()
	dir := t.TempDir()
	for _, part := range []string{"emulator", "kernels"} {
		if err := os.CopyFS(filepath.Join(dir, part), os.DirFS(part)); err != nil {
			t.Fatal(err)
		}
	}
	path := filepath.Join(dir, "kernels", file)
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(text), old) {
		t.Fatalf("%s has no %q", file, old)
	}
	if err := os.WriteFile(path, []byte(strings.Replace(string(text), old, bug, 1)), 0o644); err != nil {
		t.Fatal(err)
	}
	only := file
	if file == "device.h" {
		only = "conv.cu"
	}
	if err := os.WriteFile(filepath.Join(dir, "kernels", "kernels.cu"), []byte("#include \""+only+"\"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	return dir
}
