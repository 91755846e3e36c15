//go:build gpu && linux

package cuda

import (
	"bytes"
	"errors"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/bgmd/bgmd/internal/cuda/cudatest"
)

// onEmulator skips a test of what only the emulator does.
func onEmulator(t *testing.T) {
	if filepath.Base(os.Getenv(LibraryVariable)) == defaultLibrary {
		t.Skip("not the emulator")
	}
}

func TestInfo(t *testing.T) {
	onEmulator(t)
	b := newBench(t)
	i := b.Device().Info
	if i.Name != "emulator" || i.Driver != 13000 || i.Major != 9 || i.Multiprocessors != 4 || i.Total != 16<<30 || i.Free > i.Total ||
		i.UUID != "GPU-00000000-0000-0000-0000-000000000000" {
		t.Errorf("the emulator is %+v", i)
	}
	if v := i.Driver.String(); v != "13.0" {
		t.Errorf("its driver is for CUDA %v, want 13.0", v)
	}
}

// A device that cannot be had says why. Each case is a process of its own: a driver is
// loaded once.
func TestNoDevice(t *testing.T) {
	onEmulator(t)
	if want := os.Getenv("CUDA_TEST_OPEN"); want != "" {
		_, err := Open(map[bool]int{true: 3}[want == "ordinal"])
		if err == nil {
			t.Fatal("opened")
		}
		t.Logf("error: %v; no driver %t, old driver %t, no device %t", err, errors.Is(err, ErrNoDriver), errors.Is(err, ErrOldDriver), errors.Is(err, ErrNoDevice))
		return
	}
	for _, c := range []struct{ name, set, want string }{
		{"library", LibraryVariable + "=libnothere.so.1", "error: cuda: no NVIDIA driver: load libnothere.so.1: libnothere.so.1: cannot open shared object file: No such file or directory; no driver true, old driver false, no device false"},
		{"symbols", LibraryVariable + "=libc.so.6", "error: cuda: the NVIDIA driver is too old: libc.so.6 has no cuInit; no driver false, old driver true, no device false"},
		{"device", "EMULATED_NO_DEVICE=1", "error: cuda: the NVIDIA driver finds no GPU; no driver false, old driver false, no device true"},
		{"version", "EMULATED_DRIVER=10020", "is for CUDA 10.2, want 11.0 or later; no driver false, old driver true, no device false"},
		{"ordinal", "X=", "error: cuda: GPU 3: the NVIDIA driver finds no GPU of that number: it finds 1, counted from 0; no driver false, old driver false, no device true"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if out := inProcess(t, "TestNoDevice", "CUDA_TEST_OPEN="+c.name, c.set); !strings.Contains(out, c.want) {
				t.Errorf("output:\n%s\nwant\n%s", out, c.want)
			}
		})
	}
}

// inProcess runs a test of this package in a process of its own and returns its output.
func inProcess(t *testing.T, test string, env ...string) string {
	t.Helper()
	c := exec.Command(os.Args[0], "-test.v", "-test.run", "^"+test+"$")
	c.Env = append(os.Environ(), env...)
	out, _ := c.CombinedOutput()
	return string(out)
}

// A full memory says what was asked for and what is free.
func TestMemoryIsFull(t *testing.T) {
	b := newBench(t)
	_, total, err := b.Device().MemoryInfo()
	b.ok(err)
	_, err = Alloc[float64](b.Device(), total)
	full := (*MemoryError)(nil)
	if !errors.As(err, &full) || full.Asked != 8*total || full.Total != total || full.Free > total {
		t.Errorf("error %v, want a MemoryError for %d bytes", err, 8*total)
	}
}

// Memory comes and goes, and what is not asked for takes none.
func TestMemory(t *testing.T) {
	b := newBench(t)
	before, _, err := b.Device().MemoryInfo()
	b.ok(err)
	m, err := Alloc[float32](b.Device(), 1<<20)
	b.ok(err)
	b.ok(m.Free())
	none, err := Alloc[float32](b.Device(), 0)
	b.ok(errors.Join(err, none.Free(), Write(b.Stream, none, nil), Read(b.Stream, nil, none), Clear(b.Stream, none)))
	if _, err := Alloc[float32](b.Device(), -1); err == nil {
		t.Error("took memory for -1 elements")
	}
	after, _, err := b.Device().MemoryInfo()
	b.ok(err)
	if after != before {
		t.Errorf("%d bytes are free, want %d as before", after, before)
	}
}

