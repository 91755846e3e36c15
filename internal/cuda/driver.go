//go:build gpu && linux

package cuda

import (
	"errors"
	"fmt"
	"os"
	"reflect"
	"runtime"
	"strings"
	"sync"
	"unsafe"

	"github.com/ebitengine/purego"
)

// LibraryVariable names the environment variable that says which library to load
// in place of the driver's.
const LibraryVariable = "BGMD_CUDA_LIBRARY"

const defaultLibrary = "libcuda.so.1"

// driver has the addresses of the driver's functions: the fields' names with cu in front.
type driver struct {
	Init, DriverGetVersion,
	DeviceGetCount, DeviceGet, DeviceGetName, DeviceGetUuid_v2, DeviceGetAttribute, //nolint:revive // the driver's names
	DevicePrimaryCtxRetain, DevicePrimaryCtxRelease_v2, CtxSetCurrent, //nolint:revive // the driver's names
	ModuleLoadDataEx, ModuleUnload, ModuleGetFunction,
	MemGetInfo_v2, MemAlloc_v2, MemFree_v2, MemHostAlloc, MemFreeHost, //nolint:revive // the driver's names
	MemcpyHtoDAsync_v2, MemcpyDtoHAsync_v2, MemcpyDtoDAsync_v2, MemsetD8Async, //nolint:revive // the driver's names
	StreamCreate, StreamSynchronize, StreamWaitEvent,
	EventCreate, EventDestroy_v2, EventRecord, EventSynchronize, EventElapsedTime, //nolint:revive // the driver's names
	LaunchKernel, GetErrorName uintptr
}

// library loads the driver once.
var library = sync.OnceValues(func() (*driver, error) {
	name := os.Getenv(LibraryVariable)
	if name == "" {
		name = defaultLibrary
	}
	return load(name)
})

// load loads and initialises a driver.
func load(name string) (*driver, error) {
	handle, err := purego.Dlopen(name, purego.RTLD_NOW|purego.RTLD_LOCAL)
	if err != nil {
		return nil, fmt.Errorf("cuda: %w: load %s: %w", ErrNoDriver, name, err)
	}
	d := &driver{}
	v := reflect.ValueOf(d).Elem()
	for i := range v.NumField() {
		symbol := "cu" + v.Type().Field(i).Name
		at, err := purego.Dlsym(handle, symbol)
		if err != nil {
			return nil, fmt.Errorf("cuda: %w: %s has no %s", ErrOldDriver, name, symbol)
		}
		*(*uintptr)(v.Field(i).Addr().UnsafePointer()) = at
	}
	if err := d.call("cuInit", d.Init, 0); errors.Is(err, ErrNoDevice) {
		return nil, fmt.Errorf("cuda: %w", ErrNoDevice)
	} else if err != nil {
		return nil, err
	}
	version, err := d.version()
	if err != nil {
		return nil, err
	}
	if version < oldestDriver {
		return nil, fmt.Errorf("cuda: %w: %s is for CUDA %v, want %v or later", ErrOldDriver, name, version, oldestDriver)
	}
	return d, nil
}

// A Version is that of CUDA which a driver is for, 1000·major + 10·minor.
type Version int

// oldestDriver is the first that reads the kernels' PTX, version 7.0.
const oldestDriver Version = 11000

func (v Version) String() string { return fmt.Sprintf("%d.%d", v/1000, v%1000/10) }

func (d *driver) version() (Version, error) {
	v := new(int32)
	err := d.call("cuDriverGetVersion", d.DriverGetVersion, address(v))
	return Version(*v), err
}

// call calls the driver on this thread and turns its code into an error.
func (d *driver) call(name string, f uintptr, args ...uintptr) error {
	code, _, _ := purego.SyscallN(f, args...)
	if int32(code) == 0 {
		return nil
	}
	s := new(*byte)
	e := &Error{Call: name, Code: int(int32(code))}
	if r, _, _ := purego.SyscallN(d.GetErrorName, code, address(s)); int32(r) == 0 && *s != nil {
		e.Name = stringAt(*s)
	}
	return e
}

// callIn calls the driver with the context current. Goroutines move from thread to thread,
// and contexts are a thread's own, so every call sets it.
func (d *driver) callIn(context uintptr, name string, f uintptr, args ...uintptr) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := d.call("cuCtxSetCurrent", d.CtxSetCurrent, context); err != nil {
		return err
	}
	return d.call(name, f, args...)
}

// address is p for the driver. What p points to must not move while the driver has it: a
// goroutine's stack may, so p is made to escape to the heap. It must also be used after
// the call, or kept by runtime.KeepAlive.
func address[T any](p *T) uintptr {
	if never {
		sink = p
	}
	return uintptr(unsafe.Pointer(p))
}

// What the compiler must believe: that address may keep its argument.
var (
	never bool
	sink  any //nolint:unused // written only
)

// stringAt copies a string of C.
func stringAt(s *byte) string {
	n := 0
	for *(*byte)(unsafe.Add(unsafe.Pointer(s), n)) != 0 {
		n++
	}
	return strings.Clone(unsafe.String(s, n))
}

// bytesOf is s with the zero that C wants behind it.
func bytesOf(s string) []byte { return append([]byte(s), 0) }
