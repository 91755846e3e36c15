//go:build gpu && linux

package cuda

import (
	"bytes"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/ebitengine/purego"
)

// architecture is what a multiprocessor has, from the table «Technical Specifications per
// Compute Capability» of NVIDIA's CUDA C++ Programming Guide.
type architecture struct {
	name     string
	threads  int
	shared   int // bytes of shared memory
	reserved int // of these a block's, for the system
}

var architectures = []architecture{
	{"sm_70", 2048, 96 << 10, 0},
	{"sm_75", 1024, 64 << 10, 0},
	{"sm_80", 2048, 164 << 10, 1 << 10},
	{"sm_86", 1536, 100 << 10, 1 << 10},
	{"sm_89", 1536, 100 << 10, 1 << 10},
	{"sm_90", 2048, 228 << 10, 1 << 10},
	{"sm_100", 2048, 228 << 10, 1 << 10},
	{"sm_120", 1536, 100 << 10, 1 << 10},
}

// What all of these have.
const (
	registers     = 65536    // of a multiprocessor
	mostRegisters = 255      // of a thread
	mostThreads   = 1024     // of a block
	mostShared    = 48 << 10 // of a block, in bytes, unless asked for more
)

// sizes is what a kernel takes.
type sizes struct {
	name            string
	threads, blocks int // of a block, on a multiprocessor at once
	shared          int // bytes of a block
}

var (
	threadsPattern = regexp.MustCompile(`\.maxntid (\d+)`)
	blocksPattern  = regexp.MustCompile(`\.minnctapersm (\d+)`)
	sharedPattern  = regexp.MustCompile(`\.shared [^;]*\.[a-z](\d+) [^;]*\[(\d+)\];`)
)

// kernelSizes reads them from the PTX.
func kernelSizes(t *testing.T) []sizes {
	t.Helper()
	number := func(text []byte) int {
		n, err := strconv.Atoi(string(text))
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	var all []sizes
	for _, kernel := range bytes.Split(ptx, entryDirective)[1:] {
		threads, blocks := threadsPattern.FindSubmatch(kernel), blocksPattern.FindSubmatch(kernel)
		if threads == nil || blocks == nil {
			t.Fatalf("no bounds in\n%.500s", kernel)
		}
		s := sizes{string(kernel[:bytes.IndexByte(kernel, '(')]), number(threads[1]), number(blocks[1]), 0}
		for _, m := range sharedPattern.FindAllSubmatch(kernel, -1) {
			s.shared += number(m[1]) / 8 * number(m[2])
		}
		all = append(all, s)
	}
	if len(all) < 40 {
		t.Fatalf("%d kernels in the PTX, want 40 or more", len(all))
	}
	return all
}

// As many blocks as a kernel's launch bound asks for fit on a multiprocessor, and each is one
// that any device can launch.
func TestKernelsFit(t *testing.T) {
	for _, k := range kernelSizes(t) {
		if k.threads > mostThreads || k.threads%32 != 0 || k.shared > mostShared {
			t.Errorf("%s: %d threads and %d bytes of shared memory a block, want full warps, at most %d and %d",
				k.name, k.threads, k.shared, mostThreads, mostShared)
		}
		for _, a := range architectures {
			if n := k.blocks * k.threads; n > a.threads {
				t.Errorf("%s on %s: %d blocks of %d threads, want at most %d threads", k.name, a.name, k.blocks, k.threads, a.threads)
			}
			if n := k.blocks * (k.shared + a.reserved); n > a.shared {
				t.Errorf("%s on %s: %d blocks take %d bytes of shared memory, want at most %d", k.name, a.name, k.blocks, n, a.shared)
			}
		}
	}
}

var assembled = regexp.MustCompile(`(?s)Compiling entry function '(\w+)'.*?(\d+) bytes stack frame, (\d+) bytes spill stores.*?Used (\d+) registers`)

// NVIDIA's assembler keeps all values and arrays in registers, and no kernel takes more of them than its
// launch bound leaves. It is looked for in the path, or is what PTXAS names.
func TestKernelsAssemble(t *testing.T) {
	assembler := os.Getenv("PTXAS")
	if assembler == "" {
		var err error
		if assembler, err = exec.LookPath("ptxas"); err != nil {
			t.Skip("no ptxas")
		}
	}
	for _, name := range []string{"sm_70", "sm_75", "sm_80", "sm_90", "sm_100", "sm_120"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			out, err := exec.Command(assembler, "-v", "-arch="+name, "kernels/kernels.ptx", "-o", os.DevNull).CombinedOutput()
			if strings.Contains(string(out), "is not defined for option 'gpu-name'") {
				t.Skip("this ptxas does not know it")
			}
			if err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			found := map[string][]string{}
			for _, m := range assembled.FindAllStringSubmatch(string(out), -1) {
				found[m[1]] = m[2:]
			}
			for _, k := range kernelSizes(t) {
				f := found[k.name]
				if f == nil {
					t.Errorf("%s is not in what ptxas says", k.name)
					continue
				}
				used, err := strconv.Atoi(f[2])
				if err != nil || f[0] != "0" || f[1] != "0" || used > mostRegisters || used*k.threads*k.blocks > registers {
					t.Errorf("%s: %s registers, %s bytes of arrays and spills in memory, %s of spills, want at most %d and none", k.name, f[2], f[0], f[1],
						min(mostRegisters, registers/k.threads/k.blocks))
				}
			}
		})
	}
}

// Every kernel's parameters have the sizes in the PTX that they have in the emulator, by the
// C++ they are both made from: the driver reads arguments by the one, launch packs them by
// the other. (A driver for CUDA 12.4 or later has the function, too.)
func TestParametersAreTheEmulators(t *testing.T) {
	b := newBench(t)
	handle, err := purego.Dlopen(os.Getenv(LibraryVariable), purego.RTLD_NOW)
	b.ok(err)
	info, err := purego.Dlsym(handle, "cuFuncGetParamInfo")
	if err != nil {
		t.Skip(err)
	}
	for name, k := range b.Device().kernels {
		for i := 0; ; i++ {
			offset, size := new(uint64), new(uint64)
			code, _, _ := purego.SyscallN(info, k.function, uintptr(i), address(offset), address(size))
			if int32(code) != 0 {
				if i != len(k.params) {
					t.Errorf("%s has %d parameters there, %d in the PTX", name, i, len(k.params))
				}
				break
			}
			if i >= len(k.params) || int(*size) != k.params[i] {
				t.Errorf("%s: parameter %d has %d bytes there; in the PTX they have %v", name, i, *size, k.params)
				break
			}
		}
	}
}