func TestCopies(t *testing.T) {
	b := newBench(t)
	x := b.normal(1000)
	m, twin := up(b, x), room[float32](b, 1000)
	b.ok(Copy(b.Stream, twin, m))
	same(t, "copy", down(b, twin), x)
	b.ok(Clear(b.Stream, twin.Slice(10, 20)))
	clear(x[10:20])
	same(t, "cleared", down(b, twin), x)
	if err := Write(b.Stream, m, x[1:]); err == nil || err.Error() != "cuda: write 999 elements, want the 1000 of the destination" {
		t.Errorf("a write of another length: %v", err)
	}
}

// Pinned memory has what was downloaded when the stream has come so far, and, on the
// emulator, not before: a forgotten wait shows.
func TestStreams(t *testing.T) {
	b := newBench(t)
	in, err := AllocPinned[float32](b.Device(), 1000)
	b.ok(err)
	out, err := AllocPinned[float32](b.Device(), 1000)
	b.ok(err)
	t.Cleanup(func() { _ = errors.Join(in.Free(), out.Free()) })
	copy(in.Slice(), b.normal(1000))
	clear(out.Slice())
	second, err := b.Device().NewStream()
	b.ok(err)
	start, err := b.Device().NewEvent()
	b.ok(err)
	end, err := b.Device().NewEvent()
	b.ok(err)
	m := room[float32](b, 1000)
	b.ok(errors.Join(start.Record(second), Upload(second, m, in), end.Record(second), b.WaitFor(end), Download(b.Stream, out, m)))
	if os.Getenv(LibraryVariable) != "" {
		same(t, "before the wait", out.Slice(), make([]float32, 1000))
	}
	b.ok(b.Wait())
	same(t, "downloaded", out.Slice(), in.Slice())
	b.ok(end.Wait())
	if d, err := end.Since(start); err != nil || d < 0 {
		t.Errorf("took %v, %v", d, err)
	}
	b.ok(errors.Join(start.Free(), end.Free()))
}

// Launches come from any goroutine, on any thread.
func TestGoroutines(t *testing.T) {
	b := newBench(t)
	ms := make([]Memory[float32], 8)
	var wg sync.WaitGroup
	for i := range ms {
		ms[i] = up(b, []float32{1, 2, 3})
		wg.Go(func() {
			runtime.LockOSThread() // not unlocked: the thread ends with the goroutine
			if err := b.ScaleRow(ms[i], float32(i)); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	for i, m := range ms {
		f := float32(i)
		same(t, "row", down(b, m), []float32{f, 2 * f, 3 * f})
	}
}

// The driver writes to variables while stacks grow and move.
func TestStacksMoveWhileTheDriverWrites(t *testing.T) {
	b := newBench(t)
	for range 50 {
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				if _, total, err := b.Device().MemoryInfo(); err != nil || total != b.Device().Total || deep(200) == 0 {
					t.Errorf("the total is %d, %v, want %d", total, err, b.Device().Total)
				}
			})
		}
		wg.Wait()
	}
	if n := testing.AllocsPerRun(1, func() { address(new(int)) }); n == 0 {
		t.Error("what the driver writes to is on the stack")
	}
}

func deep(n int) int {
	var room [256]byte
	if n == 0 {
		return 1
	}
	return deep(n-1) + int(room[n%256])
}

// A launch with wrong arguments is refused before the driver sees it.
func TestArgumentsAreChecked(t *testing.T) {
	b := newBench(t)
	m := room[float32](b, 4)
	for _, c := range []struct {
		want string
		args []any
	}{
		{"cuda: kernel scale_row: 2 arguments, want 3", []any{m, float32(1)}},
		{"cuda: kernel scale_row: argument 1 is float64 of 8 bytes, want 4", []any{m, 1.0, 4}},
		{"cuda: kernel scale_row: argument 2: 4294967296 does not fit into 32 bits", []any{m, float32(1), 1 << 32}},
		{"cuda: kernel scale_row: argument 0: string is no kernel's argument", []any{"x", float32(1), 4}},
		{"cuda: kernel scale_row: argument 0: field A of struct { A int64 } is not an int32", []any{struct{ A int64 }{}, float32(1), 4}},
	} {
		if err := b.launch("scale_row", grid{1, 1, 1}, c.args...); err == nil || err.Error() != c.want {
			t.Errorf("error %v, want %s", err, c.want)
		}
	}
	if err := b.launch("nothing", grid{1, 1, 1}); err == nil || err.Error() != "cuda: no kernel nothing" {
		t.Errorf("a kernel that is not there: %v", err)
	}
	if err := b.launch("scale_row", grid{1, 70000, 1}, m, float32(1), 4); err == nil || !strings.Contains(err.Error(), "1×70000×1 blocks, want at most 2147483647×65535×65535") {
		t.Errorf("too many blocks: %v", err)
	}
	if err := b.ScaleRow(Memory[float32]{}, 1); err != nil {
		t.Errorf("nothing to do: %v", err)
	}
	if err := b.AddRow(m, m.Slice(0, 3)); err == nil || err.Error() != "cuda: AddRow: y has 3 elements, want at least 4" {
		t.Errorf("a short array: %v", err)
	}
}

