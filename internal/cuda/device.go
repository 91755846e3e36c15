//go:build gpu && linux

package cuda

import (
	_ "embed"
	"errors"
	"fmt"
	"os"
	"runtime"
	"sync"
)

// SyncVariable names the environment variable that, set to 1, has every launch wait until
// its kernel has run, so that a fault names the kernel.
const SyncVariable = "BGMD_CUDA_SYNC"

// Info says what a device is.
type Info struct {
	Ordinal         int // from 0
	Name            string
	UUID            string
	Driver          Version // newest CUDA that the driver is for
	Major, Minor    int     // compute capability
	Multiprocessors int
	Total, Free     int // bytes of memory, when it was opened
}

// Device is an opened GPU with the kernels. It is safe for concurrent use.
type Device struct {
	Info
	driver  *driver
	ordinal uintptr
	context uintptr
	module  uintptr
	wait    bool // after each launch

	mu      sync.Mutex
	kernels map[string]*kernel
	last    string // kernel launched
	fault   error
}

//go:embed kernels/kernels.ptx
var ptx []byte

// Count is the number of GPUs. Having none is an error that is ErrNoDriver, ErrOldDriver or
// ErrNoDevice.
func Count() (int, error) {
	d, err := library()
	if err != nil {
		return 0, err
	}
	n := new(int32)
	if err := d.call("cuDeviceGetCount", d.DeviceGetCount, address(n)); err != nil {
		return 0, err
	}
	if *n == 0 {
		return 0, fmt.Errorf("cuda: %w", ErrNoDevice)
	}
	return int(*n), nil
}

// Open opens the GPU of the given number, from 0, and loads the kernels. It fails as Count
// does, and with an error that says how many there are.
func Open(ordinal int) (*Device, error) {
	n, err := Count()
	if err != nil {
		return nil, err
	}
	if ordinal < 0 || ordinal >= n {
		return nil, fmt.Errorf("cuda: GPU %d: %w of that number: it finds %d, counted from 0", ordinal, ErrNoDevice, n)
	}
	lib, err := library()
	if err != nil {
		return nil, err
	}
	d := &Device{driver: lib, wait: os.Getenv(SyncVariable) == "1", kernels: map[string]*kernel{}}
	handle := new(int32)
	if err := lib.call("cuDeviceGet", lib.DeviceGet, address(handle), uintptr(ordinal)); err != nil {
		return nil, err
	}
	d.ordinal = uintptr(*handle)
	context := new(uintptr)
	if err := lib.call("cuDevicePrimaryCtxRetain", lib.DevicePrimaryCtxRetain, address(context), d.ordinal); err != nil {
		return nil, err
	}
	d.context = *context
	if err := errors.Join(d.describe(ordinal), d.loadKernels()); err != nil {
		return nil, errors.Join(err, d.Close())
	}
	return d, nil
}

// Close gives back what the device holds. Its memory, streams and events end with it.
func (d *Device) Close() error {
	var err error
	if d.module != 0 {
		err = d.call("cuModuleUnload", d.driver.ModuleUnload, d.module)
	}
	return errors.Join(err, d.driver.call("cuDevicePrimaryCtxRelease", d.driver.DevicePrimaryCtxRelease_v2, d.ordinal))
}

// Attributes of a device, as the driver numbers them.
const (
	attributeMultiprocessors = 16
	attributeMajor           = 75
	attributeMinor           = 76
)

func (d *Device) describe(ordinal int) error {
	name, uuid := new([128]byte), new([16]byte)
	var errs []error
	attribute := func(number uintptr) int {
		v := new(int32)
		errs = append(errs, d.driver.call("cuDeviceGetAttribute", d.driver.DeviceGetAttribute, address(v), number, d.ordinal))
		return int(*v)
	}
	version, err := d.driver.version()
	errs = append(errs, err,
		d.driver.call("cuDeviceGetName", d.driver.DeviceGetName, address(name), uintptr(len(name)-1), d.ordinal),
		d.driver.call("cuDeviceGetUuid", d.driver.DeviceGetUuid_v2, address(uuid), d.ordinal))
	d.Info = Info{
		Ordinal: ordinal, Name: stringAt(&name[0]), Driver: version,
		UUID:  fmt.Sprintf("GPU-%x-%x-%x-%x-%x", uuid[:4], uuid[4:6], uuid[6:8], uuid[8:10], uuid[10:]),
		Major: attribute(attributeMajor), Minor: attribute(attributeMinor), Multiprocessors: attribute(attributeMultiprocessors),
	}
	d.Free, d.Total, err = d.MemoryInfo()
	return errors.Join(append(errs, err)...)
}

// MemoryInfo returns the bytes of memory that are free now, and all.
func (d *Device) MemoryInfo() (free, total int, err error) {
	f, t := new(uint64), new(uint64)
	err = d.call("cuMemGetInfo", d.driver.MemGetInfo_v2, address(f), address(t))
	return int(*f), int(*t), err
}

// loadKernels has the driver compile the kernels.
func (d *Device) loadKernels() error {
	if capability := 10*d.Major + d.Minor; capability < 70 {
		return fmt.Errorf("cuda: GPU %d (%s) has compute capability %d.%d, want 7.0 or later", d.Ordinal, d.Name, d.Major, d.Minor)
	}
	entries, err := parsePTX(ptx)
	if err != nil {
		return err
	}
	image, module := bytesOf(string(ptx)), new(uintptr)
	err = d.call("cuModuleLoadDataEx", d.driver.ModuleLoadDataEx, address(module), address(&image[0]), 0, 0, 0)
	runtime.KeepAlive(image)
	if err != nil {
		return fmt.Errorf("cuda: load the kernels: %w", err)
	}
	d.module = *module
	for _, e := range entries {
		k := &kernel{entry: e}
		name, f := bytesOf(e.name), new(uintptr)
		err := d.call("cuModuleGetFunction", d.driver.ModuleGetFunction, address(f), d.module, address(&name[0]))
		runtime.KeepAlive(name)
		if err != nil {
			return fmt.Errorf("cuda: kernel %s: %w", e.name, err)
		}
		k.function = *f
		d.kernels[e.name] = k
	}
	return nil
}

// call calls the driver with the device's context current. After a fault of a kernel,
// which is noticed in any later call, it returns that.
func (d *Device) call(name string, f uintptr, args ...uintptr) error {
	err := d.driver.callIn(d.context, name, f, args...)
	if err == nil {
		return nil
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.fault != nil {
		return d.fault
	}
	if e := (*Error)(nil); errors.As(err, &e) && isFault(e.Code) && d.last != "" {
		d.fault = &FaultError{Kernel: d.last, Exact: d.wait, Err: err}
		return d.fault
	}
	return err
}

// isFault says that a code is a fault of a running kernel: an illegal address, a
// misaligned one, an illegal instruction, a failed launch and the like.
func isFault(code int) bool {
	return code == 214 || code == 700 || code == 702 || code >= 714 && code <= 719
}