// A fault of a kernel stays, and names the kernel: exactly if every launch is waited for.
func TestFault(t *testing.T) {
	onEmulator(t)
	if os.Getenv("EMULATED_FAULT") != "" {
		b := newBench(t)
		m := room[float32](b, 4)
		t.Logf("first: %v", b.ScaleRow(m, 2))
		t.Logf("second: %v", b.AddRow(m, m))
		t.Logf("wait: %v", b.Wait())
		t.Logf("again: %v", b.Wait())
		return
	}
	fault := "cuda: cuStreamSynchronize: CUDA_ERROR_ILLEGAL_ADDRESS (700)"
	for _, c := range []struct{ sync, want string }{
		{"0", "wait: cuda: kernel add_row or one before it: " + fault + " (BGMD_CUDA_SYNC=1 tells which)"},
		{"1", "first: cuda: kernel scale_row: " + fault},
	} {
		out := inProcess(t, "TestFault", "EMULATED_FAULT=scale_row", SyncVariable+"="+c.sync)
		if _, again, _ := strings.Cut(c.want, ": "); !strings.Contains(out, c.want) || !strings.Contains(out, "again: "+again) {
			t.Errorf("with %s=%s:\n%s\nwant\n%s", SyncVariable, c.sync, out, c.want)
		}
	}
}

// The checked-in PTX is what its compiler makes of the kernels.
func TestPTXIsCurrent(t *testing.T) {
	compiler, err := exec.LookPath("clang-19")
	if err != nil {
		t.Skip("no clang-19")
	}
	file := filepath.Join(t.TempDir(), "kernels.ptx")
	c := exec.Command("sh", "generate.sh", file)
	c.Env = append(os.Environ(), "CLANG="+compiler)
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	got, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, ptx) {
		t.Error("kernels.ptx is not what generate.sh makes: run go generate -tags gpu ./internal/cuda")
	}
}

// What parsePTX reads of a kernel.
func TestParsePTX(t *testing.T) {
	const text = ".visible .entry one(\n\t.param .u64 one_param_0,\n\t.param .align 4 .b8 one_param_1[48],\n\t.param .f32 one_param_2\n)\n.maxntid 128, 1, 1\n"
	entries, err := parsePTX([]byte(text))
	if err != nil || len(entries) != 1 || entries[0].name != "one" || entries[0].threads != 128 {
		t.Fatalf("%+v, %v", entries, err)
	}
	same(t, "sizes", entries[0].params, []int{8, 48, 4})
	for _, bad := range []string{"", ".entry x(.param .u64 a)", text + ".entry y"} {
		if _, err := parsePTX([]byte(bad)); err == nil {
			t.Errorf("read %q", bad)
		}
	}
}

// The emulator is compiled for the first process alone.
func TestEmulatorIsBuiltOnce(t *testing.T) {
	first, err := cudatest.Library()
	if err != nil {
		t.Fatal(err)
	}
	before, err := os.Stat(first)
	if err != nil {
		t.Fatal(err)
	}
	second, err := cudatest.Library()
	if err != nil || second != first {
		t.Fatalf("%s, %v, want %s", second, err, first)
	}
	if after, err := os.Stat(second); err != nil || !after.ModTime().Equal(before.ModTime()) {
		t.Error("the emulator was built again")
	}
}

// exp64 and log64 are within 2 ulp of math's, seen through the loss of two classes.
func TestLossOfTwoClasses(t *testing.T) {
	b := newBench(t)
	const m = 4096
	logits, labels := make([]float32, 2*m), make([]int32, m)
	for i := range m {
		logits[i] = float32(40 * (b.rng.Float64() - 0.5))
	}
	l := Loss{Classes: 2, N: m, Clients: 1}
	losses := room[float64](b, m)
	b.ok(b.Softmax(l, room[float32](b, 2*m), losses, up(b, logits), up(b, labels)))
	for i, got := range down(b, losses) {
		x := float64(logits[i])
		want := math.Log(1+math.Exp(-math.Abs(x))) - min(x, 0)
		if math.Abs(got-want) > 4.5e-16*(1+want) {
			t.Fatalf("the loss of %v is %v, want %v", x, got, want)
		}
	}
}
